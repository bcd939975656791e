"""The coil's field: found from the image, whatever tissues it shows."""

import unittest

import numpy as np

from MRIColorizeLib.engine.bias import estimate_bias

SHAPE = (30, 44, 38)
ALL = (slice(None),) * 3


def _places():
    return np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")


def _limb(seed=0):
    """Muscle with strands of fat seven times as bright, in noise; and where it is."""
    z, y, x = _places()
    rng = np.random.default_rng(seed)
    body = y**2 + x**2 < 0.8
    fat = np.sin(9 * x + 2 * z) * np.sin(8 * y) > 0.2
    tissue = np.where(fat, 0.7, 0.1)
    return np.where(body, tissue + rng.normal(0, 0.004, SHAPE), 0).astype(np.float32), body


class BiasTest(unittest.TestCase):
    def test_a_coil_on_one_side_is_found_to_a_tenth_beside_tissues_seven_times_apart(self):
        tissue, body = _limb()
        z, y, x = _places()
        field = (1 + (y + 1.2) ** 2 + 0.3 * (x - 0.2) ** 2) ** -1.5
        error = estimate_bias((tissue * field).astype(np.float32), body).at(*ALL) / field
        self.assertGreater(np.ptp(np.log(field[body])), np.log(5))
        inside = error[body] / np.median(error[body])
        self.assertLess(np.percentile(np.abs(np.log(inside)), 90), 0.1)

    def test_an_even_image_has_an_even_field(self):
        tissue, body = _limb()
        field = estimate_bias(tissue, body).at(*ALL)
        np.testing.assert_allclose(field[body], 1, atol=0.15)

    def test_the_field_is_smooth_positive_and_no_more_extreme_where_no_tissue_is(self):
        tissue, body = _limb()
        tissue *= np.exp(1.5 * _places()[1]).astype(np.float32)
        field = estimate_bias(tissue, body).at(*ALL)
        self.assertEqual((field.dtype, field.shape), (np.float32, SHAPE))
        self.assertGreater(field.min(), 0)
        self.assertLess(np.abs(np.diff(np.log(field), axis=1)).max(), 0.5)
        self.assertLess(field.max(), 1.3 * field[body].max())

    def test_gain_does_not_matter_and_a_part_is_the_same_as_the_whole(self):
        tissue, body = _limb()
        field, louder = (estimate_bias(np.float32(g) * tissue, body) for g in (1, 700))
        np.testing.assert_allclose(field.at(*ALL), louder.at(*ALL), rtol=1e-3)
        k, j, i = slice(3, 9), np.array([0, 5, 43]), slice(None, None, 2)
        np.testing.assert_allclose(field.at(k, j, i), field.at(*ALL)[k][:, j][:, :, i], rtol=1e-5)

    def test_the_other_end_first_is_the_same_field_turned(self):
        tissue, body = _limb()
        tissue *= np.exp(_places()[2]).astype(np.float32)
        turned = estimate_bias(tissue[:, :, ::-1], body[:, :, ::-1]).at(*ALL)
        np.testing.assert_allclose(
            turned[:, :, ::-1], estimate_bias(tissue, body).at(*ALL), rtol=1e-2
        )

    def test_without_tissue_or_neighbours_the_field_is_one(self):
        for shape in (SHAPE, (1, 1, 7), (1, 9, 1)):
            array = np.ones(shape, dtype=np.float32)
            for body in (np.zeros(shape, dtype=bool), array > 0):
                field = estimate_bias(array, body).at(*ALL)
                np.testing.assert_allclose(field, 1, atol=1e-4)


if __name__ == "__main__":
    unittest.main()
