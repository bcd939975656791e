"""MRI intensities to [0, 1], and the body found in them; once per volume."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

# Body voxels brighter than this percentile are clipped to 1; training uses the same.
UPPER_PERCENTILE = 99.5
# Otsu's threshold parts bright tissue from the rest; air noise lies far below it.
BODY_FRACTION_OF_OTSU = 0.35


def normalize(array: np.ndarray, mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scale a volume to [0, 1] and find the body.

    array: (K, J, I) float32, finite, not constant. mask: bool (K, J, I), the body if known.
    Returns float32 (K, J, I) in [0, 1], 0 outside the body, and the body's mask (bool). 0 is the
    background's level (0.5th percentile of the volume), 1 the body's 99.5th percentile.
    """
    low = float(np.percentile(array, 0.5))
    body = find_body(array) if mask is None else mask
    inside = array[body] if body.any() else array
    high = float(np.percentile(inside, UPPER_PERCENTILE))
    if high <= low:
        low, high = float(array.min()), float(array.max())
    scaled = np.clip((array - low) / (high - low), 0, 1).astype(np.float32)
    return np.where(body, scaled, np.float32(0)), body


def find_body(array: np.ndarray) -> np.ndarray:
    """Mask of the body, inner cavities included: bool (K, J, I).

    A fraction of Otsu's threshold on the smoothed volume, its large parts, holes filled slice by
    slice in all three directions (sinuses and lungs open to the outside in single slices only).
    A volume with no background at all comes back as all true.
    """
    low, high = np.percentile(array, (0.5, 99.5))
    if high <= low:
        low, high = float(array.min()), float(array.max())
    clipped = np.clip((array - low) / (high - low), 0, 1).astype(np.float32)
    image = sitk.DiscreteGaussian(sitk.GetImageFromArray(clipped), 0.7, 5, 0.01, False)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(image)
    threshold = max(otsu.GetThreshold() * BODY_FRACTION_OF_OTSU, 0.01)
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(image > threshold), True)
    sizes = np.bincount(sitk.GetArrayViewFromImage(parts).ravel())[1:]
    if sizes.size == 0:
        return np.ones(array.shape, dtype=bool)
    kept = int((sizes >= 0.02 * sizes[0]).sum())
    # The smoothed body is a voxel too wide: what is dark in the volume itself goes again.
    body = (parts <= kept) & (parts > 0) & (sitk.GetImageFromArray(clipped) > threshold)
    closed = sitk.BinaryMorphologicalClosing(body)
    return _fill_slices(sitk.GetArrayFromImage(closed).astype(bool))


def _fill_slices(mask: np.ndarray) -> np.ndarray:
    """Fill holes of every slice along each of the three array axes, one after the other."""
    filled = mask.astype(np.uint8)
    for axis in range(3):
        slices = np.moveaxis(filled, axis, 0)
        for index in range(slices.shape[0]):
            if slices[index].any():
                image = sitk.GetImageFromArray(np.ascontiguousarray(slices[index]))
                slices[index] = sitk.GetArrayFromImage(sitk.BinaryFillhole(image))
    return filled.astype(bool)
