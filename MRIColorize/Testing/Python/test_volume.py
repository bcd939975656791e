"""Volumes: bad input is refused with a sentence, planes follow the geometry, slices come back."""

import itertools
import unittest
import warnings

import numpy as np

from MRIColorizeLib.errors import InputError
from MRIColorizeLib.volume import (
    Volume,
    bounding_box,
    check_volume,
    choose_plane,
    nearest_axes,
    planes_to_color,
    slice_order,
)


def _volume(array=None, matrix=None):
    if array is None:
        array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    return Volume(array, np.eye(4) if matrix is None else matrix)


class BadInputTest(unittest.TestCase):
    def _refused(self, volume, word):
        with self.assertRaises(InputError) as caught:
            check_volume(volume)
        self.assertIn(word, str(caught.exception))
        self.assertEqual(str(caught.exception).count("\n"), 0)

    def test_arrays_that_are_no_scalar_volume_are_refused(self):
        self._refused(_volume(np.zeros((0, 4, 4))), "empty")
        self._refused(_volume(np.ones((1, 1, 1))), "1x1x1")
        self._refused(_volume(np.ones((1, 1, 9))), "9x1x1")
        self._refused(_volume(np.ones((4, 4))), "2 dimensions")
        self._refused(_volume(np.ones((2, 3, 4, 4))), "4 dimensions")
        self._refused(_volume(np.ones((3, 4, 5), dtype=bool)), "bool")
        self._refused(_volume(np.ones((3, 4, 5), dtype=complex)), "complex")

    def test_volumes_without_contrast_are_refused(self):
        self._refused(_volume(np.full((3, 4, 5), 7.0)), "same value")
        self._refused(_volume(np.full((3, 4, 5), np.nan)), "finite")

    def test_impossible_geometry_is_refused(self):
        self._refused(_volume(matrix=np.diag([1.0, 0.0, 1.0, 1.0])), "spacing")
        self._refused(_volume(matrix=np.diag([1.0, np.inf, 1.0, 1.0])), "finite")
        singular = np.eye(4)
        singular[:3, 1] = singular[:3, 0]
        self._refused(_volume(matrix=singular), "singular")

    def test_nan_and_infinite_voxels_become_background_with_one_warning(self):
        array = np.arange(60, dtype=np.float32).reshape(3, 4, 5) + 1
        array[0, 0, :3] = (np.nan, np.inf, -np.inf)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            checked = check_volume(_volume(array))
        self.assertEqual(len(caught), 1)
        self.assertIn("3 voxels", str(caught[0].message))
        np.testing.assert_array_equal(checked.array[0, 0, :3], 4.0)

    def test_every_real_type_and_extreme_range_becomes_finite_float32(self):
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "int64", "float16", "float64"):
            checked = check_volume(_volume(np.arange(60).reshape(3, 4, 5).astype(dtype)))
            self.assertEqual(checked.array.dtype, np.float32)
            self.assertEqual(checked.array[2, 3, 4], 59)
        huge = np.linspace(-1e300, 1e300, 60).reshape(3, 4, 5)
        checked = check_volume(_volume(huge))
        self.assertTrue(np.isfinite(checked.array).all())
        self.assertTrue((np.diff(checked.array.ravel()) >= 0).all())


class PlaneTest(unittest.TestCase):
    def test_nearest_axes_of_every_axis_order_and_handedness(self):
        for order in itertools.permutations(range(3)):
            for signs in itertools.product((-1, 1), repeat=3):
                matrix = np.eye(4)
                matrix[:3, :3] = 0
                for ijk, (ras, sign) in enumerate(zip(order, signs, strict=True)):
                    matrix[ras, ijk] = sign * (ijk + 1)
                axes = nearest_axes(matrix)
                self.assertEqual([2 - axis for axis in axes], [order.index(r) for r in range(3)])

    def test_an_oblique_grid_takes_the_nearest_axes(self):
        angle = np.deg2rad(30)
        matrix = np.eye(4)
        matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        self.assertEqual(nearest_axes(matrix), (2, 1, 0))

    def test_voxels_up_to_twice_as_long_as_wide_are_seen_along_three_planes_axial_last(self):
        large = np.zeros((20, 20, 20), np.float32)
        for matrix in (np.diag([6, 6, 6, 1]), np.diag([6, 12, 6, 1]), np.diag([12, 6, 12, 1])):
            planes = planes_to_color(_volume(large, matrix), "auto")
            self.assertEqual(planes, ("sagittal", "coronal", "axial"))
            self.assertEqual(planes_to_color(_volume(large, matrix), "auto", fast=True), planes[2:])
        thick = _volume(large, np.diag([6, 12.6, 6, 1]))
        self.assertEqual(planes_to_color(thick, "auto"), ("coronal",))
        self.assertEqual(len(planes_to_color(thick, "consensus")), 3)

    def test_a_slab_or_a_small_crop_is_seen_along_one_plane(self):
        slab = np.zeros((10, 60, 60), np.float32)
        matrix = np.diag([3, 3, 3, 1])
        self.assertEqual(planes_to_color(_volume(slab, matrix), "auto"), ("axial",))
        self.assertEqual(len(planes_to_color(_volume(slab, matrix), "consensus")), 3)

    def test_one_plane_is_the_acquisition_plane_of_thick_slices_else_axial(self):
        self.assertEqual(choose_plane(_volume(), "auto"), "axial")
        self.assertEqual(choose_plane(_volume(matrix=np.diag([1, 5, 1, 1])), "auto"), "coronal")
        self.assertEqual(choose_plane(_volume(matrix=np.diag([5, 1, 1, 1])), "auto"), "sagittal")
        self.assertEqual(choose_plane(_volume(matrix=np.diag([5, 1, 1, 1])), "axial"), "axial")

    def test_auto_takes_the_only_plane_of_a_single_slice(self):
        self.assertEqual(choose_plane(_volume(np.zeros((8, 1, 9))), "auto"), "coronal")
        wide = np.diag([5, 1, 5, 1])  # mm along I, J, K: thinner than its pixels are wide
        self.assertEqual(choose_plane(_volume(np.zeros((8, 1, 9)), wide), "auto"), "coronal")

    def test_slice_order_puts_the_plane_s_normal_first(self):
        volume = _volume()
        self.assertEqual(slice_order(volume, "axial"), (0, 1, 2))
        self.assertEqual(slice_order(volume, "coronal"), (1, 0, 2))
        self.assertEqual(slice_order(volume, "sagittal"), (2, 0, 1))


class BoundingBoxTest(unittest.TestCase):
    def test_the_box_holds_the_mask_and_its_margin(self):
        mask = np.zeros((5, 9, 9), dtype=bool)
        mask[2, 3:5, 4] = True
        box = bounding_box(mask, (0, 1, 9))
        self.assertEqual(box, (slice(2, 3), slice(2, 6), slice(0, 9)))

    def test_an_empty_mask_gives_everything(self):
        box = bounding_box(np.zeros((2, 3, 4), dtype=bool), (0, 0, 0))
        self.assertEqual(box, (slice(0, 2), slice(0, 3), slice(0, 4)))


if __name__ == "__main__":
    unittest.main()
