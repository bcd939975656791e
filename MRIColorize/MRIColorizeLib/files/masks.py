"""A mask from a file, brought to the grid of the volume that it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .reading import read_volume


def read_mask(path: str | Path, volume: Volume) -> np.ndarray:
    """Where a label map or segmentation is above 0: bool on the volume's grid (K, J, I).

    Any grid will do; each voxel of the volume takes the nearest one of the mask, and what lies
    outside of it is not masked. Raises InputError when the file is no mask or covers no voxel.
    """
    given = read_volume(path, layers=True)
    shape = volume.array.shape
    if given.array.shape == shape and np.allclose(given.ijk_to_ras, volume.ijk_to_ras, atol=1e-3):
        mask = given.array > 0
    else:
        mask = _resampled(given, volume)
    if not mask.any():
        raise InputError(f"{path} marks no voxel of the volume; give a mask that covers tissue.")
    return mask


def _resampled(given: Volume, volume: Volume) -> np.ndarray:
    """Nearest neighbours, a slice at a time."""
    to_mask = np.linalg.inv(given.ijk_to_ras) @ volume.ijk_to_ras
    mask = np.zeros(volume.array.shape, dtype=bool)
    j, i = np.indices(volume.array.shape[1:], dtype=np.float64)
    for k in range(len(mask)):
        there = np.tensordot(to_mask[:3, :3], np.stack((i, j, np.full_like(i, k))), 1)
        place = np.rint(there + to_mask[:3, 3, None, None]).astype(int)[::-1]  # K, J, I
        inside = np.all(
            [(n >= 0) & (n < size) for n, size in zip(place, given.array.shape, strict=True)],
            axis=0,
        )
        mask[k][inside] = given.array[tuple(n[inside] for n in place)] > 0
    return mask
