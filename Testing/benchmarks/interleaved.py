"""Times several candidates in turns, so that a machine's moods meet them all alike."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Candidate:
    """Something to time: `run` treats `slices` slices."""

    name: str
    precision: str
    slices: int
    run: Callable[[], object]


@dataclass(frozen=True)
class Round:
    """One run of one candidate: milliseconds per slice on the clock, and of the processor."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Timing:
    """Milliseconds per slice over the rounds, and how many times faster than the reference.

    clock: median on the clock, with the fastest and the slowest round; processor: median of the
    process's processor time, all threads together.
    """

    name: str
    precision: str
    clock: float
    fastest: float
    slowest: float
    processor: float
    times_faster: float
    times_faster_processor: float


def measure(candidates: Sequence[Candidate], repeats: int) -> list[list[Round]]:
    """The rounds of each candidate, after one that does not count; each round starts elsewhere."""
    rounds: list[list[Round]] = [[] for _ in candidates]
    for turn in range(repeats + 1):
        for place in range(len(candidates)):
            which = (place + turn) % len(candidates)
            clock, spent = time.perf_counter(), time.process_time()
            candidates[which].run()
            clock, spent = time.perf_counter() - clock, time.process_time() - spent
            if turn:
                share = 1000 / candidates[which].slices
                rounds[which].append(Round(clock * share, spent * share))
    return rounds


def summarize(
    candidates: Sequence[Candidate], rounds: Sequence[Sequence[Round]], reference: int = 0
) -> list[Timing]:
    """Medians, and how many times faster than candidate number `reference` each is."""
    clock = [statistics.median(one.clock for one in each) for each in rounds]
    spent = [statistics.median(one.processor for one in each) for each in rounds]
    return [
        Timing(
            name=candidate.name,
            precision=candidate.precision,
            clock=clock[i],
            fastest=min(one.clock for one in rounds[i]),
            slowest=max(one.clock for one in rounds[i]),
            processor=spent[i],
            times_faster=clock[reference] / clock[i],
            times_faster_processor=spent[reference] / spent[i],
        )
        for i, candidate in enumerate(candidates)
    ]


def table(timings: Sequence[Timing]) -> str:
    """The timings as a Markdown table."""
    header = ("what", "precision", "ms a slice", "range", "times faster", "CPU ms", "times faster")
    rows = [
        (
            one.name,
            one.precision,
            f"{one.clock:.1f}",
            f"{one.fastest:.1f} to {one.slowest:.1f}",
            f"{one.times_faster:.1f}",
            f"{one.processor:.1f}",
            f"{one.times_faster_processor:.1f}",
        )
        for one in timings
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * 7, *rows))


def processor_name() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
