"""Synthetic MRI: physics in the right direction, seeded, in range."""

import dataclasses

import pytest
import torch

from MRIColorizeLib.tissue import CLASSES, Tissue
from training.config import SynthesisConfig
from training.data.contrast import SEQUENCES
from training.data.synthesis import Random, class_intensities, scale_like_the_engine, synthesize

PLAIN = SynthesisConfig(
    properties=0, class_jitter=0, random_contrast=0, texture=0, bias=0, noise=0, blur=1
)


def _only(contrast, **settings):
    shares = tuple(float(name == contrast) for name in SEQUENCES)
    return dataclasses.replace(PLAIN, shares=shares, **settings)


def _two_halves(count=4, size=32):
    """Soft labels: the left half white matter, the right half CSF, a rim of background."""
    probabilities = torch.zeros(count, CLASSES, size, size)
    probabilities[:, Tissue.WHITE_MATTER, :, : size // 2] = 1
    probabilities[:, Tissue.CSF, :, size // 2 :] = 1
    probabilities[:, :, :3] = 0
    probabilities[:, 0, :3] = 1
    return probabilities


@pytest.mark.parametrize(("contrast", "csf_is_brighter"), [("T2", True), ("FLAIR", False)])
def test_csf_against_white_matter_follows_the_contrast(contrast, csf_is_brighter):
    image, _ = synthesize(_two_halves(), None, _only(contrast), 1.0, Random(0))
    white, csf = image[..., 10:, 4:12].mean(), image[..., 10:, 20:28].mean()
    assert (csf > white) == csf_is_brighter


def test_the_background_is_dark_and_only_noise_lights_it():
    silent, _ = synthesize(_two_halves(), None, PLAIN, 1.0, Random(0))
    assert silent[:, :, :3].abs().max() == 0
    loud = dataclasses.replace(PLAIN, noise=0.1)
    noisy, _ = synthesize(_two_halves(), None, loud, 1.0, Random(0))
    assert noisy[:, :, :3].mean() > 0
    assert noisy.min() >= 0


def test_the_same_seed_gives_the_same_image_and_another_seed_another():
    config = SynthesisConfig()
    first, again, other = (
        synthesize(_two_halves(), None, config, 1.0, Random(seed))[0] for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_ramp_widens_the_spread_of_the_class_intensities():
    config = SynthesisConfig(random_contrast=0.5)
    narrow, wide = (class_intensities(900, config, s, Random(0)).std(0)[1:].mean() for s in (0, 1))
    assert wide > 1.1 * narrow


def test_scaling_ends_in_0_1_and_is_0_outside_the_mask():
    mask = torch.ones(2, 1, 16, 16)
    mask[..., :4] = 0
    image = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 900
    ones = torch.ones(2)
    scaled = scale_like_the_engine(image, mask, ones, SynthesisConfig(), 1.0, Random(0))
    assert scaled[..., :4].max() == 0
    assert 0.5 < scaled.max() <= 1


def test_scaling_knows_that_the_volume_holds_brighter_tissue_than_the_crop():
    mask = torch.ones(64, 1, 8, 8)
    image = torch.full((64, 1, 8, 8), 0.3)
    plain = SynthesisConfig(gain=0, gamma=0)
    scaled = scale_like_the_engine(image, mask, torch.ones(64), plain, 1.0, Random(0))
    levels = scaled.mean(dim=(1, 2, 3))
    dim = torch.isclose(levels, torch.tensor(0.3))
    assert torch.logical_or(dim, torch.isclose(levels, torch.tensor(1.0))).all()
    assert 16 < int(dim.sum()) < 48


def test_where_there_is_brain_the_volume_is_expected_to_hold_csf():
    only_white = torch.zeros(3, CLASSES, 8, 8)
    only_white[:, Tissue.WHITE_MATTER] = 1
    image, brightest = synthesize(only_white, None, _only("T2"), 1.0, Random(0))
    assert (brightest > 2 * image.amax(dim=(1, 2, 3))).all()


def test_organs_of_one_class_differ_and_other_tissue_stays_even():
    organ, muscle = torch.zeros(2, 3, CLASSES, 64, 64)
    organ[:, Tissue.ORGAN], muscle[:, Tissue.MUSCLE] = 1, 1
    config = _only("PD", organ_texture=0.3)
    spread = [
        float((image.std((2, 3)) / image.mean((2, 3))).mean())
        for image, _ in (synthesize(x, None, config, 1.0, Random(0)) for x in (organ, muscle))
    ]
    assert 0.1 < spread[0] < 0.5
    assert spread[1] < 1e-5
