"""Claims about DICOM files of many images: enhanced ones and mosaics."""

from __future__ import annotations

import numpy as np
import pytest

from cli.made import made_head, oblique
from cli.made_dicom import write_enhanced, write_mosaic
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.reading import read_volume

HEAD = made_head()
GRID = oblique(left_handed=False)
COUNT = len(HEAD)
ORDERS = {
    "from below": list(range(COUNT)),
    "from above": list(range(COUNT - 1, -1, -1)),
    "every second": [*range(0, COUNT, 2), *range(1, COUNT, 2)],
    "three stacks, the last first": [*range(10, COUNT), *range(5, 10), *range(5)],
}


def assert_is(volume, array=HEAD):
    np.testing.assert_allclose(volume.array, array, rtol=1e-6)
    np.testing.assert_allclose(volume.ijk_to_ras, GRID, atol=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_frames_in_any_order_come_out_at_their_places(tmp_path, order):
    stacks = [3 if n >= 10 else 2 if n >= 5 else 1 for n in order] if order[0] == 10 else None
    path = write_enhanced(tmp_path / "a.dcm", HEAD[order], GRID, order, stacks=stacks)
    assert_is(read_volume(path))


def test_each_frame_has_its_own_scale(tmp_path):
    slopes = [1.0 + n % 4 for n in range(COUNT)]
    path = write_enhanced(tmp_path / "a.dcm", HEAD, GRID, slopes=slopes)
    assert_is(read_volume(path), HEAD * np.array(slopes)[:, None, None])


def test_the_distance_of_slices_is_that_of_their_places_and_not_their_thickness(tmp_path):
    assert_is(read_volume(write_enhanced(tmp_path / "a.dcm", HEAD, GRID, thickness=1.5)))


@pytest.mark.parametrize("interleaved", [False, True])
def test_two_volumes_that_nothing_tells_apart_are_refused(tmp_path, interleaved):
    places = np.repeat(range(COUNT), 2) if interleaved else np.tile(range(COUNT), 2)
    frames = np.where(np.arange(2 * COUNT) % 2 == 0, 1, 2)[:, None, None] * HEAD[places]
    path = write_enhanced(tmp_path / "a.dcm", frames, GRID, places.tolist())
    with pytest.raises(InputError, match="28 images at 14 places|2 volumes in one"):
        read_volume(path)


def test_frames_in_three_directions_are_refused(tmp_path):
    def turn(number, groups):
        directions = ([1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1])[number % 3]
        groups.PlaneOrientationSequence[0].ImageOrientationPatient = directions

    path = write_enhanced(tmp_path / "a.dcm", HEAD, GRID, change=turn)
    with pytest.raises(InputError, match="orientation varies"):
        read_volume(path)


def test_frames_without_a_place_are_refused(tmp_path):
    def nowhere(number, groups):
        del groups.PlanePositionSequence, groups.PlaneOrientationSequence

    path = write_enhanced(tmp_path / "a.dcm", HEAD, GRID, change=nowhere)
    with pytest.raises(InputError, match="do not say where its images lie"):
        read_volume(path)


def test_a_mosaic_is_taken_apart_and_that_is_told(tmp_path):
    affine = np.diag((-2.0, -2.0, 3.0, 1.0))
    affine[:3, 3] = (15, 17, -20)
    path = write_mosaic(tmp_path / "a.dcm", HEAD, affine)
    with pytest.warns(UserWarning, match="a mosaic, taken apart"):
        volume = read_volume(path)
    # The converter's own axes: the rows from below.
    np.testing.assert_array_equal(volume.array, HEAD[:, ::-1])
    np.testing.assert_allclose(volume.ijk_to_ras @ (0, 17, 0, 1), affine[:, 3], atol=1e-4)
    np.testing.assert_allclose(volume.ijk_to_ras[:3, 2], (0, 0, 3), atol=1e-4)
