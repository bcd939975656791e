"""Finding the eyeballs of a head: dark balls in brighter orbits, one on each side."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.signal import fftconvolve

from training.data import mri_morphology as morph

_RADIUS_MM = 12.0
_LEAST_SCORE = 0.4
_ASIDE_MM = 18.0


def find_eyes(
    bright: np.ndarray,
    spacing: np.ndarray,
    where: np.ndarray,
    warped: np.ndarray,
    ceiling: float,
) -> list[np.ndarray]:
    """Masks (K, J, I) of the vitreous bodies found, at most one on each side.

    bright: white matter at 1; where: bool, the places allowed; warped: codes of the brain, that
    tell where forehead, midline and the level of the orbits are; ceiling: what the vitreous is
    darker than. It lies in brighter fat; the sinuses are as dark, but further in or lower down.
    """
    fluid = (ndimage.gaussian_filter(bright, 1.0 / spacing) < ceiling) & where
    score = _ball_score(fluid, spacing)
    allowed = _orbits(warped > 0, spacing)
    found = []
    for side in allowed:
        centre = np.unravel_index(np.argmax(np.where(side, score, -np.inf)), score.shape)
        if score[centre] > _LEAST_SCORE:
            found.append(_eyeball(fluid, where, spacing, np.array(centre)))
    return found


def _orbits(brain: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the centre of the right and of the left eye may be: two bool (K, J, I)."""
    low, high = (np.array([f(axis) for axis in np.nonzero(brain)]) for f in (np.min, np.max))
    height = high[0] - low[0]
    middle = round(float(np.nonzero(brain)[2].mean()))
    aside = round(_ASIDE_MM / float(spacing[2]))
    levels = slice(int(low[0] + 0.12 * height), int(low[0] + 0.45 * height))
    front = slice(0, int(low[1] + 25.0 / float(spacing[1])))
    right, left = np.zeros_like(brain), np.zeros_like(brain)
    right[levels, front, : middle - aside] = True
    left[levels, front, middle + aside :] = True
    return right, left


def _ball_score(fluid: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Share of fluid in a ball less that in the shell around it, for every centre."""
    reach = [int(np.ceil(1.5 * _RADIUS_MM / float(s))) for s in spacing]
    grid = np.meshgrid(
        *[np.arange(-n, n + 1) * float(s) for n, s in zip(reach, spacing, strict=True)],
        indexing="ij",
    )
    radius = np.sqrt(sum(axis**2 for axis in grid))
    ball = (radius < 0.85 * _RADIUS_MM).astype(np.float32)
    shell = ((radius > 1.15 * _RADIUS_MM) & (radius < 1.4 * _RADIUS_MM)).astype(np.float32)
    kernel = ball / ball.sum() - shell / shell.sum()
    return fftconvolve(fluid.astype(np.float32), kernel, mode="same")


def _eyeball(
    fluid: np.ndarray, where: np.ndarray, spacing: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """The fluid within reach of a centre, its holes and ragged edge closed."""
    seed = np.ones(fluid.shape, bool)
    seed[tuple(centre)] = False
    near = ndimage.distance_transform_edt(seed, sampling=spacing) <= 1.1 * _RADIUS_MM
    core = morph.largest(morph.opened(fluid & near, spacing, 2.0))
    return ndimage.binary_fill_holes(morph.close(core, spacing, 3.0)) & where & near
