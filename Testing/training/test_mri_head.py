"""A head made of nested shells gets its tissues back by the rules for heads."""

import unittest
from functools import cache

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data.mri_atlas import Atlas, lay_over, tissue_prior
from training.data.mri_brain import T1_ORDER
from training.data.mri_cord import spinal_cord
from training.data.mri_eyes import find_eyes
from training.data.mri_head import label_flair_head, label_head
from training.data.mri_read import Scan
from training.data.mri_scalp import HeadContrast

SIZE = 72
SPACING = np.array([2.5, 2.5, 2.5], np.float32)
CONTRAST = HeadContrast(air=0.0, dark=0.22, fat=0.85)
T1 = {
    Tissue.SKIN: 0.55,
    Tissue.FAT: 1.15,
    Tissue.MUSCLE: 0.55,
    Tissue.BONE: 0.06,
    Tissue.GREY_MATTER: 0.72,
    Tissue.WHITE_MATTER: 1.0,
    Tissue.CSF: 0.32,
    Tissue.AIR: 0.02,
}
FLAIR = T1 | {
    Tissue.SKIN: 0.5,
    Tissue.FAT: 0.55,
    Tissue.MUSCLE: 0.3,
    Tissue.GREY_MATTER: 1.25,
    Tissue.CSF: 0.2,
}
# From the outside in: outer radius in mm of balls about the middle of head and of brain.
HEAD_SHELLS = ((86, Tissue.SKIN), (83, Tissue.FAT))
BRAIN_SHELLS = (
    (66, Tissue.BONE),
    (60, Tissue.CSF),
    (57, Tissue.GREY_MATTER),
    (47, Tissue.WHITE_MATTER),
    (18, Tissue.CSF),
)


