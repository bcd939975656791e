"""The measures: values computed by hand, independent libraries, and what fools them."""

import numpy as np
import pytest

from MRIColorizeLib.tissue import Tissue
from training.measure.metrics import measures


@pytest.fixture(scope="module")
def mri():
    """Two smooth, textured slices in [0, 1]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:56] / 8
    waves = 0.5 + 0.25 * np.sin(x + 0.3 * y) + 0.15 * np.cos(1.7 * y - 0.5 * x)
    stack = np.stack([waves, waves[::-1]]) + rng.normal(0, 0.02, (2, 48, 56))
    return np.clip(stack, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def body(mri):
    mask = np.zeros(mri.shape, dtype=bool)
    mask[:, 6:42, 8:50] = True
    return mask


def _rgb(stack):
    return np.repeat(stack[..., None], 3, axis=-1)


def _stripes(angle):
    y, x = np.mgrid[0:48, 0:48]
    wave = np.sin(0.6 * (np.cos(angle) * x + np.sin(angle) * y))
    return (0.5 + 0.4 * wave).astype(np.float32)[None]


ALL = np.ones((1, 48, 48), dtype=bool)


# Structural similarity


def test_two_libraries_agree_on_ssim_where_windows_lie_inside_the_slice(mri):
    other = np.clip(mri * 0.8 + 0.05, 0, 1).astype(np.float32)
    inner = np.zeros(mri.shape, dtype=bool)
    inner[:, 5:-5, 5:-5] = True
    np.testing.assert_allclose(
        measures.ssim_in_body(other, mri, inner), measures.ssim_whole(other, mri), atol=1e-4
    )


def test_a_reversed_contrast_has_little_ssim(mri, body):
    assert measures.ssim_in_body(1 - mri, mri, body).max() < 0


def test_black_background_buys_ssim_of_the_slice_but_not_in_the_body(mri, body):
    wrong = np.where(body, 0.2, 0).astype(np.float32)
    right = np.where(body, mri, 0)
    wide = [np.pad(stack, ((0, 0), (60, 60), (60, 60))) for stack in (wrong, right, body)]
    gained = measures.ssim_whole(wide[0], wide[1]) - measures.ssim_whole(wrong, right)
    assert gained.min() > 0.3
    np.testing.assert_allclose(
        measures.ssim_in_body(*wide), measures.ssim_in_body(wrong, right, body), atol=1e-3
    )


def test_a_slice_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match="11 pixels"):
        measures.ssim_whole(np.zeros((1, 10, 30), np.float32), np.zeros((1, 10, 30), np.float32))


# Structure blind to contrast


def test_squared_ncc_is_one_for_any_linear_map_and_blind_to_reversal(mri, body):
    for image in (mri, 1 - mri, 0.3 + 0.4 * mri):
        np.testing.assert_allclose(measures.squared_ncc(image, mri, body), 1, atol=1e-3)


def test_squared_ncc_equals_its_definition_window_by_window(mri, body):
    image = np.random.default_rng(1).random(mri.shape).astype(np.float32)
    offsets = np.arange(-4, 5)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line)
    values = []
    for row, column in zip(*np.nonzero(body[0]), strict=True):
        box = (slice(row - 4, row + 5), slice(column - 4, column + 5))
        weight = window * body[0][box]
        weight /= weight.sum()
        a, b = image[0][box].astype(float), mri[0][box].astype(float)
        a, b = a - (weight * a).sum(), b - (weight * b).sum()
        values.append(
            (weight * a * b).sum() ** 2 / ((weight * a * a).sum() * (weight * b * b).sum())
        )
    assert measures.squared_ncc(image, mri, body)[0] == pytest.approx(np.mean(values), abs=1e-3)
    assert np.mean(values) < 0.2  # noise has no structure of the MRI


def test_what_lies_outside_the_body_does_not_count(mri, body):
    other = np.where(body, 1 - mri, np.random.default_rng(2).random(mri.shape)).astype(np.float32)
    found = measures.squared_ncc(other, mri, body)
    np.testing.assert_allclose(found, measures.squared_ncc(1 - mri, mri, body), atol=1e-4)


def test_a_flat_picture_has_no_structure_and_a_flat_mri_asks_for_none(mri, body):
    flat = np.full_like(mri, 0.4)
    np.testing.assert_array_equal(measures.squared_ncc(flat, mri, body), 0)
    assert np.isnan(measures.squared_ncc(mri, flat, body)).all()


# Colour


def test_colourfulness_of_a_picture_computed_by_hand():
    # Half red, half blue: rg is 1 and 0, yb is 1/2 and -1.
    picture = np.zeros((1, 4, 4, 3), dtype=np.float32)
    picture[:, :2, :, 0] = 1
    picture[:, 2:, :, 2] = 1
    expected = np.sqrt(0.25 + 0.5625) + 0.3 * np.sqrt(0.25 + 0.0625)
    assert measures.colorfulness(picture)[0] == pytest.approx(expected, rel=1e-5)


def test_colourfulness_takes_signed_opponents():
    # Half red, half green: rg is 1 and -1 with mean 0, yb is 1/2 everywhere.
    picture = np.zeros((1, 4, 4, 3), dtype=np.float32)
    picture[:, :2, :, 0] = 1
    picture[:, 2:, :, 1] = 1
    assert measures.colorfulness(picture)[0] == pytest.approx(1 + 0.3 * 0.5, rel=1e-5)


def test_without_a_body_there_is_no_colourfulness(mri):
    nothing = np.zeros(mri.shape, dtype=bool)
    assert np.isnan(measures.colorfulness(_rgb(mri), nothing)).all()


def test_colourfulness_depends_on_the_colours_not_on_their_places():
    rng = np.random.default_rng(3)
    picture = rng.random((1, 6, 7, 3)).astype(np.float32)
    shuffled = rng.permutation(picture.reshape(-1, 3)).reshape(picture.shape)
    assert measures.colorfulness(shuffled)[0] == pytest.approx(
        measures.colorfulness(picture)[0], rel=1e-5
    )


def test_colour_distance_of_black_and_white_is_100_and_has_no_hue():
    black, white = np.zeros((1, 3, 3, 3), np.float32), np.ones((1, 3, 3, 3), np.float32)
    mask = np.ones((1, 3, 3), dtype=bool)
    distance = measures.color_distance(black, white, mask)
    assert distance[0] == pytest.approx(100, abs=0.01)
    assert measures.color_distance(white, white, mask)[0] == 0


def test_colour_distance_is_a_mean_over_the_body_of_each_slice():
    first = np.zeros((2, 2, 2, 3), np.float32)
    second = first.copy()
    second[0, 0] = 1  # half of the first slice
    mask = np.ones((2, 2, 2), dtype=bool)
    np.testing.assert_allclose(measures.color_distance(first, second, mask), [50, 0], atol=0.01)
    mask[0, 0] = False
    np.testing.assert_allclose(measures.color_distance(first, second, mask), [0, 0], atol=0.01)


def test_tissue_agreement_counted_by_hand():
    grey, white = Tissue.GREY_MATTER, Tissue.WHITE_MATTER
    first = np.array([[[grey, grey], [white, white]]], dtype=np.uint8)
    second = np.array([[[grey, white], [white, Tissue.FAT]]], dtype=np.uint8)
    agreement = measures.tissue_agreement(first, second, np.ones((1, 2, 2), dtype=bool))
    assert agreement.share[0] == 0.5
    assert agreement.by_chance == pytest.approx(0.5 * 0.25 + 0.5 * 0.5)


def test_one_tissue_everywhere_agrees_no_better_than_by_chance():
    flat = np.full((1, 3, 3), Tissue.FAT, dtype=np.uint8)
    agreement = measures.tissue_agreement(flat, flat, np.ones((1, 3, 3), dtype=bool))
    assert agreement.share[0] == agreement.by_chance == 1


def test_flicker_is_measured_in_the_mri_s_own(mri, body):
    def flicker(rgb):
        return float(np.nanmean(measures.flicker(rgb, mri, body)))

    assert flicker(_rgb(mri)) == pytest.approx(1)
    assert flicker(0.5 * _rgb(mri)) == pytest.approx(0.5)
    assert flicker(np.full((*mri.shape, 3), 0.3, np.float32)) == 0
    assert np.isnan(measures.flicker(_rgb(mri[:1]), mri[:1], body[:1])).all()


def test_flicker_compares_neighbours_only(mri, body):
    three = np.concatenate((mri, 1 - mri[:1]))
    mask = np.concatenate((body, body[:1]))
    found = measures.flicker(_rgb(three), three, mask, np.array([4, 5, 9]))
    np.testing.assert_allclose(found, [1, np.nan, np.nan], rtol=1e-5)
