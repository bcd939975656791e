"""What travels in a batch: a task to a worker, a small record back, and the settings of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..files.naming import Job
from ..files.writing import Wanted
from ..options import ColorizeOptions
from .fingerprint import Finished, Recipe

COLORED = "coloured"
DONE_BEFORE = "done before"
FAILED = "failed"
LEFT_OUT = "left out"
NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Task:
    """One input: paths alone, so that a worker on another host reads and writes by itself.

    name: the input below the input folder, with slashes; of a folder with several scans also the
    series. finished: where its fingerprint lies. attempts: the run's folder for the attempts at it;
    when it is gone the run is over. files: of the series, () for an input that is a file; part:
    which of the series's volumes. notes: what was told when the input was found. left_out: why it
    is no scan and not begun, "".
    """

    run: str
    name: str
    job: Job
    finished: Path
    attempts: Path
    files: tuple[Path, ...] = ()
    part: int = 0
    notes: tuple[str, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class Record:
    """How a task ended.

    state: COLORED, DONE_BEFORE, FAILED, LEFT_OUT or NOT_REACHED. reason: of a failure, or why it
    was left out, one sentence.
    notes: the engine's warnings. attempts: how often it was begun in this run, the lost ones too.
    recomputed: how often it was made whole beyond once. worker: host and process of the last
    attempt.
    """

    name: str
    state: str
    reason: str = ""
    notes: str = ""
    slices: int = 0
    seconds: float = 0.0
    attempts: int = 0
    worker: str = ""
    recomputed: int = 0


@dataclass(frozen=True)
class Work:
    """The settings of a run, told to every worker process once.

    run: the run's name. model: as for `load_model`, or an absolute folder. retries: how often a
    volume is begun again after its worker died. threads: of the network in each process; None takes
    what Dask gives the worker. again: colour what is done already too. version: of the library that
    asks, which the workers must have as well.
    """

    run: str
    options: ColorizeOptions
    wanted: Wanted
    recipe: Recipe
    mask: Path | None
    model: str | None
    device: str
    retries: int
    threads: int | None
    again: bool
    version: str


def finished_record(task: Task, state: str, finished: Finished, attempts: int) -> Record:
    """The record of a volume whose result is whole."""
    return Record(
        task.name,
        state,
        "",
        finished.notes,
        finished.slices,
        finished.seconds,
        attempts,
        finished.worker,
    )


def lost(task: Task, attempts: int) -> Record:
    """The record of a volume whose workers died."""
    return Record(
        task.name,
        FAILED,
        f"Its worker died {attempts} times with it, killed or out of memory; "
        "take fewer --workers, or crop it.",
        attempts=attempts,
    )
