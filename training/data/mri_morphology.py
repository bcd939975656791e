"""Morphology in millimetres: growing, shrinking, opening and closing masks by distance."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from training.data.mri_read import box_around


def distance_outside(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """mm from every voxel to the nearest True voxel, 0 inside: float32."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([float(s) for s in spacing[::-1]])
    field = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayViewFromImage(field), 0)


def distance_inside(mask: np.ndarray, spacing: np.ndarray, edge: str = "edge") -> np.ndarray:
    """mm from every voxel to the nearest False voxel: float32.

    edge: how numpy.pad continues the mask beyond the array ("edge": a mask that is cut off goes
    on; "constant": it ends there).
    """
    outside = (
        np.pad(~mask, 1, mode="edge") if edge == "edge" else np.pad(~mask, 1, constant_values=True)
    )
    return distance_outside(outside, spacing)[1:-1, 1:-1, 1:-1]


def dilate(mask: np.ndarray, spacing: np.ndarray, radius_mm: float) -> np.ndarray:
    """The mask grown by a ball of `radius_mm`."""
    grown = np.zeros_like(mask)
    if mask.any():
        box = _box(mask, spacing, radius_mm)
        grown[box] = distance_outside(mask[box], spacing) <= radius_mm
    return grown


def erode(mask: np.ndarray, spacing: np.ndarray, radius_mm: float) -> np.ndarray:
    """The mask shrunk by a ball of `radius_mm`; the edge of the array does not shrink it."""
    shrunk = mask.copy()
    if mask.any() and not mask.all():
        box = _box(mask, spacing, 0.0)
        shrunk[box] = distance_outside(~mask[box], spacing) > radius_mm
    return shrunk


def close(mask: np.ndarray, spacing: np.ndarray, radius_mm: float) -> np.ndarray:
    """Morphological closing: gaps narrower than twice `radius_mm` are filled."""
    margin = [int(np.ceil(radius_mm / float(s))) + 1 for s in spacing]
    padded = np.pad(mask, [(n, n) for n in margin])
    closed = erode(dilate(padded, spacing, radius_mm), spacing, radius_mm)
    inner = tuple(slice(n, size - n) for n, size in zip(margin, padded.shape, strict=True))
    return closed[inner] | mask


def opened(mask: np.ndarray, spacing: np.ndarray, radius_mm: float) -> np.ndarray:
    """Morphological opening: parts narrower than twice `radius_mm` vanish."""
    return dilate(erode(mask, spacing, radius_mm), spacing, radius_mm) & mask


def largest(mask: np.ndarray) -> np.ndarray:
    """The largest part connected through faces; the mask itself when it is empty."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    return parts == 1 + np.bincount(parts.ravel())[1:].argmax()


def fill_slices(mask: np.ndarray) -> np.ndarray:
    """Holes filled in every slice of each of the three directions in turn."""
    filled = mask
    for axis in range(3):
        turned = np.moveaxis(filled, axis, 0)
        done = np.stack([ndimage.binary_fill_holes(plane) for plane in turned])
        filled = np.moveaxis(done, 0, axis)
    return filled


def _box(mask: np.ndarray, spacing: np.ndarray, reach_mm: float) -> tuple[slice, ...]:
    """The box of a mask and what `reach_mm` around it needs: distance maps are slow."""
    return box_around(mask, int(np.ceil(reach_mm / float(spacing.min()))) + 1)
