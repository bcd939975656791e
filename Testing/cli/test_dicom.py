"""Claims about folders of DICOM, on series that the tests write with pydicom."""

from __future__ import annotations

import numpy as np
import pytest

from cli.made import made_head, oblique
from cli.made_dicom import write_series
from MRIColorizeLib.dicom import read_flat_folder
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files import read_volume


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


def test_a_series_of_volumes_is_refused_and_one_of_them_is_read(tmp_path):
    write_series(tmp_path, np.stack([made_head()[:5], made_head()[5:10]]), np.eye(4))
    with pytest.raises(InputError, match="is a volume; give one of the files"):
        read_volume(tmp_path)
    np.testing.assert_array_equal(read_volume(tmp_path / "t1001").array, made_head()[5:10])


def test_slices_that_are_scaled_each_in_its_own_way_keep_their_fractions(tmp_path):
    array = made_head()
    slopes = [1.0, *np.linspace(0.01, 0.4, len(array) - 1).round(3).tolist()]
    write_series(tmp_path, array, np.eye(4), slopes=slopes)
    expected = array * np.array(slopes)[:, None, None]
    np.testing.assert_allclose(read_volume(tmp_path).array, expected, rtol=1e-6)


def test_missing_slices_are_told(tmp_path):
    places = [n if n < 7 else n + 2 for n in range(14)]
    write_series(tmp_path, made_head(), oblique(left_handed=False), positions=places)
    with pytest.warns(UserWarning, match="missing or unevenly spaced"):
        read_volume(tmp_path)


@pytest.mark.parametrize("count", [2, 14])
def test_several_images_of_one_place_are_refused(tmp_path, count):
    places = [n // 2 for n in range(count)]
    write_series(tmp_path, made_head()[:count], oblique(left_handed=False), positions=places)
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
