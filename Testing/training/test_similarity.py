"""MS-SSIM, edges of colour and KID: hand-made cases and independent libraries."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb

from training.measure.metrics import edges
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


# Edges of colour


def _two_colours(width, blur=0.0):
    """Left half red-brown, right half pale, of one lightness: (1, 40, width, 3)."""
    lab = np.zeros((40, width, 3))
    lab[..., 0] = 50
    lab[:, : width // 2, 1] = 20
    lab[:, width // 2 :, 2] = 20
    smooth = gaussian_filter(lab, (0, blur, 0)) if blur else lab
    return lab2rgb(smooth).astype(np.float32)[None]


def test_bleeding_colours_are_less_sharp_at_the_borders_than_the_truth():
    truth = _two_colours(60)
    labels = np.repeat(np.array([[1, 2]], np.uint8), 30, axis=1).reshape(1, 1, 60)
    labels = np.tile(labels, (1, 40, 1))
    mask = _all(labels)
    found = [
        edges.border_sharpness(_two_colours(60, blur), truth, labels, mask)[0]
        for blur in (0, 1.5, 4)
    ]
    assert found[0] == pytest.approx(1)
    assert found[0] > found[1] > found[2]
    assert edges.border_sharpness(np.full_like(truth, 0.4), truth, labels, mask)[0] < 0.02
    nowhere = edges.border_sharpness(truth, truth, np.ones_like(labels), mask)
    assert np.isnan(nowhere).all()


def test_the_band_along_a_border_is_as_wide_on_both_sides():
    labels = np.ones((1, 30, 40), np.uint8)
    labels[..., 20:] = 2
    band = edges._borders(labels, _all(labels))
    assert np.flatnonzero(band[0, 15]).tolist() == [18, 19, 20, 21]


def test_a_colour_edge_without_an_edge_of_the_mri_is_invented():
    picture = _two_colours(60)
    flat = np.full((1, 40, 60), 0.5, np.float32)
    stepped = flat.copy()
    stepped[:, :, 30:] = 0.8
    assert edges.invented_structure(picture, flat, _all(flat))[0] == pytest.approx(1)
    assert edges.invented_structure(picture, stepped, _all(flat))[0] < 0.05
    grey = np.repeat(stepped[..., None], 3, axis=-1)
    assert np.isnan(edges.invented_structure(grey, flat, _all(flat))).all()


def test_fine_detail_is_lost_by_blur_and_blind_to_reversal():
    grain = np.random.default_rng(1).random((1, 48, 48)).astype(np.float32)
    body = np.zeros(grain.shape, dtype=bool)
    body[:, 4:44, 4:44] = True
    assert edges.fine_detail(1 - grain, grain, body)[0] == pytest.approx(1, abs=1e-3)
    smooth = gaussian_filter(np.random.default_rng(2).random((1, 48, 48)), (0, 1, 1))
    assert edges.fine_detail(smooth.astype(np.float32), grain, body)[0] < 0.3


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
