"""Claims about folders of DICOM, on series that the tests write with pydicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from cli.made import made_head, oblique
from MRIColorizeLib.dicom import read_flat_folder
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files import read_volume

LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


def write_series(
    folder: Path,
    array: np.ndarray,
    affine: np.ndarray,
    description: str = "t1",
    colour: bool = False,
    positions: list[int] | None = None,
) -> None:
    """Write (K, J, I) as one file a slice, in shuffled order; positions: k of each slice."""
    folder.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    series, study = generate_uid(), generate_uid()
    places = list(range(len(array))) if positions is None else positions
    for number in np.random.default_rng(3).permutation(len(array)):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID = MRImageStorage
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Modality, dataset.SeriesDescription = "MR", description
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SeriesNumber, dataset.InstanceNumber = 1, int(number) + 1
        dataset.ImagePositionPatient = list(np.round((lps @ (0, 0, places[number], 1))[:3], 6))
        dataset.ImageOrientationPatient = list(np.round((lps[:3, :2] / spacing[:2]).T.ravel(), 9))
        dataset.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        dataset.SliceThickness = float(spacing[2])
        dataset.Rows, dataset.Columns = array.shape[1:3]
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        bits = 8 if colour else 16
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
        pixels = array[number].astype(np.uint8 if colour else np.uint16)
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / f"{description}{number:03d}", enforce_file_format=True)


def test_a_series_is_one_volume_in_the_order_of_its_slices(tmp_path):
    array, affine = made_head(), oblique(left_handed=False)
    write_series(tmp_path, array, affine)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-4)


def test_slices_written_from_above_come_out_right_handed_at_the_same_places(tmp_path):
    array, affine = made_head(), oblique(left_handed=True)
    write_series(tmp_path, array, affine)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, array[::-1])
    last = affine @ (0, 0, len(array) - 1, 1)
    np.testing.assert_allclose(volume.ijk_to_ras[:, 3], last, atol=1e-4)


def test_the_largest_series_below_the_folder_is_taken_and_that_is_said(tmp_path):
    affine = oblique(left_handed=False)
    write_series(tmp_path / "scout", made_head()[:3], affine, "scout")
    write_series(tmp_path / "deep" / "er", made_head(), affine, "axial t2")
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.warns(UserWarning, match=r"2 series.*14 files, axial t2"):
        volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, made_head())


def test_one_file_of_dicom_is_read_as_it_is(tmp_path):
    write_series(tmp_path, made_head(), oblique(left_handed=False))
    volume = read_volume(tmp_path / "t1005")
    np.testing.assert_array_equal(volume.array, made_head()[5:6])


def test_missing_slices_are_told(tmp_path):
    places = [n if n < 7 else n + 2 for n in range(14)]
    write_series(tmp_path, made_head(), oblique(left_handed=False), positions=places)
    with pytest.warns(UserWarning, match="missing or unevenly spaced"):
        read_volume(tmp_path)


def test_several_images_of_one_place_are_refused(tmp_path):
    places = [n // 2 for n in range(14)]
    write_series(tmp_path, made_head(), oblique(left_handed=False), positions=places)
    with pytest.raises(InputError, match="same place"):
        read_volume(tmp_path)


def test_screenshots_are_passed_over_and_refused_when_alone(tmp_path):
    affine = oblique(left_handed=False)
    shots = np.repeat(np.repeat(np.repeat(made_head()[..., None] // 8, 3, 3), 3, 1), 3, 2)
    write_series(tmp_path, shots, affine, "shot", colour=True)
    with pytest.raises(InputError, match="already a colour image"):
        read_volume(tmp_path)
    write_series(tmp_path, made_head(), affine)
    np.testing.assert_array_equal(read_volume(tmp_path).array, made_head())


def test_a_folder_is_read_without_its_subfolders_when_each_stands_for_itself(tmp_path):
    write_series(tmp_path / "study", made_head()[:6], np.eye(4), "scout")
    write_series(tmp_path / "study" / "t1", made_head(), np.eye(4))
    assert len(read_volume(tmp_path / "study").array) == 14
    assert len(read_flat_folder(tmp_path / "study").array) == 6
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no DICOM"):
        read_flat_folder(tmp_path / "empty")
