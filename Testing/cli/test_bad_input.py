"""Claims about bad input: exit 2, one sentence that says what is wrong, and no file left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_head, run_python, write_nifti
from MRIColorizeLib import cli, staging
from MRIColorizeLib.files import colors as output


def edited(path: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes of a file's header."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


def packed(path: Path, offset: int, format_: str, *values: float) -> Path:
    """Write a plain NIfTI whose header holds these values at an offset."""
    write_nifti(path)
    content = bytearray(path.read_bytes())
    struct.pack_into(format_, content, offset, *values)
    path.write_bytes(content)
    return path


def itk(path: Path, array: np.ndarray, vector: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def cut(path: Path, keep: float) -> Path:
    """Keep the first part of a file only."""
    content = path.read_bytes()
    return written(path, content[: int(len(content) * keep)])


def nifti(path: Path, array: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "notes.txt").write_text("no image")
    return path


RGB24 = [("R", "u1"), ("G", "u1"), ("B", "u1")]
HALF_NAN = np.full((6, 6, 6), np.nan, dtype=np.float32)
CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda d: d / "none.nii.gz", "does not exist"),
    "empty": (lambda d: written(d / "empty.nii.gz", b""), "is empty"),
    "empty nrrd": (lambda d: written(d / "empty.nrrd", b""), "is empty"),
    "text as nifti": (lambda d: written(d / "a.nii", b"hello " * 99), "not an image"),
    "text as gzip": (lambda d: written(d / "a.nii.gz", b"hello"), "not an image"),
    "text as nrrd": (lambda d: written(d / "a.nrrd", b"hello"), "not an image"),
    "text as mgz": (lambda d: written(d / "a.mgz", b"hello"), "not an image"),
    "a text file": (lambda d: written(d / "notes.txt", b"hello"), "not an image"),
    "cut nifti": (lambda d: cut(write_nifti(d / "a.nii"), 0.5), "damaged or cut off"),
    "cut gzip": (lambda d: cut(write_nifti(d / "a.nii.gz"), 0.9), "damaged"),
    "cut nrrd": (lambda d: cut(itk(d / "a.nrrd", made_head()), 0.5), "damaged or cut off"),
    "cut mha": (lambda d: cut(itk(d / "a.mha", made_head()), 0.5), "damaged or cut off"),
    "no dicom": (lambda d: folder(d / "scan"), "no DICOM"),
    "2D picture": (lambda d: itk(d / "a.png", made_head()[7].astype(np.uint8)), "2D"),
    "2D nifti": (lambda d: nifti(d / "a.nii", made_head()[7]), "2D"),
    "4D": (lambda d: nifti(d / "a.nii", np.stack([made_head()] * 2, -1)), "4 dimensions"),
    "complex": (lambda d: nifti(d / "a.nii", made_head().astype(np.complex64)), "complex"),
    "colour nrrd": (
        lambda d: itk(d / "a.nrrd", np.ones((5, 6, 7, 3), np.uint8), vector=True),
        "already a colour",
    ),
    "colour png": (
        lambda d: itk(d / "a.png", np.ones((6, 7, 3), np.uint8), vector=True),
        "already a colour",
    ),
    "colour nifti": (
        lambda d: nifti(d / "a.nii", np.ones((5, 6, 7), RGB24)),
        "already a colour",
    ),
    "vectors": (
        lambda d: itk(d / "a.nrrd", np.ones((5, 6, 7, 2), np.float32), vector=True),
        "2 values",
    ),
    "size zero": (lambda d: packed(d / "a.nii", 42, "<h", 0), "size of zero"),
    "one voxel": (lambda d: nifti(d / "a.nii", np.ones((1, 1, 1), np.int16)), "voxel"),
    "one line": (lambda d: nifti(d / "a.nii", np.arange(9, dtype=np.int16)[:, None, None]), "9"),
    "constant": (lambda d: nifti(d / "a.nii", np.full((6, 6, 6), 5, np.int16)), "same value"),
    "nothing finite": (lambda d: nifti(d / "a.nii", HALF_NAN), "finite"),
    "zero spacing mha": (
        lambda d: edited(
            itk(d / "a.mha", made_head()), b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 0 1"
        ),
        "spacing",
    ),
    "nan spacing mha": (
        lambda d: edited(
            itk(d / "a.mha", made_head()), b"ElementSpacing = 1 1 1", b"ElementSpacing = nan 1 1"
        ),
        "spacing",
    ),
    "zero spacing nrrd": (
        lambda d: edited(itk(d / "a.nrrd", made_head()), b"(1,0,0) (0,1", b"(0,0,0) (0,1"),
        "spacing",
    ),
    "no usable form": (
        # The sform's first row and the qform's quaternion, which is longer than 1.
        lambda d: packed(d / "a.nii", 256, "<10f", 0.9, 0.9, 0, 0, 0, 0, 0, 0, 0, 0),
        "damaged qform",
    ),
    "singular nrrd": (
        lambda d: edited(itk(d / "a.nrrd", made_head()), b"(1,0,0) (0,1,0)", b"(1,0,0) (1,0,0)"),
        "singular",
    ),
    "singular mha": (
        lambda d: edited(
            itk(d / "a.mha", made_head()),
            b"TransformMatrix = 1 0 0 0 1 0",
            b"TransformMatrix = 1 0 0 1 0 0",
        ),
        "singular",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_with_one_sentence_and_no_file(tmp_path, command, case):
    make, words = CASES[case]
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    answer = command(path)
    assert answer.code == 2
    assert words in answer.sentence()
    assert "Traceback" not in answer.out
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unreadable_file_is_told(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")
    opened = Path.open

    def refuse(self, *arguments, **settings):
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *arguments, **settings)

    monkeypatch.setattr(Path, "open", refuse)
    answer = command(path)
    assert answer.code == 2
    assert "Permission denied" in answer.sentence()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--plane", "upwards"], "--plane"),
        (["--mode", "loud"], "--mode"),
        (["--detail", "7"], "detail"),
        (["--detail", "nan"], "detail"),
        (["--preview", "14"], "0 to 13"),
        (["--preview", "-1"], "0 to 13"),
        (["--no-such-option"], "--no-such-option"),
        (["--device", "mps"], "mps"),
        (["--model", "no-such-model"], "no-such-model"),
    ],
)
def test_a_bad_option_is_told(tmp_path, command, monkeypatch, options, words):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = command(path, *options)
    assert answer.code == 2
    assert words in answer.sentence()
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_weights_are_refused(tmp_path, command, small_model):
    model = shutil.copytree(small_model, tmp_path / "model")
    weights = (model / "weights.safetensors").read_bytes()
    (model / "weights.safetensors").write_bytes(weights[:-1] + b"\x01")
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = command(path, "--model", model)
    assert answer.code == 2
    assert "SHA-256" in answer.sentence()
    assert sorted(tmp_path.iterdir()) == [path, model]


def test_a_card_that_is_no_card_is_refused(tmp_path, command, small_model):
    model = shutil.copytree(small_model, tmp_path / "model")
    (model / "model.json").write_text(json.dumps({"name": "x"}))
    answer = command(write_nifti(tmp_path / "head.nii.gz"), "--model", model)
    assert answer.code == 2
    assert "model.json" in answer.sentence()


def test_results_never_replace_an_input(tmp_path, command):
    path = write_nifti(tmp_path / "head_color.nii.gz")
    other = write_nifti(tmp_path / "head.nii.gz")
    before = path.read_bytes()
    for arguments in ([path, "-o", path], [path, other, "--format", "nii.gz"]):
        answer = command(*arguments)
        assert answer.code == 2
        assert "is read and so is not overwritten" in answer.sentence()
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == sorted([path, other])


@pytest.mark.parametrize(
    ("name", "words"),
    [("head_tissue.seg.nrrd", ["--tissue"]), ("roi.nrrd", ["-o", "{folder}/roi.nrrd"])],
)
def test_results_never_replace_the_mask(tmp_path, command, name, words):
    path, mask = write_nifti(tmp_path / "head.nii.gz"), tmp_path / name
    mask.write_bytes(b"drawn by hand")
    answer = command(path, "--mask", mask, *(word.format(folder=tmp_path) for word in words))
    assert answer.code == 2
    assert f"{name} is read and so is not overwritten" in answer.sentence()
    assert mask.read_bytes() == b"drawn by hand"


def test_two_inputs_of_one_name_are_not_written_over_each_other(tmp_path, command):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        write_nifti(tmp_path / place / "head.nii.gz")
    answer = command(tmp_path / "a/head.nii.gz", tmp_path / "b/head.nii.gz", "-o", tmp_path)
    assert answer.code == 2
    assert "both" in answer.sentence()


def test_an_output_format_without_colour_is_refused_before_the_work(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = command(path, "-o", tmp_path / "color.mha")
    assert answer.code == 2
    assert ".nrrd" in answer.sentence()


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = command(path, "-o", path / "below-a-file")
    assert answer.code == 2
    assert "cannot be written" in answer.sentence()

    def refuse(*_arguments, **_settings):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(staging, "tempfile", SimpleNamespace(TemporaryFile=refuse))
    answer = command(path)
    assert answer.code == 2
    assert "no permission" in answer.sentence()
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_nothing_half_written(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")

    def full(_array, file, _level):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "write_gzipped", full)
    answer = command(path, "--quiet")
    assert answer.code == 2
    assert "disk is full" in answer.sentence()
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_torch_is_told(tmp_path, repository):
    path = write_nifti(tmp_path / "head.nii.gz")
    script = (
        "import sys; sys.modules['torch'] = None; from MRIColorizeLib.cli import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    answer = run_python("-c", script, path, env={"PYTHONPATH": str(repository / "MRIColorize")})
    assert answer.code == 2
    assert "torch" in answer.sentence()
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_while_writing_leaves_nothing_half_written(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")

    def interrupted(_array, file, _level):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "write_gzipped", interrupted)
    answer = command(path, "--quiet")
    assert answer.code == 130
    assert answer.sentence().startswith("interrupted")
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_that_cannot_be_written_does_not_stop_the_others(tmp_path, command):
    blocked, good = (write_nifti(tmp_path / f"{name}.nii.gz") for name in ("a", "b"))
    (tmp_path / "a_color.nrrd").mkdir()
    answer = command(blocked, good, "--quiet", "--no-render")
    assert answer.code == 2
    assert "a folder has that name" in answer.sentence()
    assert (tmp_path / "b_color.nrrd").is_file()


def test_a_volume_without_memory_for_it_does_not_stop_the_others(tmp_path, command, monkeypatch):
    large, good = (write_nifti(tmp_path / f"{name}.nii.gz") for name in ("a", "b"))
    read = cli.read_volume

    def read_small(path, **choices):
        if Path(path) == large:
            raise MemoryError
        return read(path, **choices)

    monkeypatch.setattr(cli, "read_volume", read_small)
    answer = command(large, good, "--quiet", "--no-render")
    assert answer.code == 2
    assert f"not enough memory for {large}" in answer.sentence()
    assert (tmp_path / "b_color.nrrd").is_file()


def test_an_error_of_the_system_without_a_name_is_told(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")

    def full(*_arguments, **_choices):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cli, "read_volume", full)
    answer = command(path, "--quiet")
    assert answer.code == 2
    assert answer.sentence() == "A file cannot be read or written: No space left on device."


def test_one_bad_input_does_not_stop_the_others(tmp_path, command):
    good = write_nifti(tmp_path / "good.nii.gz")
    answer = command(tmp_path / "none.nii.gz", good, "--quiet", "--no-render")
    assert answer.code == 2
    assert "none.nii.gz" in answer.sentence()
    assert (tmp_path / "good_color.nrrd").is_file()


def test_voxels_that_are_not_finite_are_background_with_one_warning(tmp_path, command):
    array = made_head().astype(np.float32)
    array[7, 8, 8], array[7, 9, 8] = np.nan, np.inf
    path = write_nifti(tmp_path / "head.nii.gz", array)
    answer = command(path)
    assert answer.code == 0
    assert answer.err.count("Warning: 2 voxels") == 1
