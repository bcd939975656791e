"""`mri-colorize batch`: a whole tree of volumes, resumable, with a table of how each one ended."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..command.arguments import BAD, FORMATS, options_from
from ..command.console import Console
from ..errors import InputError
from ..files.discovery import EVERYTHING, find_inputs
from ..files.packages import FOR_BATCH, require
from ..files.writing import Wanted
from ..network.card import ModelCard, read_card
from ..network.model import find_model, load_model, models_directory
from ..network.palettes import model_palette
from ..options import ColorizeOptions
from .attempts import close_run, opened_run, unique_name
from .cluster import Crew, connect
from .fingerprint import Recipe, read_finished, recipe_of, still_holds
from .plan import check_folders, inputs_in, plan_tasks
from .records import (
    COLORED,
    DONE_BEFORE,
    FAILED,
    LEFT_OUT,
    Record,
    Task,
    Work,
    finished_record,
)
from .report import TABLE, count, summary, write_table


def run_batch(arguments: argparse.Namespace, console: Console) -> int:
    """Colour a tree; returns 0 when every volume is whole and 2 when some failed.

    Raises an MRIColorizeError when nothing can be done at all, and nothing is left behind then.
    """
    require(FOR_BATCH)
    began = time.perf_counter()
    run = unique_name()
    tasks, work, crew = _prepare(arguments, run, console)
    table = arguments.out / TABLE
    records: list[Record] = []
    with opened_run(arguments.out, run) as folder:
        try:
            scans = [task for task in tasks if not task.left_out]
            if not arguments.force:
                records += _done_before(scans, work.recipe)
            console.say(
                f"{len(scans)} volumes in {arguments.source}, {len(records)} of them done before; "
                f"model {work.recipe.model} {work.recipe.model_version}"
            )
            records += [Record(t.name, LEFT_OUT, t.left_out) for t in tasks if t.left_out]
            done = {record.name for record in records}
            ahead = [task for task in tasks if task.name not in done]
            if ahead:
                _color(crew, work, ahead, records, folder, console)
        finally:
            records += _not_heard_of(tasks, records, run)
            if records:
                write_table(table, tasks, records, arguments.out)
            if 0 < len(records) < len(tasks):
                console.note(
                    f"{len(records)} of {len(tasks)} volumes are dealt with; the same call goes on "
                    "with the others."
                )
    counts = count(tasks, records)
    for line in summary(counts, records, time.perf_counter() - began, table):
        console.say(line)
    if counts.failed and console.quiet:
        console.warn(f"{counts.failed} of {counts.inputs} volumes failed; see {table}.")
    return BAD if counts.failed else 0


def _prepare(
    arguments: argparse.Namespace, run: str, console: Console
) -> tuple[list[Task], Work, Crew]:
    """All that can be wrong before the work is found here."""
    if arguments.retries < 0:
        raise InputError(f"--retries is {arguments.retries}; choose 0 or more.")
    crew = Crew(
        workers=arguments.workers,
        threads=arguments.threads,
        scheduler=arguments.scheduler,
        slurm=arguments.slurm is not None,
        slurm_file=Path(arguments.slurm) if isinstance(arguments.slurm, str) else None,
    )
    options = options_from(arguments)
    check_folders(arguments.source, arguments.out)
    paths = find_inputs(arguments.source, arguments.pattern or EVERYTHING)
    if arguments.mask is not None:
        mask = arguments.mask.resolve()
        paths = [path for path in paths if path.resolve() != mask]
    if not paths:
        asked = f" that matches {' or '.join(arguments.pattern)}" if arguments.pattern else ""
        raise InputError(
            f"{arguments.source} holds no image{asked}; give NIfTI, NRRD, MHA or DICOM."
        )
    if folders := sum(path.is_dir() for path in paths):
        console.say(f"Looking through {folders} folders of DICOM")
    inputs = [one for path in paths for one in inputs_in(path)]
    tasks = plan_tasks(arguments.source, arguments.out, inputs, FORMATS[arguments.format], run)
    if arguments.mask is not None:
        results = (path for task in tasks for path in task.job.results())
        if any(path.name == mask.name and path.resolve() == mask for path in results):
            raise InputError(f"The mask {mask} has the name of a result; move or rename it.")
    work = _work(arguments, run, options)
    if crew.is_local:
        crew = _for_device(crew, arguments.device)
    return tasks, work, crew


def _work(arguments: argparse.Namespace, run: str, options: ColorizeOptions) -> Work:
    """The settings that the workers are told."""
    card = read_card(find_model(arguments.model))
    wanted = Wanted(arguments.tissue, arguments.confidence, arguments.render)
    if wanted.tissue or wanted.confidence or options.palette is not None:
        model_palette(card)  # says so when the model has none
    mask = None if arguments.mask is None else arguments.mask.absolute()
    return Work(
        run=run,
        options=options,
        wanted=wanted,
        recipe=recipe_of(card, options, wanted, FORMATS[arguments.format], mask),
        mask=mask,
        model=_place(card),
        device=arguments.device,
        retries=arguments.retries,
        threads=arguments.threads,
        again=arguments.force,
        version=__version__,
    )


def _place(card: ModelCard) -> str:
    """What another computer finds the model by: the name of one that ships, or its folder."""
    ships = card.directory.parent == models_directory()
    return card.directory.name if ships else str(card.directory.absolute())


def _for_device(crew: Crew, device: str) -> Crew:
    """On a graphics card two processes suffice: one reads and writes while the other computes."""
    from ..engine.devices import resolve_device

    on_card = resolve_device(device) != "cpu"
    return replace(crew, workers=2) if on_card and crew.workers is None else crew


def _done_before(tasks: Sequence[Task], recipe: Recipe) -> list[Record]:
    records = []
    for task in tasks:
        finished = read_finished(task.finished)
        folder = task.job.volume.parent
        if finished is not None and still_holds(
            finished, task.job.source, folder, recipe, task.files
        ):
            records.append(finished_record(task, DONE_BEFORE, finished, attempts=0))
    return records


def _not_heard_of(tasks: Sequence[Task], records: Sequence[Record], run: str) -> list[Record]:
    """What was finished in this run by workers that could not say so any more."""
    heard = {record.name for record in records}
    late = []
    for task in tasks:
        finished = None if task.name in heard else read_finished(task.finished)
        if finished is not None and finished.run == run:
            late.append(finished_record(task, COLORED, finished, attempts=1))
    return late


def _color(
    crew: Crew,
    work: Work,
    tasks: Sequence[Task],
    records: list[Record],
    folder: Path,
    console: Console,
) -> None:
    """Colour the tasks and add a record of each; the run's folder goes before the workers do."""
    from .run import color_all

    load_model(work.model)  # one that is damaged is told once and not by every volume
    failed = 0
    with connect(crew, work.retries) as connection, console.progress(" volumes") as show:
        console.say(connection.told)
        work = replace(work, threads=connection.threads)
        show(0, len(tasks))
        ended = color_all(connection.client, work, tasks, keeps_on=crew.is_local)
        try:
            for number, record in enumerate(ended, start=1):
                records.append(record)
                failed += record.state == FAILED
                show(number, len(tasks), f"{failed} failed" if failed else "")
        finally:
            close_run(folder)  # what still goes on stops
