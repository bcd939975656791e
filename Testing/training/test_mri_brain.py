"""Tissues of a brain are found from brightness, through noise and a bias field."""

import unittest

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.data.mri_atlas import tissue_prior
from training.data.mri_brain import T1_ORDER, BrainLabelError, brain_tissues, fit_mixture
from training.data.mri_strip import labels_from_freesurfer, labels_from_mixture

SPACING = np.array([2.0, 2.0, 2.0], np.float32)
BRIGHTNESS = {Tissue.CSF: 40.0, Tissue.GREY_MATTER: 120.0, Tissue.WHITE_MATTER: 175.0}


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def ball_brain(noise=8.0, bias=0.0, seed=3):
    """(image, truth): white matter in grey matter in CSF, with folds, 48 voxels across."""
    k, j, i = np.meshgrid(*[np.arange(48) - 23.5] * 3, indexing="ij")
    folds = 1.0 * np.sin(k / 3) * np.sin(j / 3) * np.sin(i / 3)
    radius = np.sqrt(k**2 + j**2 + i**2) + folds
    truth = np.zeros(radius.shape, np.uint8)
    truth[radius < 22] = Tissue.CSF
    truth[radius < 20] = Tissue.GREY_MATTER
    truth[radius < 15] = Tissue.WHITE_MATTER
    truth[radius < 5] = Tissue.CSF
    image = np.zeros(radius.shape, np.float32)
    for tissue, value in BRIGHTNESS.items():
        image[truth == tissue] = value
    image *= 1 + bias * j / 23.5
    image += noise * np.random.default_rng(seed).standard_normal(image.shape)
    image[truth == 0] = 0
    return image.astype(np.float32), truth


class BrainTissues(unittest.TestCase):
    def assert_recovered(self, labels, truth, least):
        for tissue in T1_ORDER:
            self.assertGreater(dice(labels == tissue, truth == tissue), least, tissue.name)

    def test_tissues_are_recovered_through_noise(self):
        image, truth = ball_brain(noise=12.0)
        self.assert_recovered(brain_tissues(image, truth > 0, SPACING), truth, 0.93)

    def test_tissues_are_recovered_through_a_bias_field(self):
        image, truth = ball_brain(bias=0.2)
        self.assert_recovered(brain_tissues(image, truth > 0, SPACING), truth, 0.85)

    def test_nothing_outside_the_mask_is_labelled(self):
        image, truth = ball_brain()
        labels = brain_tissues(image, truth > 0, SPACING)
        self.assertTrue(((labels > 0) == (truth > 0)).all())

    def test_more_odds_for_grey_matter_give_more_of_it(self):
        image, truth = ball_brain(noise=30.0)
        plain = brain_tissues(image, truth > 0, SPACING)
        more = brain_tissues(image, truth > 0, SPACING, grey_odds=4.0)
        count = [np.count_nonzero(x == Tissue.GREY_MATTER) for x in (plain, more)]
        self.assertGreater(count[1], count[0])

    def test_the_prior_decides_where_brightness_cannot(self):
        image, truth = ball_brain(noise=4.0)
        nucleus = np.zeros(truth.shape, bool)
        nucleus[18:30, 18:30, 30:36] = True
        nucleus &= truth == Tissue.WHITE_MATTER
        between = 0.5 * (BRIGHTNESS[Tissue.GREY_MATTER] + BRIGHTNESS[Tissue.WHITE_MATTER])
        image[nucleus] = between
        atlas = np.where(nucleus, Tissue.GREY_MATTER, truth).astype(np.uint8)
        prior = tissue_prior(atlas, SPACING, T1_ORDER, sigma_mm=1.0)
        labels = brain_tissues(image, truth > 0, SPACING, prior=prior)
        grey = np.mean(labels[nucleus] == Tissue.GREY_MATTER)
        self.assertGreater(grey, 0.9)

    def test_a_tiny_mask_is_refused(self):
        image, truth = ball_brain()
        with self.assertRaises(BrainLabelError):
            brain_tissues(image, np.arange(truth.size).reshape(truth.shape) < 50, SPACING)

    def test_the_mixture_finds_the_means(self):
        image, truth = ball_brain()
        means = fit_mixture(image[truth > 0]).means
        np.testing.assert_allclose(means, list(BRIGHTNESS.values()), atol=6)


class StrippedBrains(unittest.TestCase):
    def test_blackened_fluid_inside_the_brain_counts_as_csf(self):
        image, truth = ball_brain(noise=4.0)
        image[truth == Tissue.CSF] = 0
        labels = labels_from_mixture(image, SPACING, close_mm=2.0)
        self.assertTrue((labels[22:26, 22:26, 22:26] == Tissue.CSF).all())

    def test_very_bright_voxels_are_blood(self):
        image, truth = ball_brain()
        image[22:26, 22:26, 34:36] = 260
        labels = labels_from_mixture(image, SPACING, close_mm=2.0, vessel=1.25)
        self.assertTrue((labels[22:26, 22:26, 34:36] == Tissue.BLOOD).all())

    def test_freesurfer_gaps_are_filled_by_brightness(self):
        image, truth = ball_brain(noise=2.0)
        codes = np.zeros(truth.shape, np.int32)
        codes[truth == Tissue.GREY_MATTER] = 1001
        codes[truth == Tissue.WHITE_MATTER] = 2
        codes[22:26, 22:26, 22:26] = 4
        labels = labels_from_freesurfer(image, codes)
        self.assertGreater(dice(labels == Tissue.CSF, truth == Tissue.CSF), 0.95)
        self.assertTrue((labels[truth == Tissue.WHITE_MATTER] == Tissue.WHITE_MATTER).all())


if __name__ == "__main__":
    unittest.main()
