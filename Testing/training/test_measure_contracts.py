"""What every measure must keep: identity, symmetry, bounds, the body alone, and other libraries."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb
from torchmetrics.image.kid import poly_mmd

from training.measure.colorings.scores import Measure
from training.measure.metrics import measures
from training.measure.metrics.features import segnet_features
from training.measure.metrics.kid import kernel_distance
from training.measure.metrics.multiscale import ms_ssim_in_body, ms_ssim_whole
from training.measure.metrics.texture import compare_textures, describe_textures
from training.networks.segnet import SegNet
from training.segmentation import CARD, WEIGHTS


def _texture(which, slice_or_body):
    name = f"{which}_{slice_or_body}"

    def similarity(image, mri, mask):
        found = compare_textures(describe_textures(image), describe_textures(mri), mask)
        return getattr(found, name)

    return similarity


# Measure -> (function of image, MRI and mask; smallest; largest; symmetric)
STRUCTURE = {
    Measure.SSIM_SLICE: (lambda i, m, mask: measures.ssim_whole(i, m), -1, 1, True),
    Measure.SSIM_BODY: (measures.ssim_in_body, -1, 1, True),
    Measure.MS_SSIM_SLICE: (lambda i, m, mask: ms_ssim_whole(i, m), 0, 1, True),
    Measure.MS_SSIM_BODY: (ms_ssim_in_body, 0, 1, True),
    Measure.STSIM1_SLICE: (_texture("stsim1", "slice"), 0, 1, True),
    Measure.STSIM1_BODY: (_texture("stsim1", "body"), 0, 1, True),
    # Where the MRI is flat it asks for nothing, where the picture is flat it counts 0.
    Measure.NCC2: (measures.squared_ncc, 0, 1, False),
}
# What this compares is the same when dark and bright change places.
BLIND_TO_REVERSAL = {Measure.NCC2}
IN_BODY = [m for m in STRUCTURE if not m.name.endswith("_SLICE")]


@pytest.fixture(scope="module")
def pictures():
    """A smooth texture, noise, and a body: one slice of 176 x 176 each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:176, 0:176] / 9
    waves = 0.5 + 0.2 * np.sin(x + 0.4 * y) + 0.15 * np.cos(2.3 * y - x)
    texture = np.clip(waves + rng.normal(0, 0.03, waves.shape), 0, 1).astype(np.float32)
    noise = gaussian_filter(rng.random((176, 176)), 1).astype(np.float32)
    body = np.hypot(*(np.mgrid[-1:1:176j, -1:1:176j])) < 0.8
    return texture[None], noise[None], body[None]


@pytest.mark.parametrize("measure", STRUCTURE, ids=lambda m: m.name)
def test_a_picture_is_wholly_similar_to_itself(measure, pictures):
    texture, _, body = pictures
    function = STRUCTURE[measure][0]
    assert function(texture, texture, body)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("measure", STRUCTURE, ids=lambda m: m.name)
def test_another_picture_is_less_similar_and_within_bounds(measure, pictures):
    texture, noise, body = pictures
    function, low, high, symmetric = STRUCTURE[measure]
    value = float(function(noise, texture, body)[0])
    assert low <= value <= high
    assert value < 0.9
    if symmetric:
        assert float(function(texture, noise, body)[0]) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("measure", STRUCTURE, ids=lambda m: m.name)
def test_a_black_and_a_reversed_picture_are_within_bounds_too(measure, pictures):
    texture, _, body = pictures
    function, low, high, _ = STRUCTURE[measure]
    black, turned_over = (
        float(function(other, texture, body)[0]) for other in (np.zeros_like(texture), 1 - texture)
    )
    assert low <= black < 0.9
    assert low <= turned_over <= high + 1e-6
    if measure in BLIND_TO_REVERSAL:
        assert turned_over == pytest.approx(1, abs=1e-2)
    else:
        assert turned_over < 1 - 1e-4


def test_a_flat_mri_asks_for_nothing_and_a_flat_picture_lacks_all(pictures):
    texture, _, body = pictures
    flat = texture.copy()
    flat[..., 88:] = 0.5
    function = STRUCTURE[Measure.NCC2][0]
    assert function(texture, flat, body)[0] > 0.85
    assert function(flat, texture, body)[0] < 0.6


