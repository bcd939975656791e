"""Worse MRI: each does what it says, on the same grid or field of view, and the same each time."""

from dataclasses import replace

import numpy as np
import pytest

from MRIColorizeLib.volume import Volume
from training.measure.cases.cases import MRI, Case
from training.measure.cases.learned import Region
from training.measure.colorings import degradations
from training.measure.metrics.measures import eroded


@pytest.fixture(scope="module")
def case():
    """Three axial slices of 80 x 60 pixels of 2 mm by 1 mm: a bright disc with a dark core.

    The disc does not lie in the middle.
    """
    y, x = np.mgrid[-0.8:1.2:80j, -1.15:0.85:60j]
    radius = np.hypot(y, x)
    picture = np.where(radius < 0.3, 0.3, np.where(radius < 0.7, 0.9, 0.0)).astype(np.float32)
    array = np.stack([picture] * 3)
    labels = (array > 0).astype(np.uint8) + (array > 0.5)
    affine = np.diag([-1.0, -2.0, 5.0, 1.0])
    return Case(
        name="disc",
        unit="disc",
        kind=MRI,
        contrast="T1",
        subject="disc",
        region=Region.BRAIN,
        volume=Volume(array, affine),
        plane="axial",
        mask=array > 0,
        labels=labels.astype(np.uint8),
        truth=np.repeat((array * 255).astype(np.uint8)[..., None], 3, axis=-1),
    )


@pytest.mark.parametrize("percent", [3, 9])
def test_rician_noise_has_the_power_that_it_says(case, percent):
    noisy = degradations.rician_noise(percent)(case, 1.0).volume.array
    sigma = percent / 100 * 0.9
    # Where there is no signal, the magnitude is Rayleigh's; where there is, nearly normal.
    assert noisy[~case.mask].mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.03)
    bright = case.volume.array > 0.8
    assert noisy[bright].std() == pytest.approx(sigma, rel=0.05)
    again = degradations.rician_noise(percent)(case, 1.0).volume.array
    np.testing.assert_array_equal(noisy, again)


@pytest.mark.parametrize("percent", [20, 40])
def test_a_bias_field_is_smooth_and_reaches_its_percentage_at_the_corners(case, percent):
    ones = np.ones(case.volume.array.shape, np.float32)
    everywhere = replace(case, volume=Volume(ones, case.volume.ijk_to_ras))
    field = degradations.bias_field(percent)(everywhere, 1.0).volume.array
    share = percent / 100
    corners = field[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, [[1 - share, 1, 1, 1 + share]] * 3, rtol=1e-6)
    for axis in (1, 2):  # a ramp: every step is as large as the next
        np.testing.assert_allclose(np.diff(field, 2, axis=axis), 0, atol=1e-6)
    biased = degradations.bias_field(percent)(case, 1.0).volume.array
    np.testing.assert_allclose(biased, case.volume.array * field, rtol=1e-6)


def test_coarser_pixels_keep_means_and_lose_edges(case):
    coarse = degradations.coarser(4)(case, 1.0).volume.array
    assert coarse.shape == case.volume.array.shape
    assert coarse.mean() == pytest.approx(case.volume.array.mean(), rel=0.02)
    steps = [np.abs(np.diff(array[0], axis=1)).max() for array in (case.volume.array, coarse)]
    assert steps[1] < 0.5 * steps[0]


@pytest.mark.parametrize("side", [256, 128, 64])
@pytest.mark.parametrize("raw", [True, False])
def test_a_field_of_view_shows_the_whole_body_in_the_middle(case, side, raw):
    seen = degradations.field_of_view(side, raw)(case, 1.0)
    assert seen.volume.array.shape == seen.labels.shape == seen.mask.shape == (3, side, side)
    assert seen.truth.shape == (3, side, side, 3)
    rows, columns = (np.flatnonzero(seen.mask[0].any(axis=axis)) for axis in (1, 0))
    assert len(rows) == pytest.approx(side / 1.06, abs=2)  # the longer side
    for places in (rows, columns):
        assert places[0] + places[-1] == pytest.approx(side - 1, abs=2)


@pytest.mark.parametrize("side", [256, 128, 64])
def test_a_field_of_view_is_one_square_of_millimetres_whatever_its_pixels(case, side):
    engine, raw = (degradations.field_of_view(side, way)(case, 1.0) for way in (False, True))
    # The disc is 112 mm high and 42 mm wide (0.7 of 160 and of 60 mm); the square a little more.
    step = engine.volume.spacing[1]
    body = engine.mask[0]
    assert body.any(axis=1).sum() * step == pytest.approx(112, abs=3 * step + 2)
    assert body.any(axis=0).sum() * step == pytest.approx(42, abs=3 * step + 2)
    assert body.sum() * step**2 == pytest.approx(case.mask[0].sum() * 2.0, rel=0.03)
    # The network sees these very pixels, as if each were of the card's size.
    assert raw.volume.spacing[:2] == (1.0, 1.0)
    np.testing.assert_array_equal(raw.volume.array, engine.volume.array)


@pytest.mark.parametrize("side", [256, 128, 64])
def test_truth_and_labels_stay_registered_in_a_field_of_view(case, side):
    seen = degradations.field_of_view(side, True)(case, 1.0)
    assert set(np.unique(seen.labels[seen.mask])) == {1, 2}
    assert not seen.labels[~seen.mask].any()
    assert not seen.truth[~seen.mask].any()
    for code in (1, 2):
        own, true = (np.median(c.truth[c.labels == code], axis=0) for c in (seen, case))
        assert own == pytest.approx(true, abs=4)
    inner = eroded(seen.mask, 3)  # the outline is blended with black
    bright = seen.truth[..., 0] > (0.3 + 0.9) / 2 * 255
    assert (bright == (seen.labels == 2))[inner].mean() > 0.98


def test_a_case_without_a_body_is_refused(case):
    with pytest.raises(ValueError, match="no mask"):
        degradations.field_of_view(64, raw=True)(replace(case, mask=None), 1.0)
