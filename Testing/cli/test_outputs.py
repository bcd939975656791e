"""Claims about outputs under faults: all of a set or none of it, whatever ends the run."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import nrrd
import numpy as np
import pytest
from PIL import Image

from cli.made import Answer, made_head, write_nifti
from cli.made_dicom import write_series
from fuzz.child import each, start
from fuzz.command import files_below, run_command
from MRIColorizeLib.cli import run
from MRIColorizeLib.errors import OutputError
from MRIColorizeLib.staging import LOCK, PREFIX, atomic, check_writable, staged

NOBODY = 65534
SETS = {"head_color.nrrd", "head_color.png", "head_tissue.seg.nrrd", "head_confidence.nrrd"}


def words(source: Path, model: Path, out: Path) -> list[object]:
    return [source, "--model", model, "--tissue", "--confidence", "--quiet", "-o", out]


def is_whole(out: Path) -> bool:
    """Whether the folder holds the whole set, each file readable to its end."""
    assert {path.name for path in out.iterdir()} == SETS
    for path in out.glob("*.nrrd"):
        nrrd.read(str(path))
    with Image.open(out / "head_color.png") as picture:
        picture.load()
    return True


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


def alone(work, argument):
    """The result of work in a process of its own."""
    (ended,) = each(work, [argument])
    assert ended.fault is None, ended.fault
    return ended.result


def with_small_files(job: tuple[int, list[object]]) -> Answer:
    """Run the command where no file may become larger than so many bytes."""
    limit, arguments = job
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return run_command(arguments)


@pytest.mark.parametrize("limit", [500, 5_000, 10_000])
def test_when_a_later_output_does_not_fit_none_of_the_set_is_left(tmp_path, small_model, limit):
    head, out = write_nifti(tmp_path / "head.nii.gz"), tmp_path / "out"
    out.mkdir()
    answer = alone(with_small_files, (limit, words(head, small_model, out)))
    assert answer.code == 2
    assert "cannot be written: the file is larger" in answer.sentence()
    assert str(out / "head") in answer.sentence()
    assert PREFIX not in answer.sentence()
    assert not list(out.iterdir())


def as_nobody(arguments: list[object]) -> Answer:
    """Run the command as somebody to whom permissions apply; root may write everywhere."""
    if os.geteuid() == 0:
        os.setresuid(NOBODY, NOBODY, NOBODY)
    return run_command(arguments)


def test_a_read_only_folder_is_told_before_the_work(small_model):
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "out"
        out.mkdir()
        for source in small_model.iterdir():
            (folder / source.name).write_bytes(source.read_bytes())
        head = write_nifti(folder / "head.nii.gz")
        folder.chmod(0o755)
        out.chmod(0o555)
        answer = alone(as_nobody, words(head, folder, out))
        assert answer.code == 2
        assert "no permission" in answer.sentence()
        assert not list(out.iterdir())


def as_program(arguments: list[object]) -> None:
    """Be the program, its output read by nobody."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.argv = ["mri-colorize", *(str(word) for word in arguments)]
    run()


def test_when_nobody_reads_what_it_says_the_work_is_still_done(tmp_path, small_model):
    head = write_nifti(tmp_path / "head.nii.gz")
    program = start(as_program, [head, "--model", small_model, "-o", tmp_path / "out"])
    program.join()
    assert program.exitcode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "head_color.nrrd",
        "head_color.png",
    }


