"""The plan of a batch: what becomes what, and that no two results meet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .attempts import STATE, run_folder
from .batch_records import Task
from .errors import InputError
from .naming import job_in


def check_folders(source: Path, out: Path) -> None:
    """Raise InputError when the input folder is none or would hold the results."""
    if not source.exists():
        raise InputError(f"{source} does not exist; give the folder that holds the images.")
    if not source.is_dir():
        raise InputError(f"{source} is no folder; colour one file without the word batch.")
    if out.resolve().is_relative_to(source.resolve()):
        raise InputError(
            f"{out} lies inside {source}, where results would be taken for images; "
            "choose another OUT_DIR."
        )
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, not a folder; choose another OUT_DIR.")


def plan_tasks(
    source: Path, out: Path, inputs: Sequence[Path], ending: str, run: str
) -> list[Task]:
    """Name the results of every input: the tree below `out` mirrors the one below `source`.

    ending: ".nrrd" or ".nii.gz". Raises InputError when two inputs would write the same file, or
    one would write into the input folder.
    """
    tasks = [_task(source.absolute(), out.absolute(), path, ending, run) for path in inputs]
    writers: dict[Path, Task] = {}
    clashes = []
    for task in tasks:
        other = writers.setdefault(task.job.volume, task)
        if other is not task:
            clashes.append((other, task))
        if task.job.volume.resolve().is_relative_to(source.resolve()):
            raise InputError(
                f"{task.job.volume} would lie inside {source}; choose another OUT_DIR."
            )
    if clashes:
        first, second = clashes[0]
        more = f", and {len(clashes) - 1} more like them" if len(clashes) > 1 else ""
        raise InputError(
            f"{first.name} and {second.name} would both become {first.job.volume.name}{more}; "
            "choose between them with --pattern."
        )
    return tasks


def _task(source: Path, out: Path, path: Path, ending: str, run: str) -> Task:
    path = path.absolute()
    below = path.relative_to(source)
    name = below.as_posix() if below.parts else path.name
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return Task(
        run=run,
        name=name,
        job=job_in(out / below.parent, path, ending),
        finished=out / STATE / "done" / f"{name}.json",
        attempts=run_folder(out, run) / key,
    )
