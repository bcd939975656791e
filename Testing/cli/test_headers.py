"""Claims about headers that lie: refused before memory is taken or another file is opened."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from cli.made import Answer, made_head, write_nifti
from cli.made_dicom import write_series
from fuzz.child import GIB, each
from fuzz.command import files_below, run_command
from MRIColorizeLib import memory
from MRIColorizeLib.command.console import one_line
from MRIColorizeLib.files.reading import read_volume


def edit(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


def itk(path: Path, compressed: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(made_head()), str(path), useCompression=compressed)
    return path


def refuse(path: Path, model: Path, folder: Path) -> str:
    """The command's sentence about a file, with little memory, in a process that may end."""
    before = files_below(folder)
    (ended,) = each(run_command, [[path, "--model", model, "--quiet"]], seconds=120, memory=GIB)
    assert ended.fault is None, ended.fault
    answer = ended.result
    assert isinstance(answer, Answer)
    assert answer.code == 2
    assert files_below(folder) == before
    return answer.sentence()


def many_axes(folder: Path) -> Path:
    return edit(itk(folder / "a.nrrd"), b"sizes: 16 18 14", b"sizes: " + b"1 " * 999)


def large_nrrd(folder: Path) -> Path:
    return edit(itk(folder / "a.nrrd"), b"sizes: 16 18 14", b"sizes: 9999 9999 9999")


def large_mha(folder: Path) -> Path:
    return edit(itk(folder / "a.mha"), b"DimSize = 16 18 14", b"DimSize = 9999 9999 9999")


def negative_mha(folder: Path) -> Path:
    return edit(itk(folder / "a.mha"), b"DimSize = 16 18 14", b"DimSize = -16 18 14")


def large_gzip(folder: Path) -> Path:
    head = bytearray(write_nifti(folder / "a.nii").read_bytes())
    (folder / "a.nii").unlink()
    struct.pack_into("<3h", head, 42, 2048, 1024, 512)
    (folder / "a.nii.gz").write_bytes(gzip.compress(bytes(head) + bytes(100_000)))
    return folder / "a.nii.gz"


def cut_pair(folder: Path) -> Path:
    nibabel.save(nibabel.Nifti1Pair(made_head().T, np.eye(4)), folder / "a.hdr")
    (folder / "a.img").write_bytes((folder / "a.img").read_bytes()[:1000])
    return folder / "a.hdr"


def pair_alone(folder: Path) -> Path:
    nibabel.save(nibabel.Nifti1Pair(made_head().T, np.eye(4)), folder / "a.hdr")
    (folder / "a.img").unlink()
    return folder / "a.hdr"


def spoilt_zlib(folder: Path) -> Path:
    path = itk(folder / "a.mha", compressed=True)
    content = bytearray(path.read_bytes())
    content[-40:-20] = bytes(20)
    path.write_bytes(content)
    return path


def large_dicom(folder: Path) -> Path:
    """65535 rows and columns, and a handful of pixels."""
    write_series(folder / "series", made_head(), np.eye(4))
    path = folder / "series" / "t1003"
    data = pydicom.dcmread(path)
    data.Rows = data.Columns = 65535
    data.save_as(folder / "a.dcm")
    shutil.rmtree(folder / "series")
    return folder / "a.dcm"


def empty_mgh(folder: Path) -> Path:
    nibabel.save(nibabel.MGHImage(made_head().T, np.eye(4)), folder / "a.mgh")
    content = bytearray((folder / "a.mgh").read_bytes())
    struct.pack_into(">i", content, 4, 0)
    (folder / "a.mgh").write_bytes(content)
    return folder / "a.mgh"


def vast_mgh(folder: Path) -> Path:
    """As many columns as 32 bits can count: the product of the sizes does not fit into them."""
    nibabel.save(nibabel.MGHImage(made_head().T, np.eye(4)), folder / "a.mgh")
    content = bytearray((folder / "a.mgh").read_bytes())
    struct.pack_into(">i", content, 4, 2**31 - 1)
    (folder / "a.mgh").write_bytes(content)
    return folder / "a.mgh"


def vast_extension(folder: Path) -> Path:
    """A NIfTI pair whose header goes on with an extension of 2 GiB, or so it says."""
    nibabel.save(nibabel.Nifti1Pair(made_head().T, np.eye(4)), folder / "a.hdr")
    content = (folder / "a.hdr").read_bytes()[:348] + bytes((1, 0, 0, 0))
    (folder / "a.hdr").write_bytes(content + struct.pack("<2i", 2**31 - 16, 6) + bytes(16))
    return folder / "a.hdr"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.nii.gz")
    return folder / "a.nii.gz"


def pipe_beside(folder: Path) -> Path:
    pair_alone(folder).rename(folder / "a.img")  # its content does not matter here
    os.mkfifo(folder / "a.hdr")
    return folder / "a.img"