def test_the_bounds_of_intervals_are_those_of_the_measures():
    for measure, (_, low, high, _) in STRUCTURE.items():
        assert measure.bounds == (low, high), measure


@pytest.mark.parametrize("measure", IN_BODY, ids=lambda m: m.name)
def test_a_slice_without_a_body_has_no_value(measure, pictures):
    texture, noise, body = pictures
    assert np.isnan(STRUCTURE[measure][0](noise, texture, np.zeros_like(body))[0])


def test_every_measure_of_structure_is_held_to_this():
    named = {m for m in Measure if any(part in m.name for part in ("SSIM", "STSIM"))}
    assert named | {Measure.NCC2} == set(STRUCTURE)


# CIELAB pairs with their difference, of table 1 in Sharma, Wu and Dalal (2005), that sRGB can show.
SHARMA = (
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
)


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_colour_distance_has_the_published_values(first, second, expected):
    pictures = [
        lab2rgb(np.array(lab)[None, None, None]).astype(np.float64) for lab in (first, second)
    ]
    mask = np.ones((1, 1, 1), dtype=bool)
    there = measures.color_distance(*pictures, mask)[0]
    back = measures.color_distance(*reversed(pictures), mask)[0]
    assert there == pytest.approx(expected, abs=0.02)
    assert back == pytest.approx(there, abs=1e-4)


def test_the_kernel_distance_is_symmetric_and_torchmetrics_own():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 6)), rng.normal(0.7, 1.3, size=(30, 6))
    found = kernel_distance(first, second)
    expected = poly_mmd(torch.from_numpy(first), torch.from_numpy(second))
    assert found.mean == pytest.approx(float(expected), rel=1e-6)
    assert kernel_distance(second, first).mean == pytest.approx(found.mean)


def test_colourfulness_and_flicker_are_not_negative_and_grey_has_no_colour(pictures):
    texture, noise, body = pictures
    grey = np.repeat(texture[..., None], 3, axis=-1)
    tinted = np.stack((texture, noise, 1 - texture), axis=-1)
    assert measures.colorfulness(grey, body)[0] == 0
    assert 0 < measures.colorfulness(tinted, body)[0] <= np.sqrt(2) + 0.3 * np.sqrt(2)
    two = np.concatenate((tinted, tinted[..., ::-1]))
    mri, mask = np.concatenate((texture, noise)), np.concatenate((body, body))
    assert np.nanmin(measures.flicker(two, mri, mask)) >= 0


# Features of the segmentation network


@pytest.fixture(scope="module")
def segnet(tmp_path_factory):
    """A SegNet with random weights, as `python -m training segnet` writes one."""
    folder = tmp_path_factory.mktemp("segnet")
    torch.manual_seed(0)
    raw = save(SegNet(4, 3).state_dict())
    (folder / WEIGHTS).write_bytes(raw)
    card = {
        "network": {"width": 4, "levels": 3},
        "weights": {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()},
    }
    (folder / CARD).write_text(json.dumps(card))
    return folder


def test_features_are_those_of_the_deepest_level_over_the_body(segnet):
    features = segnet_features(segnet)
    rng = np.random.default_rng(1)
    picture = rng.random((1, 40, 44, 3)).astype(np.float32)
    found = features(picture)
    assert found.shape == (1, 16)
    assert np.isfinite(found).all()
    brighter = features(np.clip(picture * 1.5, 0, 1))
    assert np.abs(brighter - found).max() > 0.05 * found.max()
    black = features(np.zeros((1, 40, 44, 3), np.float32))
    np.testing.assert_array_equal(black, 0)


def test_features_of_many_pictures_are_those_of_each(segnet):
    features = segnet_features(segnet)
    pictures = np.random.default_rng(2).random((3, 33, 30, 3)).astype(np.float32)
    each = np.concatenate([features(picture[None]) for picture in pictures])
    np.testing.assert_allclose(features(pictures), each, rtol=1e-6)
