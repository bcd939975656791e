"""Claims about one volume of a batch: any attempt may be the last, none leaves half a result."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from cli.made import write_nifti
from MRIColorizeLib import __version__
from MRIColorizeLib.batch import attempts
from MRIColorizeLib.batch import job as batch_job
from MRIColorizeLib.batch.attempts import close_run, open_run
from MRIColorizeLib.batch.fingerprint import read_finished, recipe_of
from MRIColorizeLib.batch.job import BatchPainter
from MRIColorizeLib.batch.plan import Input, plan_tasks
from MRIColorizeLib.batch.records import COLORED, DONE_BEFORE, FAILED, Work
from MRIColorizeLib.files.writing import Wanted
from MRIColorizeLib.network.card import read_card
from MRIColorizeLib.options import ColorizeOptions


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "in").mkdir()
    write_nifti(tmp_path / "in" / "a.nii.gz")
    return tmp_path / "in", tmp_path / "out"


@pytest.fixture
def painter(small_model):
    """Make the painter of a run; changes: of its Work."""

    def make(run, **changes):
        options, wanted = ColorizeOptions(), Wanted()
        recipe = recipe_of(read_card(small_model), options, wanted, ".nrrd", None)
        settings = {"model": str(small_model), "device": "cpu", "mask": None, "retries": 2}
        settings |= {"threads": 1, "again": False, "version": __version__, **changes}
        return BatchPainter(Work(run, options, wanted, recipe, **settings), threads=1)

    return make


def task_of(folders, run):
    """The only task of a run that is open."""
    source, out = folders
    open_run(out, run)
    (task,) = plan_tasks(source, out, [Input(source / "a.nii.gz")], ".nrrd", run)
    return task


def visible(out):
    return sorted(p.name for p in out.rglob("*") if p.is_file() and ".mri-colorize" not in p.parts)


RESULT = ["a_color.nrrd", "a_color.png"]


def test_an_attempt_after_a_whole_result_does_nothing(folders, painter):
    task = task_of(folders, "run")
    first = painter("run", again=True).color(task)
    made = task.job.volume.stat()
    second = painter("run", again=True).color(task)  # by another worker, as the first one died
    assert first.state == second.state == COLORED
    assert (second.slices, second.attempts) == (first.slices, 1)
    assert task.job.volume.stat() == made
    assert attempts.count_whole(task.attempts) == 1


def test_two_attempts_at_once_leave_one_whole_result(folders, painter, monkeypatch):
    """As when a worker is thought dead and is not: both end, and both are counted."""
    together = threading.Barrier(2)
    read = batch_job.read_volume

    def read_together(path):
        together.wait(timeout=30)
        return read(path)

    monkeypatch.setattr(batch_job, "read_volume", read_together)
    monkeypatch.setattr(batch_job, "_noting", nullcontext)  # filters are global
    task = task_of(folders, "run")
    records = []
    threads = [
        threading.Thread(target=lambda: records.append(painter("run").color(task)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.state for record in records] == [COLORED, COLORED]
    assert visible(folders[1]) == RESULT
    assert attempts.count_whole(task.attempts) == 2
    finished = read_finished(task.finished)
    sizes = [(name, (folders[1] / name).stat().st_size) for name in RESULT]
    assert list(finished.outputs) == sizes


def test_lost_attempts_are_counted_and_bounded(folders, painter):
    task = task_of(folders, "run")
    for _ in range(2):
        staging = attempts.begin(task.attempts)  # and its worker dies
        (staging / "a_color.nrrd").write_bytes(b"half")
    assert painter("run").color(task).attempts == 3
    task = task_of(folders, "next")
    for _ in range(3):
        attempts.begin(task.attempts)
    record = painter("next", again=True).color(task)
    assert (record.state, record.attempts) == (FAILED, 3)
    assert "worker died 3 times" in record.reason


def test_a_failed_attempt_keeps_the_old_result_and_no_file_of_its_own(
    folders, painter, monkeypatch
):
    source, out = folders
    painter("first").color(task_of(folders, "first"))
    before = (out / "a_color.nrrd").read_bytes()
    write_nifti(source / "a.nii.gz", affine=np.diag((2.0, 2, 2, 1)))

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    task = task_of(folders, "second")
    record = painter("second").color(task)
    assert record.state == FAILED
    assert f"{out / 'a_color.png'} cannot be written: the disk is full" in record.reason
    assert (out / "a_color.nrrd").read_bytes() == before
    assert not [path for path in task.attempts.rglob("*") if path.is_file()]


def test_a_result_that_cannot_be_put_in_place_leaves_the_old_one_whole(
    folders, painter, monkeypatch
):
    source, out = folders
    painter("first").color(task_of(folders, "first"))
    before = {name: (out / name).read_bytes() for name in RESULT}
    write_nifti(source / "a.nii.gz", affine=np.diag((2.0, 2, 2, 1)))
    rename = Path.replace

    def refuse(path, to):
        if to == out / "a_color.nrrd" and path.name == to.name:
            raise PermissionError(13, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    record = painter("second").color(task_of(folders, "second"))
    assert record.state == FAILED
    assert f"{out / 'a_color.nrrd'} cannot be written: no permission" in record.reason
    assert {name: (out / name).read_bytes() for name in RESULT} == before
    assert not list(out.glob(".mri-colorize-*"))


def test_a_volume_stops_when_the_run_is_over(folders, painter, monkeypatch):
    task = task_of(folders, "run")
    run = task.attempts.parent
    monkeypatch.setattr(batch_job, "look_at", lambda *_: close_run(run))
    record = painter("run").color(task)
    assert record.state == FAILED
    assert "Cancelled" in record.reason
    assert not list(folders[1].iterdir())
    assert painter("run").color(task).state == FAILED  # nor is one begun any more


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"version": "0.0.1"}, "the run needs 0.0.1"), ({"model": None}, "has other weights")],
)
def test_a_worker_with_another_library_or_model_says_so(folders, painter, changes, words):
    record = painter("run", **changes).color(task_of(folders, "run"))
    assert record.state == FAILED
    assert words in record.reason


def test_done_before_is_found_by_the_worker_too(folders, painter):
    painter("first").color(task_of(folders, "first"))
    assert painter("second").color(task_of(folders, "second")).state == DONE_BEFORE
