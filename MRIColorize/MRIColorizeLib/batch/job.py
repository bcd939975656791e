"""One volume of a batch, coloured so that any attempt may be the last.

An attempt writes into a folder of its own and moves its files when all are whole, the colours
last; then the fingerprint says so. An attempt that is lost leaves only that folder, which counts
it; one that comes after a whole result finds the fingerprint and does nothing.
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..engine.cache import EngineCache
from ..errors import Cancelled, InputError, MRIColorizeError, OutputError
from ..files.dicom.folder import read_folder, read_part
from ..files.masks import read_mask
from ..files.reading import read_volume
from ..files.writing import check_formats, segment_palette, write_results
from ..staging import staged
from ..volume import ColorVolume, Volume
from . import attempts
from .fingerprint import (
    Finished,
    InputState,
    look_at,
    outputs_exist,
    read_finished,
    still_holds,
    write_finished,
)
from .records import COLORED, DONE_BEFORE, FAILED, Record, Task, Work, finished_record, lost


class BatchPainter:
    """Colours the volumes of a run, one at a time, with one model that is loaded once.

    threads: of the network and of ITK.
    """

    def __init__(self, work: Work, threads: int) -> None:
        self._work = work
        self._threads = threads
        self._engines = EngineCache()
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def color(self, task: Task) -> Record:
        """Colour a volume, or find that it is done; every failure becomes a record."""
        work, folder = self._work, task.job.volume.parent
        begun = attempts.count(task.attempts)
        before = read_finished(task.finished)
        if before is not None:
            if before.run == work.run and outputs_exist(before, folder):
                return finished_record(task, COLORED, before, begun)  # its worker died thereafter
            if not work.again and still_holds(
                before, task.job.source, folder, work.recipe, task.files
            ):
                return finished_record(task, DONE_BEFORE, before, begun)
        if begun > work.retries:
            return lost(task, begun)
        notes = list(task.notes)
        try:
            finished = self._attempt(task, before, notes)
            return finished_record(task, COLORED, finished, begun + 1)
        except MRIColorizeError as error:
            reason = str(error)
        except MemoryError:
            reason = "There is not enough memory; take fewer --workers, or crop the volume."
        except Exception as error:  # whatever one volume does, the others go on
            reason = f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        told, tried = " ".join(notes), attempts.count(task.attempts)
        return Record(task.name, FAILED, reason, told, attempts=tried, worker=self._name)

    def _attempt(self, task: Task, before: Finished | None, notes: list[str]) -> Finished:
        began = time.perf_counter()
        work, folder = self._work, task.job.volume.parent
        staging = attempts.begin(task.attempts)
        try:
            state, color, files = self._make(task, staging, notes)
            outputs = tuple((path.name, path.stat().st_size) for path in files)
            task.finished.unlink(missing_ok=True)  # from here on the old result is not whole
            with staged(folder, last=task.job.volume.name) as stage:
                _hand_over(files, stage)
        except OutputError as error:
            attempts.give_up(staging)
            told = str(error).replace(str(staging), str(folder))  # where it would have been
            raise OutputError(told) from error
        except BaseException:
            attempts.give_up(staging)
            raise
        seconds = round(time.perf_counter() - began, 3)
        slices = color.provenance.slices
        finished = Finished(
            *(state, work.recipe, outputs, slices, seconds, work.run, self._name),
            notes=" ".join(notes),
        )
        write_finished(task.finished, finished)
        attempts.finish(staging)
        if before is not None:
            _remove_superseded(before, finished, folder)
        return finished

    def _make(
        self, task: Task, staging: Path, notes: list[str]
    ) -> tuple[InputState, ColorVolume, list[Path]]:
        """Colour into the staging folder: the files, the colours first. Warnings are noted."""
        work, source = self._work, task.job.source
        engine = self._engine()
        try:
            state = look_at(source, task.files)
        except OSError as error:
            raise InputError(f"{source} cannot be opened ({error.strerror}); check it.") from error
        with _noting(notes):
            volume = _read(task)
            check_formats(task.job, volume)
            mask = None if work.mask is None else read_mask(work.mask, volume)
            options = replace(work.options, mask=mask)
            # When a run is over its folder is gone, and what it still colours stops.
            color = engine.colorize(volume, options, lambda _done, _total: staging.exists())
        palette = segment_palette(engine.model, options) if work.wanted.tissue else None
        job = task.job.within(staging)
        files = write_results(job, volume, color, palette, work.wanted, notes.append)
        return state, color, files

    def _engine(self) -> Any:
        """The engine, made for the first volume; raises when it is not the one asked for."""
        work = self._work
        if work.version != __version__:
            raise InputError(
                f"{self._name} has MRIColorize {__version__} and the run needs {work.version}; "
                "install the same everywhere."
            )
        engine = self._engines(work.model, work.device)
        if engine.model.card.weights_sha256 != work.recipe.weights_sha256:
            raise InputError(
                f"{self._name} has other weights of {work.recipe.model}; install the same "
                "everywhere."
            )
        _use_threads(self._threads)
        return engine


@contextmanager
def _noting(notes: list[str]) -> Iterator[None]:
    """Keep the library's warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module="MRIColorizeLib")
        try:
            yield
        finally:
            notes += [str(warning.message) for warning in caught]


def _read(task: Task) -> Volume:
    source = task.job.source
    if task.files:
        return read_part(source, task.files, task.part)
    return read_folder(source, deep=False) if source.is_dir() else read_volume(source)


def _use_threads(threads: int) -> None:
    import SimpleITK as sitk
    import torch

    torch.set_num_threads(threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def _hand_over(files: Sequence[Path], stage: Path) -> None:
    """Move an attempt's files to where they are put in place from."""
    for path in files:
        try:
            path.replace(stage / path.name)
        except FileNotFoundError as error:  # the run is over, and its folder gone
            raise Cancelled from error
        except OSError as error:
            raise OutputError(f"{path} cannot be moved ({error.strerror}).") from error


def _remove_superseded(before: Finished, now: Finished, folder: Path) -> None:
    """Remove what an earlier run made of this input and this one does not; changed files stay."""
    kept = {name for name, _ in now.outputs}
    for name, size in before.outputs:
        path = folder / name
        if name not in kept and path.is_file() and path.stat().st_size == size:
            path.unlink()
