"""Intensities: the body is found whole, and scale does not matter."""

import unittest

import numpy as np
import SimpleITK as sitk
from stand_ins import DATA

from MRIColorizeLib.engine import body as body_module
from MRIColorizeLib.engine.body import fill_slices, find_body, find_window, normalize
from MRIColorizeLib.files.reading import read_volume


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

    def test_a_crop_without_air_is_all_body_however_much_its_csf_outshines_the_rest(self):
        self.assertTrue(find_body(read_volume(DATA / "neck_t2_crop.nii.gz").array).all())

    def test_the_air_around_a_noisy_head_is_still_air(self):
        head, truth = _head(noise=0.1)
        body = find_body(head)
        self.assertGreater((body & truth).sum() / truth.sum(), 0.95)
        self.assertLess(body[~truth].mean(), 0.1)

    def test_slabs_leave_no_seam(self):
        head, _ = _head()
        tall = np.concatenate([head, head[::-1]])  # 80 slices: several slabs
        body = find_body(tall)
        np.testing.assert_array_equal(body, body[::-1])


class StepsTest(unittest.TestCase):
    """The steps of finding the body against ITK's filters of the same name."""

    def test_the_smoothing_is_itk_s_discrete_gaussian(self):
        for shape in ((37, 12, 11), (1, 7, 8), (6, 1, 5)):
            array = np.random.default_rng(2).random(shape, dtype=np.float32)
            image = sitk.GetImageFromArray(array)
            expected = sitk.GetArrayFromImage(sitk.DiscreteGaussian(image, 0.7, 5, 0.01, False))
            smooth = body_module._smoothed(array, lambda part: part)
            np.testing.assert_allclose(smooth, expected, atol=1e-6)

    def test_the_threshold_is_itk_s_of_otsu_to_a_bin(self):
        head, _ = _head(noise=0.1)
        for array in (head, np.stack([np.zeros((4, 4)), np.ones((4, 4))]).astype(np.float32)):
            otsu = sitk.OtsuThresholdImageFilter()
            otsu.SetNumberOfHistogramBins(body_module.OTSU_BINS)
            otsu.Execute(sitk.GetImageFromArray(array))
            bin_width = np.ptp(array) / body_module.OTSU_BINS
            self.assertAlmostEqual(
                body_module._otsu(array), otsu.GetThreshold(), delta=1.01 * bin_width
            )


class FillTest(unittest.TestCase):
    def test_holes_are_those_that_itk_finds_slice_by_slice(self):
        rng = np.random.default_rng(4)
        for shape in ((9, 12, 11), (1, 7, 8), (6, 1, 5)):
            mask = rng.random(shape) < 0.6
            expected = mask.astype(np.uint8)
            for axis in range(3):
                slices = np.moveaxis(expected, axis, 0)
                for index in range(len(slices)):
                    image = sitk.GetImageFromArray(np.ascontiguousarray(slices[index]))
                    slices[index] = sitk.GetArrayFromImage(sitk.BinaryFillhole(image))
            np.testing.assert_array_equal(fill_slices(mask), expected.astype(bool))

    def test_a_bay_is_no_hole_and_a_diagonal_gap_lets_nothing_through(self):
        mask = np.ones((1, 7, 7), dtype=bool)
        mask[0, 3, 2:5] = False
        mask[0, 2, 5] = False  # touches the hole at a corner only, and itself nothing
        self.assertTrue(fill_slices(mask).all())
        mask[0, 3, 5:] = False  # now the border reaches all of it
        np.testing.assert_array_equal(fill_slices(mask)[0], mask[0])

    def test_the_given_mask_is_left_alone(self):
        mask = np.ones((3, 5, 5), dtype=bool)
        mask[1, 2, 2] = False
        self.assertTrue(fill_slices(mask).all())
        self.assertFalse(mask[1, 2, 2])


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

    def test_the_window_scales_as_normalize_does(self):
        head, _ = _head()
        scaled, body = normalize(head)
        window, same = find_window(head)
        np.testing.assert_array_equal(body, same)
        np.testing.assert_array_equal(window.scale(head)[body], scaled[body])

    def test_a_given_mask_is_used_as_it_is(self):
        head, truth = _head()
        _, body = normalize(head, truth)
        np.testing.assert_array_equal(body, truth)


if __name__ == "__main__":
    unittest.main()
