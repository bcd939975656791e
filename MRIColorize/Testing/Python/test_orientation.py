"""Colours do not depend on how the voxels are stored: all 48 orders and directions of the axes."""

import itertools
import unittest

import numpy as np
from made_model import small_model

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.orientation import SAR, Turn, in_patient_axes
from MRIColorizeLib.volume import Volume

ORDERS = [
    (order, flips)
    for order in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def stored(volume, order, flips):
    """The same voxels at the same places, stored in another order."""
    array, matrix = volume.array.transpose(order), np.asarray(volume.ijk_to_ras, float)
    columns = [matrix[:3, 2 - axis] for axis in order]
    origin = matrix[:3, 3].copy()
    for place, back in enumerate(flips):
        if back:
            array = np.flip(array, place)
            origin += (array.shape[place] - 1) * columns[place]
            columns[place] = -columns[place]
    moved = np.eye(4)
    moved[:3] = np.stack([*columns[::-1], origin], axis=1)
    return Volume(np.ascontiguousarray(array), moved)


def brought_back(array, order, flips):
    back = np.flip(array, [place for place in range(3) if flips[place]])
    return back.transpose(*np.argsort(order), *range(3, array.ndim))


def lopsided(matrix):
    """Nothing in it is its own mirror image."""
    axes = [np.linspace(-1.2, 1.2, n) for n in (11, 26, 22)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    array = np.where(0.3 * z**2 + y**2 + x**2 < 1, 100.0 + 30 * x - 20 * y + 9 * z, 2.0)
    array += 80 * ((x - 0.4) ** 2 + y**2 + z**2 < 0.1)
    array += np.random.default_rng(0).normal(0, 2, array.shape)
    return Volume(array.astype(np.float32), matrix)


def oblique():
    angle = np.radians(17)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([2.0, 2.5, 3.0])
    matrix[:3, 3] = (-30, 12, 99)
    return matrix


class StorageTest(unittest.TestCase):
    def setUp(self):
        self.colorizer = Colorizer(small_model(), "cpu")

    def assert_same(self, first, again, order, flips):
        for name in ("array", "mask", "tissue", "confidence"):
            expected, seen = getattr(first, name), getattr(again, name)
            back = brought_back(seen, order, flips)
            np.testing.assert_array_equal(back, expected, f"{name} {order} {flips}")
            self.assertTrue(seen.flags.c_contiguous)

    def test_all_48_ways_to_store_the_voxels_give_the_same_bytes(self):
        volume = lopsided(oblique())
        for plane, orders in (("axial", ORDERS), ("consensus", ORDERS[::5])):
            options = ColorizeOptions(plane=plane, confidence=True, background="mri")
            first = self.colorizer.colorize(volume, options)
            for order, flips in orders:
                again = self.colorizer.colorize(stored(volume, order, flips), options)
                self.assert_same(first, again, order, flips)

    def test_a_mask_and_a_single_slice_are_turned_along(self):
        volume = lopsided(np.diag([-2.0, 2.0, 3.0, 1.0]))
        mask = volume.array > 60
        options = ColorizeOptions(plane="coronal", slice_index=9, confidence=True, mask=mask)
        first = self.colorizer.colorize(volume, options)
        self.assertTrue(first.array[:, 9].any())
        for order, flips in ORDERS[5::7]:
            place = order.index(1)
            index = 25 - 9 if flips[place] else 9
            turned = stored(Volume(mask, volume.ijk_to_ras), order, flips).array
            options = ColorizeOptions(
                plane="coronal", slice_index=index, confidence=True, mask=turned
            )
            again = self.colorizer.colorize(stored(volume, order, flips), options)
            self.assert_same(first, again, order, flips)


class TurnTest(unittest.TestCase):
    def test_axes_run_towards_inferior_posterior_and_left_and_voxels_stay_where_they_are(self):
        for order, flips in ORDERS:
            volume = stored(lopsided(oblique()), order, flips)
            turned = Turn.of(volume.ijk_to_ras).volume(volume)
            self.assertTrue((np.diag(turned.ijk_to_ras[:3, :3])[::-1] < 0).all())
            place = np.unravel_index(np.argmax(volume.array), volume.array.shape)
            seen = np.unravel_index(np.argmax(turned.array), turned.array.shape)
            np.testing.assert_allclose(
                volume.ijk_to_ras @ [*place[::-1], 1], turned.ijk_to_ras @ [*seen[::-1], 1]
            )
            self.assertTrue(np.shares_memory(turned.array, volume.array))
            np.testing.assert_array_equal(
                Turn.of(volume.ijk_to_ras).back(turned.array), volume.array
            )

    def test_pictures_run_towards_superior_anterior_and_right(self):
        volume = lopsided(np.diag([-2.0, -2.5, 3.0, 1.0]))
        turned, spacing = in_patient_axes(volume.array, volume.ijk_to_ras)
        np.testing.assert_array_equal(turned, volume.array[:, ::-1, ::-1])
        self.assertEqual(spacing, (3.0, 2.5, 2.0))
        self.assertEqual(Turn.of(volume.ijk_to_ras, SAR).flipped, (False, True, True))


if __name__ == "__main__":
    unittest.main()
