"""The steerable pyramid and STSIM-1: energy, orientation, shifts, blur, noise, level."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from training.measure.metrics import measures
from training.measure.metrics.pyramid import steerable_pyramid
from training.measure.metrics.texture import compare_textures, describe_textures
from training.measure.metrics.window import gaussian_mean

NAMES = ("stsim1_slice", "stsim1_body")


@pytest.fixture(scope="module")
def texture():
    """A periodic random texture of grains of a few pixels, one slice in [0, 1]."""
    noise = np.random.default_rng(0).normal(size=(1, 96, 96))
    smooth = gaussian_filter(noise, (0, 1.5, 1.5), mode="wrap")
    return np.clip(0.5 + 0.15 * smooth / smooth.std(), 0, 1).astype(np.float32)


def _similarity(first, second, mask=None):
    mask = np.ones(first.shape, dtype=bool) if mask is None else mask
    found = compare_textures(describe_textures(first), describe_textures(second), mask)
    return np.array([getattr(found, name)[0] for name in NAMES])


# The pyramid


@pytest.mark.parametrize("size", [(64, 64), (50, 61), (65, 48)])
def test_the_pyramid_s_energy_is_the_image_s(size):
    image = torch.from_numpy(np.random.default_rng(1).normal(size=(1, *size)))
    pyramid = steerable_pyramid(image)

    def energy(level):
        pixels = size[0] * size[1] / (level.shape[-2] * level.shape[-1])
        return float((level.abs() ** 2).sum()) * pixels

    total = energy(pyramid.high) + energy(pyramid.low)
    total += sum(energy(level) for level in pyramid.oriented) / 2  # analytic: twice the energy
    assert total == pytest.approx(float((image**2).sum()), rel=1e-4)


def test_the_pyramid_has_three_scales_of_four_orientations_and_two_residuals():
    pyramid = steerable_pyramid(torch.zeros(1, 64, 80))
    shapes = [tuple(level.shape[1:]) for level in pyramid.levels]
    assert shapes == [(1, 64, 80), (4, 64, 80), (4, 32, 40), (4, 16, 20), (1, 16, 20)]


@pytest.mark.parametrize("orientation", range(4))
def test_a_grating_lies_in_the_band_of_its_orientation_with_a_flat_modulus(orientation):
    angle = orientation * np.pi / 4
    y, x = np.mgrid[0:64, 0:64]
    cycles = 16 * np.array((np.cos(angle), np.sin(angle)))  # of the finest scale
    wave = np.cos(2 * np.pi * (round(cycles[0]) * x + round(cycles[1]) * y) / 64)
    band = steerable_pyramid(torch.from_numpy(wave)[None]).oriented[0][0].abs()
    strength = band.mean(dim=(1, 2))
    assert int(strength.argmax()) == orientation
    assert float(band[orientation].std()) < 0.01 * float(strength[orientation])


def test_a_constant_lies_in_the_low_residual_alone():
    pyramid = steerable_pyramid(torch.full((1, 48, 48), 0.7))
    torch.testing.assert_close(pyramid.low.real, torch.full((1, 1, 12, 12), 0.7))
    assert max(float(level.abs().max()) for level in pyramid.levels[:-1]) < 1e-5


def test_small_images_have_no_pyramid():
    with pytest.raises(ValueError, match="32 pixels"):
        steerable_pyramid(torch.zeros(1, 31, 64))


def test_the_window_s_mean_is_the_sum_of_its_definition():
    image = torch.from_numpy(np.random.default_rng(2).random((2, 9, 9)))
    offsets = np.arange(-3, 4)
    line = np.exp(-(offsets**2) / (2 * (7 / 6) ** 2))
    window = np.outer(line, line) / line.sum() ** 2
    expected = (window * image[:, 1:8, 1:8].numpy()).sum(axis=(1, 2))
    np.testing.assert_allclose(gaussian_mean(image, 7, 7 / 6)[:, 4, 4], expected)


# STSIM


def test_a_shifted_texture_stays_similar_where_ssim_sees_another_picture(texture):
    shifted = np.roll(texture, (5, 3), (1, 2))
    assert measures.ssim_whole(texture, shifted)[0] < 0.2
    assert _similarity(texture, shifted)[0] > 0.85
    rng = np.random.default_rng(4)
    other = np.clip(0.5 + 0.15 * rng.normal(size=texture.shape), 0, 1)
    assert (_similarity(texture, shifted) > _similarity(texture, other) + 0.04).all()


def test_the_phase_of_a_grating_does_not_matter():
    waves = [0.5 + 0.3 * np.sin(0.5 * np.arange(96) + phase) for phase in (0, 1.5)]
    first, second = (np.tile(wave, (1, 96, 1)) for wave in waves)
    assert _similarity(first, second).min() > 0.95


@pytest.mark.parametrize("worse", ["blur", "noise"])
def test_stsim_falls_with_blur_and_with_noise(texture, worse):
    rng = np.random.default_rng(5)
    steps = [
        gaussian_filter(texture, (0, s, s))
        if worse == "blur"
        else texture + rng.normal(0, s / 20, texture.shape)
        for s in (0.5, 1, 2, 4)
    ]
    found = np.array([_similarity(step, texture) for step in steps])
    assert (np.diff(found, axis=0) < 0).all()


def test_flat_pictures_are_alike_and_differ_in_their_level_alone():
    low, high = np.full((1, 48, 48), 0.2), np.full((1, 48, 48), 0.8)
    np.testing.assert_allclose(_similarity(low, low), 1, atol=1e-5)
    # Of the 14 bands only the low residual sees the level: l = 2 ab / (a^2 + b^2), to the 1/4.
    level = (2 * 0.2 * 0.8 / (0.2**2 + 0.8**2)) ** 0.25
    found = _similarity(low, high)
    assert found[0] == pytest.approx((13 + level) / 14, abs=1e-3)


def test_what_lies_far_outside_the_body_does_not_count_in_the_body(texture):
    mask = np.zeros(texture.shape, dtype=bool)
    mask[:, 16:48, 16:48] = True
    other = texture.copy()
    other[:, 72:] = 0.5
    slice1, body1 = _similarity(other, texture, mask)
    assert body1 > 0.998
    assert slice1 < 0.95


def test_a_slice_without_a_body_still_has_the_values_of_the_slice(texture):
    blurred = gaussian_filter(texture, (0, 1, 1))
    nowhere = _similarity(blurred, texture, np.zeros(texture.shape, dtype=bool))
    np.testing.assert_array_equal(nowhere[:1], _similarity(blurred, texture)[:1])
