"""Opacity for volume rendering: how much of each voxel shows in 3D."""

from __future__ import annotations

import numpy as np

from ..volume import Volume


def alpha(volume: Volume, mask: np.ndarray, floor: float = 0.25) -> np.ndarray:
    """Alpha from MRI intensity inside the body, uint8 (K, J, I).

    Luminance as opacity would make dark tissue (muscle) vanish, so every body voxel gets at least
    `floor`; the MRI's intensity, scaled by the body's 1st and 99th percentiles, adds the rest.
    Voxels outside `mask` (bool (K, J, I)) are transparent.
    """
    body = volume.array[mask]
    result = np.zeros(volume.array.shape, dtype=np.uint8)
    if body.size:
        low, high = np.percentile(body, (1, 99))
        scaled = np.clip((body - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
        result[mask] = np.rint(255 * (floor + (1 - floor) * scaled)).astype(np.uint8)
    return result
