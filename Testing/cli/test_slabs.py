"""Claims about slabs: the same voxels and bytes as in one piece, and no second volume in memory."""

from __future__ import annotations

import gzip
import tracemalloc
from dataclasses import replace
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest

from cli.made import made_color
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files import slabs
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.files.reading import read_volume

SHAPE = (60, 256, 256)  # 15 MB as float32


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1 << 18)


def volume_of(dtype: type) -> np.ndarray:
    values = np.random.default_rng(5).integers(0, 200, SHAPE)
    return values.astype(dtype)


def traced_peak(run) -> int:
    """Most bytes that Python and numpy held while `run` ran, above what they held before."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, ">i2"])
@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz"])
def test_read_slab_by_slab_a_file_has_the_voxels_it_has_at_once(tmp_path, small_slabs, dtype, name):
    array = volume_of(dtype)[:6, :100, :90]
    image = nibabel.Nifti1Image(array.T, np.eye(4))
    image.header.set_data_dtype(np.dtype(dtype))
    nibabel.save(image, tmp_path / name)
    np.testing.assert_array_equal(read_volume(tmp_path / name).array, array)


@pytest.mark.parametrize("name", ["head.nii.gz", "head.mgz"])
def test_a_changed_bit_in_a_compressed_file_is_noticed_by_its_checksum(tmp_path, name):
    array = np.arange(8000, dtype=np.int16).reshape(20, 20, 20)
    kind = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    raw = bytearray(gzip.compress(kind(array, np.eye(4)).to_bytes(), 0))  # stored: any bit will do
    (tmp_path / name).write_bytes(raw)
    assert read_volume(tmp_path / name).array.shape == array.shape
    raw[5000] ^= 1
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match="damaged"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_reading_holds_one_volume_and_a_slab(tmp_path, small_slabs, dtype, name):
    nibabel.save(nibabel.Nifti1Image(volume_of(dtype).T, np.eye(4)), tmp_path / name)
    read_volume(tmp_path / name)  # what is imported once is not the volume's
    peak = traced_peak(lambda: read_volume(tmp_path / name))
    assert peak < 1.3 * 4 * np.prod(SHAPE)


@pytest.mark.parametrize("name", ["color.nii", "color.nii.gz", "color.nrrd"])
def test_writing_holds_no_second_volume(tmp_path, small_slabs, name):
    color = replace(made_color(), array=volume_of(np.uint8)[..., None].repeat(3, axis=-1))
    write_color(made_color(), tmp_path / name)
    peak = traced_peak(lambda: write_color(color, tmp_path / name))
    assert peak < 0.3 * color.array.nbytes


def test_slabs_change_no_byte_of_what_is_written(tmp_path, monkeypatch):
    color = replace(made_color(), array=volume_of(np.uint8)[:8, ..., None].repeat(3, axis=-1))
    write_color(color, tmp_path / "whole.nrrd")
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    write_color(color, tmp_path / "sliced.nrrd")
    assert (tmp_path / "whole.nrrd").read_bytes() == (tmp_path / "sliced.nrrd").read_bytes()
    stored, header = nrrd.read(str(tmp_path / "sliced.nrrd"), index_order="C")
    np.testing.assert_array_equal(stored, color.array)
    assert list(header["sizes"]) == [3, 256, 256, 8]


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_claims_more_than_the_file_can_hold_takes_no_memory(
    tmp_path: Path, packed: bool
):
    image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
    raw = bytearray(image.to_bytes())
    raw[42:48] = np.array([32000] * 3, "<i2").tobytes()  # dim[1..3]
    path = tmp_path / ("huge.nii.gz" if packed else "huge.nii")
    path.write_bytes(gzip.compress(raw) if packed else raw)

    def read() -> None:
        with pytest.raises(InputError, match="damaged or cut off"):
            read_volume(path)

    assert traced_peak(read) < 50e6
