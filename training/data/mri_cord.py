"""Following the spinal cord from the brain stem downwards, slice by slice."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_CORD_BRIGHTNESS = 0.8
_FLUID_BRIGHTNESS = 0.6
_CANAL_MM = 5.0
_AREA_MM2 = (25.0, 400.0)


def spinal_cord(
    bright: np.ndarray, spacing: np.ndarray, cranial: np.ndarray, body: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cord and the fluid around it below the cranial cavity: two bool (K, J, I), maybe empty.

    bright: T1, white matter at 1. The cord is the bright island, a dark ring around it, that
    overlaps the one of the slice above; following stops when it vanishes or merges.
    """
    cord = np.zeros(cranial.shape, bool)
    canal = np.zeros(cranial.shape, bool)
    in_plane = spacing[1:]
    last = _brain_stem(bright, cranial, in_plane)
    if last is None:
        return cord, canal
    level, above = last
    for k in range(level - 1, -1, -1):
        island = _next_island(bright[k], above, in_plane)
        if island is None:
            break
        above = island
        around = ndimage.distance_transform_edt(~island, sampling=in_plane) <= _CANAL_MM
        cord[k] = island & ~cranial[k] & body[k]
        canal[k] = around & ~island & (bright[k] < _FLUID_BRIGHTNESS) & ~cranial[k] & body[k]
    return cord, canal


def _brain_stem(
    bright: np.ndarray, cranial: np.ndarray, in_plane: np.ndarray
) -> tuple[int, np.ndarray] | None:
    """The lowest level at which a compact bright island lies within the cranial cavity."""
    for k in np.flatnonzero(cranial.any(axis=(1, 2))):
        inside = ndimage.binary_erosion(cranial[k])
        parts, count = ndimage.label((bright[k] > _CORD_BRIGHTNESS) & inside)
        areas = np.bincount(parts.ravel())[1:] * float(np.prod(in_plane))
        if count and _AREA_MM2[0] < areas.max() < _AREA_MM2[1]:
            return int(k), parts == 1 + areas.argmax()
    return None


def _next_island(plane: np.ndarray, above: np.ndarray, in_plane: np.ndarray) -> np.ndarray | None:
    reach = ndimage.distance_transform_edt(~above, sampling=in_plane) <= 3.0
    parts, count = ndimage.label((plane > _CORD_BRIGHTNESS) & reach)
    if count == 0:
        return None
    overlap = np.bincount(parts[above], minlength=count + 1)[1:]
    island = parts == 1 + overlap.argmax()
    area = float(np.count_nonzero(island)) * float(np.prod(in_plane))
    return island if overlap.max() and _AREA_MM2[0] < area < _AREA_MM2[1] else None
