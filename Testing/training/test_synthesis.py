"""Synthetic MRI: physics in the right direction, seeded, in range."""

import dataclasses

import numpy as np
import pytest
import torch

from MRIColorizeLib.tissue import Tissue
from training.config import SynthesisConfig
from training.data.contrast import SEQUENCES
from training.data.synthesis import (
    Random,
    SoftLabels,
    bias_field,
    draw_contrasts,
    scale_like_the_engine,
    synthesize,
)

PLAIN = SynthesisConfig(
    properties=0,
    class_jitter=0,
    random_contrast=0,
    texture=0,
    bias=0,
    surface_coil=0,
    noise=0,
    blur=1,
    fat_suppressed=0,
    dixon=0,
    inflow=0,
    outflow=0,
    agent=0,
    organ_texture=0,
)


def _only(contrast, **settings):
    shares = tuple(float(name == contrast) for name in SEQUENCES)
    return dataclasses.replace(PLAIN, shares=shares, **settings)


def _labels(parts, around=()):
    """Soft labels of equal columns of these codes, under a rim of background of three rows."""
    size = 32
    codes = torch.tensor([0, *parts])
    soft = torch.zeros(len(codes), size, size)
    step = size // len(parts)
    for number in range(len(parts)):
        last = size if number == len(parts) - 1 else (number + 1) * step
        soft[number + 1, 3:, number * step : last] = 1
    soft[0, :3] = 1
    return SoftLabels(codes, soft, torch.tensor([*parts, *around]))


def _two_halves(count=4):
    """The left half white matter, the right half CSF."""
    return [_labels((Tissue.WHITE_MATTER, Tissue.CSF)) for _ in range(count)]


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


def test_noise_without_signal_has_rayleigh_s_ratio_of_mean_and_deviation():
    soft = torch.ones(1, 160, 160)
    empty = [SoftLabels(torch.tensor([0]), soft, torch.tensor([int(Tissue.FAT)]))]
    loud = dataclasses.replace(PLAIN, noise=0.1)
    noisy, _ = synthesize(empty, None, loud, 1.0, Random(1))
    assert float(noisy.mean() / noisy.std()) == pytest.approx(
        np.sqrt(np.pi / (4 - np.pi)), rel=0.03
    )


def test_the_same_seed_gives_the_same_image_and_another_seed_another():
    config = SynthesisConfig()
    first, again, other = (
        synthesize(_two_halves(), None, config, 1.0, Random(seed))[0] for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_ramp_widens_the_spread_of_the_intensities():
    config = SynthesisConfig(random_contrast=0.5)
    narrow, wide = (
        draw_contrasts(900, config, strength, Random(0)).whole.std(0)[1:].mean()
        for strength in (0, 1)
    )
    assert wide > 1.1 * narrow


def test_scaling_is_by_the_upper_percentile_of_the_body_and_0_outside_it():
    image = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) * 700
    mask = torch.zeros_like(image)
    mask[..., 5:35, 8:] = 1
    plain = SynthesisConfig(gain=0, gamma=0)
    ours = scale_like_the_engine(image, mask, torch.zeros(1), plain, 1.0, Random(0))
    upper = np.percentile(image[mask > 0].numpy(), 99)
    theirs = (image / upper).clamp(0, 1) * mask
    torch.testing.assert_close(ours, theirs.float(), atol=1e-4, rtol=0)


def test_scaling_knows_that_the_volume_holds_brighter_tissue_than_the_crop():
    mask = torch.ones(64, 1, 8, 8)
    image = torch.full((64, 1, 8, 8), 0.3)
    plain = SynthesisConfig(gain=0, gamma=0)
    scaled = scale_like_the_engine(image, mask, torch.ones(64), plain, 1.0, Random(0))
    levels = scaled.mean(dim=(1, 2, 3))
    dim = torch.isclose(levels, torch.tensor(0.3))
    assert torch.logical_or(dim, torch.isclose(levels, torch.tensor(1.0))).all()
    assert 16 < int(dim.sum()) < 48


def test_the_brightest_structure_is_that_of_the_whole_volume():
    labels = [_labels((Tissue.WHITE_MATTER,), around=(Tissue.CSF,))] * 3
    image, brightest = synthesize(labels, None, _only("T2"), 1.0, Random(0))
    assert (brightest > 2 * image.amax(dim=(1, 2, 3))).all()


def test_regions_of_a_class_that_holds_many_things_differ_and_white_matter_stays_even():
    config = _only("PD", organ_texture=0.3)
    spread = []
    for tissue in (Tissue.BOWEL, Tissue.WHITE_MATTER):
        image, _ = synthesize([_labels((tissue,))] * 3, None, config, 1.0, Random(0))
        inside = image[:, :, 3:]
        spread.append(float((inside.std((2, 3)) / inside.mean((2, 3))).mean()))
    assert 0.05 < spread[0] < 0.5
    assert spread[1] < 1e-5


def test_in_opposed_phase_voxels_of_fat_and_water_are_dark():
    labels = _labels((Tissue.FAT, Tissue.MUSCLE))
    border = slice(12, 20)
    labels.soft[1:, 3:, border] = 0.5
    config = _only("T1 gradient echo", dixon=1.0)
    for seed in range(20):
        image, _ = synthesize([labels], None, config, 1.0, Random(seed))
        fat, mixed, water = (image[0, 0, 10, x] for x in (3, 15, 28))
        if float(fat) > 0.3 and float(water) > 0.15:  # neither the water nor the fat image
            assert mixed < 0.75 * min(fat, water) or mixed < 0.5 * fat
            break
    else:
        pytest.fail("no opposed phase was drawn")


def test_under_coils_brightness_falls_by_up_to_the_asked_factor_in_each_of_three_ways():
    config = dataclasses.replace(PLAIN, surface_coil=1.0, coil_range=10.0)
    fields = bias_field(torch.ones(300, 1, 24, 24), config, 1.0, Random(0))[:, 0]
    factor = fields.amax(dim=(1, 2)) / fields.amin(dim=(1, 2))
    assert float(factor.max()) > 10
    assert float(factor.max()) < 10**3.5  # a ramp along a diagonal, and the two others
    assert float(factor.median()) > 2
    even = bias_field(torch.ones(3, 1, 24, 24), PLAIN, 1.0, Random(0))
    assert torch.equal(even, torch.ones_like(even))


def test_under_a_coil_all_around_the_rim_of_a_body_is_brighter_than_its_middle():
    body = torch.zeros(200, 1, 64, 64)
    body[:, :, 8:56, 8:56] = 1
    config = dataclasses.replace(PLAIN, surface_coil=1.0, coil_range=10.0)
    fields = bias_field(body, config, 1.0, Random(0))[:, 0]
    rim = fields[:, 8:56, 8:56].clone()
    rim[:, 4:-4, 4:-4] = 0
    rim = rim.sum((1, 2)) / (48 * 48 - 40 * 40)
    assert float((rim / fields[:, 30:34, 30:34].mean((1, 2))).median()) > 1.5
