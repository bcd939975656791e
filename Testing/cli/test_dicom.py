"""Claims about one series of DICOM: every voxel keeps its value and place, or it is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from cli.made import made_head, oblique
from cli.made_dicom import write_series
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.reading import read_volume

HEAD = made_head()
GRID = oblique(left_handed=False)


def assert_is(volume, array, affine):
    np.testing.assert_allclose(volume.array, array, rtol=1e-6)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-4)


@pytest.mark.filterwarnings("error")
def test_a_series_is_one_volume_in_the_order_of_its_slices(tmp_path):
    write_series(tmp_path, HEAD, GRID)
    assert_is(read_volume(tmp_path), HEAD, GRID)


def test_slices_written_from_above_come_out_right_handed_at_the_same_places(tmp_path):
    affine = oblique(left_handed=True)
    write_series(tmp_path, HEAD, affine)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, HEAD[::-1])
    last = affine @ (0, 0, len(HEAD) - 1, 1)
    np.testing.assert_allclose(volume.ijk_to_ras[:, 3], last, atol=1e-4)


@pytest.mark.filterwarnings("error")
def test_the_shear_of_tilted_slices_is_kept(tmp_path):
    sheared = GRID.copy()
    sheared[:3, 2] += 0.6 * GRID[:3, 1]
    write_series(tmp_path, HEAD, sheared)
    assert_is(read_volume(tmp_path), HEAD, sheared)


@pytest.mark.filterwarnings("error")
def test_directions_that_differ_by_their_rounding_are_one(tmp_path):
    def jitter(number, image):
        turn = 1e-4 * (number % 3 - 1)
        image.ImageOrientationPatient = [1, turn, 0, -turn, 1, 0]

    affine = np.diag((-1.0, -1.0, 2.0, 1.0))
    write_series(tmp_path, HEAD, affine, change=jitter)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, HEAD)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-3)


@pytest.mark.parametrize("keyword", ["SliceThickness", "SequenceName", "SOPInstanceUID"])
def test_what_varies_from_slice_to_slice_does_not_split_a_series(tmp_path, keyword):
    values = {"SliceThickness": ("2.0", "1.999998"), "SequenceName": ("*a", "*a_16")}

    def vary(number, image):
        setattr(image, keyword, values.get(keyword, ("1.2.3", "1.2.3"))[number % 2])

    write_series(tmp_path, HEAD, GRID, change=vary)
    assert_is(read_volume(tmp_path), HEAD, GRID)


def test_slices_that_are_scaled_each_in_its_own_way_keep_their_fractions(tmp_path):
    slopes = [1.0, *np.linspace(0.01, 0.4, len(HEAD) - 1).round(3).tolist()]
    write_series(tmp_path, HEAD, GRID, slopes=slopes)
    assert_is(read_volume(tmp_path), HEAD * np.array(slopes)[:, None, None], GRID)


def test_negative_values_stay_so(tmp_path):
    def signed(number, image):
        image.PixelRepresentation = 1
        image.PixelData = (HEAD[number] - 500).astype("<i2").tobytes()

    write_series(tmp_path, HEAD, GRID, change=signed)
    assert_is(read_volume(tmp_path), HEAD - 500, GRID)


def test_values_above_32767_stay_so(tmp_path):
    write_series(tmp_path, HEAD.astype(np.uint16) + 60_000, GRID)
    assert_is(read_volume(tmp_path), HEAD.astype(float) + 60_000, GRID)


def test_where_white_stands_for_the_smallest_value_air_is_dark_all_the_same(tmp_path):
    write_series(tmp_path, HEAD.max() - HEAD, GRID, PhotometricInterpretation="MONOCHROME1")
    assert_is(read_volume(tmp_path), HEAD, GRID)


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
    ],
    ids=lambda syntax: syntax.name,
)
def test_every_way_to_write_the_same_pixels_gives_the_same_volume(tmp_path, syntax):
    write_series(tmp_path / "plain", HEAD, GRID)
    (tmp_path / "other").mkdir()
    for path in (tmp_path / "plain").iterdir():
        image = pydicom.dcmread(path)
        if syntax == RLELossless:
            image.compress(RLELossless)
        elif syntax == ExplicitVRBigEndian:
            image.PixelData = image.pixel_array.astype(">u2").tobytes()
            image = pydicom.Dataset({element.tag: element for element in image})
            image.file_meta = pydicom.dcmread(path).file_meta
        image.file_meta.TransferSyntaxUID = syntax
        image.save_as(tmp_path / "other" / path.name, enforce_file_format=True)
    assert_is(read_volume(tmp_path / "other"), HEAD, GRID)


def test_files_of_old_without_a_preamble_are_read(tmp_path):
    write_series(tmp_path / "new", HEAD, GRID)
    (tmp_path / "old").mkdir()
    for path in (tmp_path / "new").iterdir():
        image = pydicom.dcmread(path)
        bare = pydicom.Dataset({element.tag: element for element in image})
        bare.save_as(tmp_path / "old" / path.name, implicit_vr=True, little_endian=True)
    assert_is(read_volume(tmp_path / "old"), HEAD, GRID)


def test_missing_slices_are_filled_in_and_told(tmp_path):
    places = [n if n < 7 else n + 2 for n in range(14)]
    write_series(tmp_path, HEAD, GRID, positions=places)
    with pytest.warns(UserWarning, match="2 of 16 slices are missing and were filled in"):
        volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[places], HEAD)
    np.testing.assert_allclose(volume.ijk_to_ras, GRID, atol=1e-4)


@pytest.mark.parametrize(
    ("place", "words"), [(5.2, "up to 0.40 mm beside an even grid"), (5.8, "unevenly spaced")]
)
def test_slices_at_uneven_distances_are_told_or_refused(tmp_path, place, words):
    places = [0, 1, 2, 3, 4, place, 6, 7, 8, 9, 10, 11, 12, 13]
    write_series(tmp_path, HEAD, GRID, positions=places)
    if place == 5.2:
        with pytest.warns(UserWarning, match=words):
            assert_is(read_volume(tmp_path), HEAD, GRID)
    else:
        with pytest.raises(InputError, match=words):
            read_volume(tmp_path)


def test_more_missing_slices_than_there_are_are_refused(tmp_path):
    write_series(tmp_path, HEAD, GRID, positions=[*range(13), 40])
    with pytest.raises(InputError, match="slices are missing"):
        read_volume(tmp_path)


@pytest.mark.parametrize("renamed", [False, True])
def test_a_slice_that_is_there_twice_is_dropped_and_told(tmp_path, renamed):
    write_series(tmp_path, HEAD, GRID)
    shutil.copy(tmp_path / "t1005", tmp_path / "t1005 (1)")
    if renamed:
        image = pydicom.dcmread(tmp_path / "t1005 (1)")
        image.SOPInstanceUID, image.InstanceNumber = generate_uid(), 99
        image.save_as(tmp_path / "t1005 (1)")
    with pytest.warns(UserWarning, match=r"doubles of other files are left out \(t1005"):
        volume = read_volume(tmp_path)
    assert_is(volume, HEAD, GRID)


def test_a_series_that_was_copied_as_a_whole_is_one_volume(tmp_path):
    write_series(tmp_path / "a", HEAD, GRID)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.warns(UserWarning, match="doubles of other files"):
        assert_is(read_volume(tmp_path), HEAD, GRID)


def test_two_different_images_of_one_place_are_refused(tmp_path):
    places = [n if n < 7 else n - 1 for n in range(14)]
    write_series(tmp_path, HEAD, GRID, positions=places)
    with pytest.raises(InputError, match="cannot be coloured"):
        read_volume(tmp_path)


@pytest.mark.filterwarnings("error")
def test_an_overlay_is_no_volume(tmp_path):
    def draw(number, image):
        image.add_new(0x60000010, "US", 18)
        image.add_new(0x60000011, "US", 16)
        image.add_new(0x60000040, "CS", "R")
        image.add_new(0x60000050, "SS", [1, 1])
        image.add_new(0x60000100, "US", 1)
        image.add_new(0x60000102, "US", 0)
        image.add_new(0x60003000, "OW", b"\x0f" * 36)

    write_series(tmp_path, HEAD, GRID, change=draw)
    assert_is(read_volume(tmp_path), HEAD, GRID)


def test_images_without_a_place_are_refused(tmp_path):
    def nowhere(number, image):
        del image.ImagePositionPatient, image.ImageOrientationPatient

    write_series(tmp_path, HEAD, GRID, change=nowhere)
    with pytest.raises(InputError, match="do not say where its images lie"):
        read_volume(tmp_path)


@pytest.mark.parametrize("times", [2, 5])
def test_volumes_over_time_are_refused(tmp_path, times):
    over_time = np.concatenate([HEAD + 10 * n for n in range(times)])
    places = [n % len(HEAD) for n in range(len(over_time))]
    write_series(tmp_path, over_time, GRID, positions=places)
    with pytest.raises(InputError, match=f"{times} volumes in one"):
        read_volume(tmp_path)


def test_a_single_slice_says_that_it_is_one_of_many(tmp_path):
    write_series(tmp_path, HEAD, GRID)
    with pytest.warns(UserWarning, match="a single slice, image 6, one of many"):
        volume = read_volume(tmp_path / "t1005")
    np.testing.assert_array_equal(volume.array, HEAD[5:6])
