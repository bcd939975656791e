"""Times several candidates in turns, so that a machine's moods meet them all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """Something to time. `units`: how many slices (or products) `run` does; times are per unit."""

    name: str
    precision: str
    units: int
    run: Callable[[], object]


@dataclass(frozen=True)
class Round:
    """One run of one candidate: seconds per unit on the clock, and of the processor."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Timing:
    """Seconds per unit over the rounds.

    clock: median on the clock, with the fastest and the slowest round; processor: median of the
    process's processor time, all threads together: on a busy machine only that means something.
    """

    name: str
    precision: str
    units: int
    clock: float
    fastest: float
    slowest: float
    processor: float

    @property
    def seconds(self) -> float:
        """Of a whole run, on the clock."""
        return self.clock * self.units


def measure(candidates: Sequence[Candidate], repeats: int) -> list[Timing]:
    """Time every candidate `repeats` times after once that does not count, each round in turn."""
    rounds: list[list[Round]] = [[] for _ in candidates]
    for turn in range(repeats + 1):
        for place in range(len(candidates)):
            which = (place + turn) % len(candidates)
            one = _timed(candidates[which])
            if turn:
                rounds[which].append(one)
    return [summarized(*pair) for pair in zip(candidates, rounds, strict=True)]


def summarized(candidate: Candidate, rounds: Sequence[Round]) -> Timing:
    """Medians and extremes of a candidate's rounds."""
    clock = [one.clock for one in rounds]
    return Timing(
        candidate.name,
        candidate.precision,
        candidate.units,
        statistics.median(clock),
        min(clock),
        max(clock),
        statistics.median(one.processor for one in rounds),
    )


def _timed(candidate: Candidate) -> Round:
    clock, spent = time.perf_counter(), time.process_time()
    candidate.run()
    clock, spent = time.perf_counter() - clock, time.process_time() - spent
    return Round(clock / candidate.units, spent / candidate.units)