def radius_from(centre):
    """mm from a point given in voxels: (SIZE, SIZE, SIZE)."""
    axes = [(np.arange(SIZE) - c) * float(s) for c, s in zip(centre, SPACING, strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    return np.sqrt(k**2 + j**2 + i**2)


@cache
def truth_of_a_head():
    middle = (SIZE - 1) / 2
    truth = np.zeros((SIZE,) * 3, np.uint8)
    for outer, tissue in HEAD_SHELLS:
        truth[radius_from((middle,) * 3) < outer] = tissue
    for outer, tissue in BRAIN_SHELLS:
        truth[radius_from((middle + 5, middle, middle)) < outer] = tissue
    # A cavity in a muscle, below the brow, clear of skin and brain.
    cavity = radius_from((17, 17, middle))
    truth[cavity < 15] = Tissue.MUSCLE
    truth[cavity < 10] = Tissue.AIR
    return truth


def scan_of(truth, brightness, noise=0.03, bias=0.1):
    image = np.zeros(truth.shape, np.float32)
    for tissue, value in brightness.items():
        image[truth == tissue] = value
    image = ndimage.gaussian_filter(image, 0.4)
    image *= 1 + bias * np.linspace(-1, 1, SIZE)[:, None, None]
    image += noise * np.random.default_rng(7).standard_normal(image.shape)
    return (200 * np.maximum(image, 0)).astype(np.float32)


def brain_of(truth):
    return np.where(np.isin(truth, T1_ORDER), truth, 0).astype(np.uint8)


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@cache
def labels_of_a_t1_head():
    truth = truth_of_a_head()
    # An atlas never fits: this one is a voxel off each way.
    warped = np.roll(brain_of(truth), (1, 1, 1), axis=(0, 1, 2))
    prior = tissue_prior(warped, SPACING, T1_ORDER)
    return label_head(scan_of(truth, T1), SPACING, warped, prior, CONTRAST)


class T1Head(unittest.TestCase):
    def test_every_tissue_is_recovered(self):
        truth, labels = truth_of_a_head(), labels_of_a_t1_head()
        for tissue in (*T1_ORDER, Tissue.SKIN, Tissue.FAT, Tissue.BONE):
            with self.subTest(tissue.name):
                self.assertGreater(dice(labels == tissue, truth == tissue), 0.8)

    def test_the_cavity_is_air_and_bone_is_not(self):
        truth, labels = truth_of_a_head(), labels_of_a_t1_head()
        self.assertGreater(np.mean(labels[truth == Tissue.AIR] == Tissue.AIR), 0.8)
        self.assertLess(np.mean(labels[truth == Tissue.BONE] == Tissue.AIR), 0.02)

    def test_no_brain_lies_in_the_scalp(self):
        truth, labels = truth_of_a_head(), labels_of_a_t1_head()
        scalp = np.isin(truth, (Tissue.SKIN, Tissue.FAT, Tissue.MUSCLE))
        brain = np.isin(labels, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
        self.assertFalse((scalp & brain).any())

    def test_no_scalp_lies_in_the_brain(self):
        truth, labels = truth_of_a_head(), labels_of_a_t1_head()
        inside = np.isin(truth, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
        foreign = np.isin(labels, (Tissue.SKIN, Tissue.FAT, Tissue.MUSCLE, Tissue.AIR))
        self.assertFalse((inside & foreign).any())


class FlairHead(unittest.TestCase):
    def test_gif_codes_and_rules_give_the_tissues_back(self):
        truth = truth_of_a_head()
        gif = np.zeros(truth.shape, np.uint8)
        gif[truth == Tissue.WHITE_MATTER] = 81
        gif[truth == Tissue.GREY_MATTER] = 101
        gif[truth == Tissue.CSF] = 52
        contrast = HeadContrast(air=0.0, dark=0.15, fat=0.42)
        labels = label_flair_head(scan_of(truth, FLAIR, bias=0.0), SPACING, gif, contrast)
        for tissue in (*T1_ORDER, Tissue.FAT, Tissue.BONE):
            with self.subTest(tissue.name):
                self.assertGreater(dice(labels == tissue, truth == tissue), 0.8)


class LayingTheAtlasOver(unittest.TestCase):
    def test_a_moved_and_stretched_brain_is_met(self):
        # Every other voxel: 5 mm, for speed.
        whole = brain_of(truth_of_a_head())
        image, truth = (x[::2, ::2, ::2] for x in (scan_of(whole, T1, bias=0.0), whole))
        head = np.array([[0, 0, -5.0, 0], [0, -5.0, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1.0]])
        place = np.array(
            [[0, 0, -5.2, 40.0], [0, -5.0, 0, 10.0], [5.4, 0, 0, -60.0], [0, 0, 0, 1.0]]
        )
        atlas = Atlas(Scan(image[2:34, 2:34, 2:34], place), Scan(truth[2:34, 2:34, 2:34], place))
        warped = lay_over(atlas, Scan(image, head), stripped=True)
        for tissue in (Tissue.WHITE_MATTER, Tissue.GREY_MATTER):
            self.assertGreater(dice(warped == tissue, truth == tissue), 0.85)


class EyesAndCord(unittest.TestCase):
    def test_two_eyes_are_found_where_they_are(self):
        bright = np.full((SIZE,) * 3, 1.0, np.float32)
        brain = np.zeros(bright.shape, np.uint8)
        brain[15:68, 15:68, 7:65] = Tissue.WHITE_MATTER
        eyes = [radius_from((27, 12, i)) < 12 for i in (22, 49)]
        for eye in eyes:
            bright[eye] = 0.25
        bright[radius_from((27, 11, 35)) < 12] = 0.02  # a sinus between them
        found = find_eyes(bright, SPACING, brain == 0, brain, ceiling=0.5)
        self.assertEqual(len(found), 2)
        for mask, eye in zip(found, eyes, strict=True):
            self.assertGreater(dice(mask, eye & (brain == 0)), 0.8)

    def test_no_eye_is_invented(self):
        bright = np.full((SIZE,) * 3, 1.0, np.float32)
        brain = np.zeros(bright.shape, np.uint8)
        brain[15:68, 15:68, 7:65] = Tissue.WHITE_MATTER
        self.assertEqual(find_eyes(bright, SPACING, brain == 0, brain, ceiling=0.5), [])

    def test_the_cord_is_followed_below_the_brain(self):
        bright = np.full((40, 64, 64), 0.6, np.float32)
        k, j, i = np.meshgrid(*[np.arange(n) for n in bright.shape], indexing="ij")
        axis = np.sqrt((j - 40) ** 2 + (i - 32) ** 2) * 2.5
        bright[axis < 11] = 0.3
        bright[axis < 6] = 1.0
        cranial = (k >= 25) & (axis < 12)
        cord, canal = spinal_cord(bright, SPACING, cranial, np.ones(bright.shape, bool))
        below = k < 25
        self.assertGreater(dice(cord, (axis < 6) & below), 0.95)
        self.assertGreater(dice(canal, (axis >= 6) & (axis < 11) & below), 0.8)


if __name__ == "__main__":
    unittest.main()