def loop(folder: Path) -> Path:
    (folder / "a.nrrd").symlink_to("a.nrrd")
    return folder / "a.nrrd"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (many_axes, "header is damaged"),
        (large_nrrd, "cannot hold them"),
        (large_mha, "cannot hold them"),
        (negative_mha, "header is damaged"),
        (large_gzip, "cannot hold them"),
        (cut_pair, "cannot hold them"),
        (pair_alone, "is missing"),
        (spoilt_zlib, "damaged or cut off"),
        (large_dicom, "cut off before its pixels end"),
        (empty_mgh, "header is damaged"),
        (vast_mgh, "cannot hold them"),
        (vast_extension, "header is damaged"),
        (pipe, "is no file"),
        (pipe_beside, "is no file"),
        (loop, "cannot be opened"),
    ],
)
def test_a_header_that_lies_is_refused_with_one_sentence(tmp_path, small_model, make, words):
    assert words in refuse(make(tmp_path), small_model, tmp_path)


@pytest.mark.parametrize("kind", ["nhdr", "mhd"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../secret.raw", "outside of its folder"),
        ("sub/../../secret.raw", "outside of its folder"),
        ("/dev/zero", "outside of its folder"),
        ("pipe", "no file"),
        ("missing.raw", "not there"),
        ("%0999999d.raw 1 2 1", "header is damaged"),
        ("%d.raw 0 999999999 1", "not there"),
    ],
)
def test_a_detached_header_names_files_beside_it_only(tmp_path, small_model, kind, name, words):
    (tmp_path / "secret.raw").write_bytes(bytes(20_000))
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    path = itk(folder / f"a.{kind}")
    key = b"data file: " if kind == "nhdr" else b"ElementDataFile = "
    edit(path, key + b"a.raw", key + name.encode())
    assert words in refuse(path, small_model, tmp_path)


def slices(folder: Path) -> bytes:
    """Write the head's slices as s01.raw to s14.raw; their bytes together."""
    for number, part in enumerate(made_head(), start=1):
        (folder / f"s{number:02d}.raw").write_bytes(part.tobytes())
    return b"".join(path.read_bytes() for path in sorted(folder.glob("s*.raw")))


@pytest.mark.parametrize("kind", ["nhdr", "mhd"])
@pytest.mark.parametrize("how", ["pattern", "list", "absolute"])
def test_voxels_in_several_files_or_by_a_full_path_are_read(tmp_path, kind, how):
    path = itk(tmp_path / f"a.{kind}")
    slices(tmp_path)
    names = b"\n".join(b"s%02d.raw" % number for number in range(1, 15))
    key = b"data file: " if kind == "nhdr" else b"ElementDataFile = "
    new = {
        "pattern": b"s%02d.raw 1 14 1",
        "list": (b"LIST 2\n" if kind == "nhdr" else b"LIST\n") + names,
        "absolute": str(tmp_path / "a.raw").encode(),
    }[how]
    content = edit(path, key + b"a.raw", key + new).read_bytes()
    if how == "list" and kind == "nhdr":  # a list is what ends a header
        head, tail = content.split(key, 1)
        path.write_bytes(head + key + tail.rstrip() + b"\n")
    np.testing.assert_array_equal(read_volume(path).array, made_head())


def test_an_endless_stream_is_read_as_far_as_its_header_asks(tmp_path, small_model):
    """A bomb: behind a good volume come 700 million zeros in a few hundred kilobytes."""
    path = write_nifti(tmp_path / "a.nii")
    with gzip.open(tmp_path / "a.nii.gz", "wb", compresslevel=1) as stream:
        stream.write(path.read_bytes())
        for _ in range(700):
            stream.write(bytes(1_000_000))
    job = [tmp_path / "a.nii.gz", "--model", small_model, "--quiet"]
    (ended,) = each(run_command, [job], seconds=120, memory=GIB // 2)
    assert ended.fault is None, ended.fault
    assert ended.result.code == 0


def test_what_does_not_fit_into_memory_is_told_before_it_is_tried(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")
    monkeypatch.setattr(memory, "free_memory", lambda: 4000)
    answer = command(path)
    assert answer.code == 2
    assert "GB of memory" in answer.sentence()


def test_a_spacing_in_micrometres_is_told(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz", affine=np.diag((1000.0, 1000, 1000, 1)))
    answer = command(path)
    assert answer.code == 2
    assert "more than any body; correct the volume's spacing" in answer.sentence()


def test_a_container_s_limit_counts_as_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert memory.free_memory() == 3000
    # Files that were read count as used until the room is needed.
    (tmp_path / "memory.stat").write_text("anon 600\ninactive_file 400\nactive_file 1000\n")
    assert memory.free_memory() == 3400
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() != 3400


def test_messages_hold_nothing_that_steers_a_terminal():
    assert one_line("a\nb\x1b[2J\udcff é 脳") == "a\\nb\\x1b[2J\\udcff é 脳"


def test_voxels_that_float32_cannot_tell_apart_are_brought_near_zero(tmp_path, command):
    """A head of 700 levels on top of a thousand million, in 64 bits."""
    from MRIColorizeLib.volume import Volume, check_volume

    high = made_head().astype(np.int64) + 10**9
    checked = check_volume(Volume(high, np.eye(4))).array
    scaled = (made_head() - made_head().min()) / np.ptp(made_head())
    np.testing.assert_allclose(checked, scaled, atol=1e-6)