def terminated_while_writing(arguments: list[object]) -> None:
    """Be the program; a scheduler ends it when the outputs are written and not yet renamed."""
    sync = os.fsync

    def stop(descriptor: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        sync(descriptor)

    with mock.patch.object(os, "fsync", stop):
        as_program(arguments)


def test_a_scheduler_s_signal_ends_the_run_and_leaves_nothing(tmp_path, small_model):
    head, out = write_nifti(tmp_path / "head.nii.gz"), tmp_path / "out"
    program = start(terminated_while_writing, [head, "--model", small_model, "-o", out])
    program.join()
    assert program.exitcode == 130
    assert not list(out.iterdir())


def run_quietly(arguments: list[object]) -> None:
    run_command(arguments)


def test_a_kill_at_any_moment_leaves_all_or_nothing_and_the_next_run_clears_up(
    tmp_path, small_model
):
    head, out = write_nifti(tmp_path / "head.nii.gz"), tmp_path / "out"
    chance = random.Random(5)
    began = time.monotonic()
    start(run_quietly, words(head, small_model, out)).join()
    usual = time.monotonic() - began
    (tmp_path / "whole").mkdir()
    for path in out.iterdir():
        path.rename(tmp_path / "whole" / path.name)
    left_behind = 0
    for _ in range(8):
        process = start(run_quietly, words(head, small_model, out))
        # Most of the writing is in the second half.
        time.sleep(chance.uniform(0.3, 1.0) * usual)
        process.kill()
        process.join()
        names = {path.name for path in out.iterdir()} if out.exists() else set()
        finished = {name for name in names if not name.startswith(PREFIX)}
        # The volume comes last, and what has its name is whole.
        assert finished <= SETS
        assert "head_color.nrrd" not in finished or finished == SETS
        for name in finished:
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
            (out / name).unlink()
        left_behind += len(names - finished)
        assert len(hidden(out)) <= 1
    assert run_command(words(head, small_model, out)).code == 0
    assert is_whole(out)


def stop_inside(folder: Path) -> None:
    """Fill a hidden folder and die without a word."""
    with staged(folder) as stage:
        (stage / "half.nrrd").write_bytes(b"half")
        os._exit(9)


def test_what_a_killed_run_left_goes_and_what_a_running_one_holds_stays(tmp_path):
    start(stop_inside, tmp_path).join()
    (dead,) = hidden(tmp_path)
    with staged(tmp_path) as mine:
        assert not dead.exists()
        with staged(tmp_path) as other:
            assert mine.exists()
            (other / "b").write_text("other")
        (mine / "a").write_text("mine")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_run_that_died_before_it_had_its_lock_is_cleared_too(tmp_path):
    with staged(tmp_path) as stage:
        dead = stage.with_name(stage.name.replace(".part", "x.part"))
    dead.mkdir()
    with staged(tmp_path):
        assert not dead.exists()


def test_a_link_named_like_a_hidden_folder_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / LOCK).touch()
    (precious / "thesis").write_text("years of work")
    with staged(tmp_path) as stage:
        link = stage.with_name(stage.name.replace(".part", "x.part"))
    link.symlink_to(precious)
    with staged(tmp_path):
        pass
    assert (precious / "thesis").exists()


def test_two_runs_at_once_end_with_one_whole_set(tmp_path, small_model):
    head, out = write_nifti(tmp_path / "head.nii.gz"), tmp_path / "out"
    runs = [start(run_quietly, words(head, small_model, out)) for _ in range(3)]
    for program in runs:
        program.join()
    assert [program.exitcode for program in runs] == [0, 0, 0]
    assert is_whole(out)


@pytest.mark.parametrize("name", ["Kopf ä ö ☃ 脳", "two\nlines", "%s {x} -o"])
def test_unusual_names_are_names(tmp_path, small_model, name):
    folder = tmp_path / name
    folder.mkdir()
    head = write_nifti(folder / "head.nii.gz")
    source = head.rename(folder / f"{name}.nii.gz")
    answer = alone(run_command, [source, "--model", small_model])
    assert (answer.code, "Traceback" in answer.err) == (0, False), answer.err
    made = {f"{name}.nii.gz", f"{name}_color.nrrd", f"{name}_color.png"}
    assert {path.name for path in folder.iterdir()} == made
    bad = alone(run_command, [folder / "none.nii.gz", "--model", small_model])
    assert bad.code == 2
    assert "does not exist" in bad.sentence()


def test_a_name_that_is_no_text_is_told_where_itk_would_end_the_process(tmp_path, small_model):
    head = write_nifti(tmp_path / "head.nii.gz").rename(tmp_path / "\udcff.nii.gz")
    answer = alone(run_command, [head, "--model", small_model])
    assert answer.code == 2
    assert "\\udcff.nii.gz is not UTF-8" in answer.sentence()
    assert files_below(tmp_path) == {head}


def test_a_file_of_a_dicom_folder_may_have_any_name(tmp_path, small_model):
    write_series(tmp_path / "in", made_head(), np.eye(4))
    (tmp_path / "in" / "t1003").rename(tmp_path / "in" / "\udcff")
    answer = alone(run_command, [tmp_path / "in", "--model", small_model, "--fast", "--quiet"])
    assert (answer.code, answer.err) == (0, "")


