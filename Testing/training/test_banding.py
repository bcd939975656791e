"""Banding: what changes from slice to slice differs between axes; what is even does not."""

import numpy as np
import pytest

from training.measure.metrics.banding import banding

MASK = np.ones((12, 12, 12), bool)


def smooth(seed=0):
    """An MRI that changes alike along every axis, and its grey copy."""
    mri = np.random.default_rng(seed).random((12, 12, 12)).astype(np.float32)
    return mri, np.repeat(np.rint(255 * mri)[..., None], 3, axis=-1).astype(np.uint8)


def test_a_grey_copy_has_none():
    mri, rgb = smooth()
    assert banding(rgb, mri, MASK).ratio == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_differs_from_slice_to_slice_shows_along_their_axis(axis):
    mri, rgb = smooth()
    np.moveaxis(rgb, axis, 0)[::2, ..., 2] //= 2
    bands = banding(rgb, mri, MASK)
    assert bands.ratio > 1.1
    assert int(np.argmax(bands.along)) == axis


def test_what_lies_outside_of_the_body_does_not_count():
    mri, rgb = smooth()
    mask = MASK.copy()
    mask[6:] = False
    rgb[6::2] = 255
    assert banding(rgb, mri, mask).ratio == pytest.approx(1, abs=0.08)


def test_an_axis_without_neighbours_leaves_the_ratio_unknown():
    mri, rgb = smooth()
    bands = banding(rgb[:1], mri[:1], MASK[:1])
    assert np.isnan(bands.along[0])
    assert np.isnan(bands.ratio)
