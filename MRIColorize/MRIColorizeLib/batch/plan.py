"""The plan of a batch: what becomes what, and that no two results meet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, MRIColorizeError
from ..files.dicom.choice import told_of_others, why_none
from ..files.dicom.folder import list_series
from ..files.naming import as_name, job_in
from .attempts import STATE, run_folder
from .records import Task


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


@dataclass(frozen=True)
class Input:
    """What becomes one result: a file, or a volume of a folder of DICOM.

    series: number and description where a folder holds several scans, else "". files, part, notes,
    left_out: as in `Task`.
    """

    path: Path
    series: str = ""
    files: tuple[Path, ...] = ()
    part: int = 0
    notes: tuple[str, ...] = ()
    left_out: str = ""


def inputs_in(path: Path) -> list[Input]:
    """A file is an input, and so is each scan of a folder of DICOM.

    A folder that holds other things than scans is left out; one that cannot be used is an input
    whose reading tells why.
    """
    if not path.is_dir():
        return [Input(path)]
    try:
        listing = list_series(path, deep=False)
    except (MRIColorizeError, OSError):
        return [Input(path)]
    if listing.series and all(one.doubt for one in listing.series):
        return [Input(path, left_out=why_none(path, listing))]
    scans = [one for one in listing.series if not one.reason]
    told = tuple(told_of_others(path, listing, scans))
    return [
        Input(
            path,
            scan.label if len(scans) > 1 else "",
            scan.files,
            scan.part,
            told if scan is scans[0] else (),
        )
        for scan in scans
    ] or [Input(path)]


def plan_tasks(
    source: Path, out: Path, inputs: Sequence[Input], ending: str, run: str
) -> list[Task]:
    """Name the results of every input: the tree below `out` mirrors the one below `source`.

    ending: ".nrrd" or ".nii.gz". Raises InputError when two inputs would write the same file, or
    one would write into the input folder.
    """
    tasks = [_task(source.absolute(), out.absolute(), given, ending, run) for given in inputs]
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


def _task(source: Path, out: Path, given: Input, ending: str, run: str) -> Task:
    path = given.path.absolute()
    below = path.relative_to(source)
    name = below.as_posix() if below.parts else path.name
    if given.series:
        name = f"{name}#{as_name(given.series)}"
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return Task(
        run=run,
        name=name,
        job=job_in(out / below.parent, path, ending, given.series),
        finished=out / STATE / "done" / f"{name}.json",
        attempts=run_folder(out, run) / key,
        files=tuple(file.absolute() for file in given.files),
        part=given.part,
        notes=given.notes,
        left_out=given.left_out,
    )