def test_a_path_that_is_too_long_for_the_system_is_told(tmp_path, small_model):
    head = write_nifti(tmp_path / "head.nii.gz")
    for words in (["-o", tmp_path / ("x" * 5000)], ["--mask", "x" * 5000]):
        answer = alone(run_command, [head, "--model", small_model, *words])
        assert answer.code == 2
        assert "too long" in answer.sentence()
    answer = alone(run_command, [head, "--model", "x" * 5000])
    assert "too long" in answer.sentence()
    assert files_below(tmp_path) == {head}


def test_the_longest_name_of_the_system_is_written(tmp_path, small_model):
    stem = "ü" * 122  # 244 bytes in UTF-8, and 11 in "_color.nrrd"
    head = write_nifti(tmp_path / "head.nii.gz").rename(tmp_path / f"{stem}.nii.gz")
    assert run_command([head, "--model", small_model, "--quiet"]).code == 0
    assert (tmp_path / f"{stem}_color.nrrd").is_file()
    assert not hidden(tmp_path)


def test_a_name_that_would_be_too_long_is_told_before_the_work(tmp_path, small_model):
    head = write_nifti(tmp_path / "head.nii.gz").rename(tmp_path / f"{'a' * 248}.nii.gz")
    answer = run_command([head, "--model", small_model])
    assert answer.code == 2
    assert "name is too long" in answer.sentence()
    assert "Coloured" not in answer.out
    assert files_below(tmp_path) == {head}


def test_a_folder_in_the_place_of_an_output_is_told_before_the_work(tmp_path, small_model):
    head = write_nifti(tmp_path / "head.nii.gz")
    (tmp_path / "head_color.png").mkdir()
    answer = run_command([head, "--model", small_model])
    assert answer.code == 2
    assert "a folder has that name" in answer.sentence()
    assert files_below(tmp_path) == {head}


def test_a_file_alone_is_whole_or_not_there(tmp_path):
    with atomic(tmp_path / "new" / "a.txt") as place:
        place.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: the disk is full"):
        fill_disk(tmp_path / "new" / "a.txt")
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert files_below(tmp_path) == {tmp_path / "new" / "a.txt"}


def fill_disk(path: Path) -> None:
    """Write through the system's own full device."""
    with atomic(path) as place:
        place.symlink_to("/dev/full")
        place.write_bytes(np.zeros(1 << 16, np.uint8).tobytes())


def folder_with_a_set(folder: Path, names: str, text: str) -> dict[str, str]:
    for name in names:
        (folder / name).write_text(text)
    return dict.fromkeys(names, text)


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("stops", [PermissionError(13, "Permission denied"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", "abc")
@pytest.mark.parametrize("there", ["", "ab", "abc"])
def test_when_one_of_a_set_cannot_be_put_in_place_everything_stays_as_it_was(
    tmp_path, monkeypatch, stops, name, there
):
    before = folder_with_a_set(tmp_path, there, "the run before")
    rename = Path.replace

    def refuse(self, to):
        if self.parent != tmp_path and self.name == name:
            raise stops
        return rename(self, to)

    def write_again():
        with staged(tmp_path, last="b") as stage:
            folder_with_a_set(stage, "abc", "new")
            monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises((OutputError, KeyboardInterrupt)):
        write_again()
    assert content(tmp_path) == before


def test_the_file_that_stands_for_a_set_is_never_beside_those_of_another(tmp_path, monkeypatch):
    seen, rename = [], Path.replace
    folder_with_a_set(tmp_path, "abc", "the run before")

    def look(self, to):
        rename(self, to)
        seen.append({path.name: path.read_text() for path in tmp_path.glob("?")})

    with staged(tmp_path, last="b") as stage:
        folder_with_a_set(stage, "abc", "new")
        monkeypatch.setattr(Path, "replace", look)
    assert seen[-1] == dict.fromkeys("abc", "new")
    for there in seen:
        assert "b" not in there or there == dict.fromkeys("abc", there["b"])


def test_outputs_reach_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    order = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda n: (order.append(os.readlink(f"/proc/self/fd/{n}")), sync(n))
    )
    monkeypatch.setattr(Path, "replace", lambda self, to: (rename(self, to), order.append(str(to))))
    with staged(tmp_path, last="b") as stage:
        for name in "abc":
            (stage / name).write_text(name)
    places = [str(tmp_path / name) for name in "acb"]
    assert order[3:] == places
    assert sorted(order[:3]) == sorted(str(stage / name) for name in "abc")


def test_a_check_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.nrrd", tmp_path / "not" / "yet" / "there.nrrd")
    assert not list(tmp_path.iterdir())
