"""Peak memory: of a piece of work in a fresh process, or of a command from start to end."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True)
class Usage:
    """What a piece of work took: seconds on the clock and of the processor, MiB at its peak."""

    seconds: float
    processor: float
    peak_mib: float


def in_fresh_process(work: Callable[..., Any], *arguments: object) -> Any:
    """The result of `work(*arguments)`, done in a process that has done nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def used(work: Callable[[], object]) -> Usage:
    """Do some work; the peak is above what the process held before. Linux only, else it is NaN."""
    before = _forget_peak()
    clock, spent = time.perf_counter(), time.process_time()
    work()
    clock, spent = time.perf_counter() - clock, time.process_time() - spent
    return Usage(clock, spent, (_memory("VmHWM") - before) / MIB)


def run_command(command: Sequence[str | Path], environment: dict[str, str]) -> Usage:
    """Run a command; its peak counts all that the process held. Raises RuntimeError if it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    ) as process:
        _, status, resources = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"The command ended with {process.returncode}.")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    spent = resources.ru_utime + resources.ru_stime
    return Usage(time.perf_counter() - began, spent, resources.ru_maxrss * unit / MIB)


def _forget_peak() -> float:
    """Begin a new peak, and return the bytes that this process holds now."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory("VmRSS")


def _memory(field: str) -> float:
    if sys.platform != "linux":
        return float("nan")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024.0
