"""Worse MRI: each does what it says, on the same grid or field of view, and the same each time."""

import numpy as np
import pytest

from MRIColorizeLib.volume import Volume
from training.evaluate import conditions
from training.evaluate.cases import MRI, Case
from training.evaluate.learned import Region


@pytest.fixture(scope="module")
def case():
    """Three axial slices of 80 x 60 pixels of 2 mm by 1 mm: a bright disc with a dark core."""
    y, x = np.mgrid[-1:1:80j, -1:1:60j]
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
    noisy = conditions.rician_noise(percent)(case, 1.0).volume.array
    sigma = percent / 100 * 0.9
    # Where there is no signal, the magnitude is Rayleigh's; where there is, nearly normal.
    assert noisy[~case.mask].mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.03)
    bright = case.volume.array > 0.8
    assert noisy[bright].std() == pytest.approx(sigma, rel=0.05)
    again = conditions.rician_noise(percent)(case, 1.0).volume.array
    np.testing.assert_array_equal(noisy, again)


def test_a_bias_field_is_smooth_and_reaches_its_percentage_at_the_corners(case):
    biased = conditions.bias_field(40)(case, 1.0).volume.array
    with np.errstate(invalid="ignore"):
        factor = np.where(case.mask, biased / case.volume.array, np.nan)[0]
    assert np.nanmin(factor) >= 0.6
    assert np.nanmax(factor) <= 1.4
    assert factor[40, 30] == pytest.approx(1, abs=0.02)
    assert factor[55, 40] > factor[25, 20]


def test_coarser_pixels_keep_means_and_lose_edges(case):
    coarse = conditions.coarser(4)(case, 1.0).volume.array
    assert coarse.shape == case.volume.array.shape
    assert coarse.mean() == pytest.approx(case.volume.array.mean(), rel=0.02)
    steps = [np.abs(np.diff(array[0], axis=1)).max() for array in (case.volume.array, coarse)]
    assert steps[1] < 0.5 * steps[0]


@pytest.mark.parametrize("side", [128, 64])
def test_a_field_of_view_is_one_square_of_millimetres_whatever_its_pixels(case, side):
    engine, raw = (conditions.field_of_view(side, way)(case, 1.0) for way in (False, True))
    assert engine.volume.array.shape == (3, side, side)
    # The disc is 112 mm high and 42 mm wide (0.7 of 160 and of 60 mm); the square a little more.
    step = engine.volume.spacing[1]
    body = engine.mask[0]
    assert body.any(axis=1).sum() * step == pytest.approx(112, abs=3 * step + 2)
    assert body.any(axis=0).sum() * step == pytest.approx(42, abs=3 * step + 2)
    assert raw.volume.spacing[:2] == (1.0, 1.0)
    np.testing.assert_array_equal(raw.volume.array, engine.volume.array)
    assert set(np.unique(engine.labels)) == {0, 1, 2}
    assert engine.truth[~engine.mask].max() == 0


def test_a_case_without_a_body_is_refused(case):
    from dataclasses import replace

    with pytest.raises(ValueError, match="no mask"):
        conditions.field_of_view(64, raw=True)(replace(case, mask=None), 1.0)
