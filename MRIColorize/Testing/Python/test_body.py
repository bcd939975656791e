"""The body where the signal fades, and where air isn't the darkest value."""

import unittest

import numpy as np

from MRIColorizeLib.engine.body import find_body, find_window
from MRIColorizeLib.engine.morphology import without_thin

RNG = np.random.default_rng


def _places(shape):
    return np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")


def _dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def _noisy(signal, deviation, seed=0):
    """Rician noise: of magnitudes, in the coil's two channels."""
    real, imaginary = RNG(seed).normal(0, deviation, (2, *signal.shape))
    return np.hypot(signal + real, imaginary).astype(np.float32)


def _knee(shape=(24, 96, 80)):
    """A leg, T2-weighted, beside a coil: skin, fat and marrow, muscle an eighth as bright as fat.

    It runs through the volume along J, and its muscle reaches both ends of the slices' stack.
    """
    z, y, x = _places(shape)
    radius = np.sqrt((0.75 * z) ** 2 + (x - 0.1 * y) ** 2)
    tissue = np.select(
        [radius < 0.2, radius < 0.62, radius < 0.72, radius < 0.76], (1, 0.12, 1, 0.2)
    )
    coil = (1 + (x + 0.7) ** 2 + 0.5 * y**2) ** -1.5
    return _noisy(tissue * coil, 0.003), radius < 0.76


def _belly(shape=(40, 90, 30)):
    """A lumbar spine's slab: the coil lies at the back, and the belly's signal is an eighteenth."""
    z, y, x = _places(shape)
    body = np.abs(y) < 0.85
    fat = (np.abs(y) > 0.7) | (np.sin(5 * z) * np.sin(7 * y + 3 * x) > 0.6)
    tissue = np.where(body, np.where(fat, 1, 0.4), 0)
    return _noisy(tissue * np.exp(-1.7 * (y + 0.85)), 0.003), body


def _head(shape=(30, 40, 36)):
    """A head of uneven tissue, 0 to 300, without air around it; and where it is."""
    z, y, x = _places(shape)
    head = z**2 + y**2 + x**2 < 0.6
    tissue = 160 + 80 * np.sin(7 * x) * np.cos(6 * y + 2 * z) + RNG(3).normal(0, 5, shape)
    return np.where(head, tissue, 0), head


class FadingTest(unittest.TestCase):
    def test_muscle_and_skin_beside_the_fat_of_a_knee_are_body(self):
        knee, truth = _knee()
        body = find_body(knee)
        self.assertGreater(body[truth].mean(), 0.97)
        self.assertLess(body[~truth].mean(), 0.03)

    def test_the_belly_far_from_the_coil_of_a_spine_is_body(self):
        spine, truth = _belly()
        body = find_body(spine)
        self.assertGreater(body[truth].mean(), 0.97)
        self.assertLess(body[~truth].mean(), 0.03)

    def test_ghosts_beside_an_even_head_are_air(self):
        head, truth = _head()
        ghosts = 0.03 * np.roll(head, 12, axis=1)
        self.assertGreater(_dice(find_body(_noisy(head + ghosts, 3)), truth), 0.95)

    def test_the_body_does_not_depend_on_which_end_comes_first(self):
        spine, _ = _belly()
        body = find_body(spine)
        for axis in range(3):
            turned = find_body(np.ascontiguousarray(np.flip(spine, axis)))
            self.assertGreater(_dice(np.flip(turned, axis), body), 0.999)


class BackgroundTest(unittest.TestCase):
    """Volumes whose air is not the darkest."""

    def setUp(self):
        self.values, self.head = _head()
        z, y, x = _places(self.head.shape)
        self.seen = y**2 + x**2 < 0.95  # of a scanner that reconstructs a cylinder
        self.air = np.where(self.head, self.values, np.abs(RNG(4).normal(0, 4, self.head.shape)))

    def found(self, array):
        return _dice(find_body(np.asarray(array, dtype=np.float32)), self.head)

    def test_a_constant_amid_the_intensities_is_background(self):
        inside = self.values[self.head]
        scored = np.where(self.head, (self.values - inside.mean()) / inside.std(), 0)
        self.assertEqual(self.found(scored), 1)

    def test_a_constant_above_the_intensities_is_background(self):
        self.assertEqual(self.found(np.where(self.head, 300 - self.values, 400)), 1)

    def test_a_padding_below_the_air_is_background_as_the_air_is(self):
        for padding in (-1024, -3):
            with self.subTest(padding=padding):
                self.assertGreater(self.found(np.where(self.seen, self.air, padding)), 0.97)

    def test_a_padding_amid_the_intensities_fills_up_where_there_is_air_as_well(self):
        scored = (self.air - self.air.mean()) / self.air.std()
        self.assertGreater(self.found(np.where(self.seen, scored, 0)), 0.97)

    def test_air_of_all_greys_is_told_by_its_roughness(self):
        noise = RNG(5).integers(0, 4096, self.head.shape)
        self.assertGreater(self.found(np.where(self.head, 500 + 8 * self.values, noise)), 0.95)

    def test_saturated_tissue_at_the_border_is_no_background(self):
        z, y, x = _places(self.head.shape)
        neck = _noisy(np.where(np.abs(y) < 0.8, 200 + 150 * y, 0), 3).clip(max=300)
        self.assertGreater(find_body(neck)[np.abs(y) < 0.78].mean(), 0.97)

    def test_noise_alone_is_all_body(self):
        noise = RNG(6).normal(100, 9, self.head.shape).astype(np.float32)
        self.assertTrue(find_body(noise).all())

    def test_a_padding_does_not_stretch_the_window(self):
        plain, _ = find_window(self.air.astype(np.float32))
        padded, _ = find_window(np.where(self.seen, self.air, -1024).astype(np.float32))
        self.assertAlmostEqual(padded.low, plain.low, delta=1)
        self.assertAlmostEqual(padded.high, plain.high, delta=3)


class ThinTest(unittest.TestCase):
    def test_what_cubes_of_two_voxels_cover_stays(self):
        rng = RNG(0)
        for shape in ((40, 13, 9), (1, 9, 8), (16, 8, 1), (33, 2, 7)):
            mask = rng.random(shape) < 0.8
            cube = tuple(min(n, 2) for n in shape)
            whole = np.lib.stride_tricks.sliding_window_view(mask, cube).all(axis=(3, 4, 5))
            expected = np.zeros_like(mask)
            for k, j, i in np.argwhere(whole):
                expected[k : k + cube[0], j : j + cube[1], i : i + cube[2]] = True
            np.testing.assert_array_equal(without_thin(mask), expected)


if __name__ == "__main__":
    unittest.main()
