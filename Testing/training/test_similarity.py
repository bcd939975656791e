"""MS-SSIM and KID: hand-made cases and independent libraries."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from training.measure.metrics.kid import kernel_distance
from training.measure.metrics.multiscale import ms_ssim_in_body, ms_ssim_whole, window_that_fits


@pytest.fixture(scope="module")
def waves():
    """A picture of sines with one step, one slice in [0, 1]."""
    y, x = np.mgrid[0:96, 0:80]
    stepped = np.cos(y / 4 - x / 11) * (x > 40)
    return (0.5 + 0.25 * np.sin(x / 3 + y / 9) + 0.2 * stepped).astype(np.float32)[None]


@pytest.fixture(scope="module")
def large(waves):
    return np.tile(waves, (1, 2, 3))[:, :176, :176]


def _all(stack):
    return np.ones(stack.shape, dtype=bool)


# MS-SSIM


def test_over_the_whole_slice_the_body_s_ms_ssim_is_near_the_library_s(large):
    # They differ in the borders alone: repeated here, left out there.
    for other in (gaussian_filter(large, (0, 1, 1)), 0.2 + 0.6 * large):
        inside = ms_ssim_in_body(other, large, _all(large))
        np.testing.assert_allclose(inside, ms_ssim_whole(other, large), atol=0.01)


def test_ms_ssim_in_the_body_does_not_see_the_background(large):
    body = np.zeros(large.shape, dtype=bool)
    body[:, 20:80, 20:80] = True
    other = np.where(body, gaussian_filter(large, (0, 1, 1)), 0).astype(np.float32)
    near = ms_ssim_in_body(other, np.where(body, large, 0).astype(np.float32), body)
    wide = [
        np.pad(a, ((0, 0), (64, 64), (64, 64))) for a in (other, np.where(body, large, 0), body)
    ]
    np.testing.assert_allclose(ms_ssim_in_body(*wide), near, atol=0.01)


@pytest.mark.parametrize(("side", "window"), [(256, 11), (161, 11), (160, 9), (128, 7), (64, 3)])
def test_small_slices_need_a_smaller_window(side, window):
    assert window_that_fits(side) == window
    slices = np.random.default_rng(0).random((1, side, side)).astype(np.float32)
    assert ms_ssim_whole(slices, slices)[0] == pytest.approx(1)


def test_slices_too_small_for_five_scales_are_refused():
    with pytest.raises(ValueError, match="33 pixels"):
        window_that_fits(32)


# KID


def test_the_kernel_distance_of_one_distribution_to_itself_is_nothing():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 200, 8))
    same, other = kernel_distance(first, second), kernel_distance(first, second + 1)
    assert abs(same.mean) < 0.1
    assert same.deviation > 0
    assert other.mean > 10 * abs(same.mean)


def test_the_kernel_distance_is_its_definition_on_two_pictures_each():
    first = np.array([[1.0, 0.0], [0.0, 1.0]])
    second = np.array([[2.0, 0.0], [0.0, 0.0]])
    # k(x, y) = (x.y / 2 + 1)^3: within first 1, within second 1; across 8, 1, 1, 1.
    found = kernel_distance(first, second)
    assert found.mean == pytest.approx(1 + 1 - 2 * (8 + 3) / 4)
    assert np.isnan(found.deviation)  # there is one subset only


def test_sets_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="same width"):
        kernel_distance(np.zeros((3, 4)), np.zeros((3, 5)))
