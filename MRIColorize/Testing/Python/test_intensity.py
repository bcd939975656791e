"""Intensities: the body is found whole, and scale does not matter."""

import unittest

import numpy as np

from MRIColorizeLib.intensity import find_body, normalize


def _head(noise=0.02, seed=0):
    """A ball of tissue with a dark cavity inside and Rician-like noise around it."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[-20:20, -24:24, -24:24]
    radius = np.sqrt(x**2 + y**2 + z**2)
    truth = radius < 16
    head = np.where(truth, 0.7, 0.0)
    head[radius < 5] = 0.02
    return np.abs(head + noise * rng.standard_normal(head.shape)).astype(np.float32), truth


class BodyTest(unittest.TestCase):
    def test_the_body_is_found_with_its_cavities_and_without_the_noise(self):
        head, truth = _head()
        body = find_body(head)
        dice = 2 * (body & truth).sum() / (body.sum() + truth.sum())
        self.assertGreater(dice, 0.95)
        self.assertTrue(body[20, 24, 24], "the cavity in the middle belongs to the body")

    def test_small_specks_are_no_body(self):
        head, _ = _head()
        head[2:4, 2:4, 2:4] = 0.7
        self.assertFalse(find_body(head)[2:4, 2:4, 2:4].any())

    def test_a_volume_full_of_tissue_is_all_body(self):
        rng = np.random.default_rng(1)
        full = (0.8 + 0.05 * rng.standard_normal((10, 20, 20))).astype(np.float32)
        self.assertGreater(find_body(full).mean(), 0.9)


class NormalizeTest(unittest.TestCase):
    def test_the_result_lies_in_0_1_and_is_0_outside_the_body(self):
        head, _ = _head()
        scaled, body = normalize(head)
        self.assertEqual(scaled.dtype, np.float32)
        self.assertEqual(scaled[~body].max(), 0)
        self.assertGreater(scaled.max(), 0.99)
        self.assertGreaterEqual(scaled.min(), 0)

    def test_gain_and_offset_of_the_scanner_do_not_matter(self):
        head, _ = _head()
        first, body = normalize(head)
        second, same = normalize(head * 700 + 90)
        np.testing.assert_array_equal(body, same)
        np.testing.assert_allclose(first, second, atol=1e-4)

    def test_a_given_mask_is_used_as_it_is(self):
        head, truth = _head()
        _, body = normalize(head, truth)
        np.testing.assert_array_equal(body, truth)


if __name__ == "__main__":
    unittest.main()
