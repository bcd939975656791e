"""Volumes that are probably no MRI: they are coloured all the same, and it is said."""

from __future__ import annotations

import warnings

import numpy as np

MOST_SLICES = 16  # looked at of a volume
FEWEST_PAIRS = 200  # of neighbours; fewer say nothing
# Noise and partial volume make neighbours of an MRI differ; those of a label map are mostly one.
SAME_NEIGHBOURS = 0.8
# Air in Hounsfield units, and how much of a CT it is at least.
AIR = (-1100.0, -900.0)
SHARE_OF_AIR = 0.05


def warn_of_no_mri(array: np.ndarray) -> None:
    """Warn when a volume (K, J, I) looks like a label map or like a CT."""
    step = -(-array.shape[0] // MOST_SLICES)
    seen = array[::step]
    if _is_label_map(seen):
        warnings.warn(
            "Most neighbouring voxels hold the same whole number: this looks like a label map; "
            "colours are made for MRI.",
            stacklevel=3,
        )
    elif np.mean((seen > AIR[0]) & (seen < AIR[1])) > SHARE_OF_AIR:
        warnings.warn(
            "Many voxels lie near -1000, as air in a CT; colours are made for MRI.", stacklevel=3
        )


def _is_label_map(array: np.ndarray) -> bool:
    """Whether whole numbers above the background mostly have neighbours of the same value."""
    first, second = array[..., :-1], array[..., 1:]
    inside = np.minimum(first, second) > array.min()
    first, second = first[inside], second[inside]
    if first.size < FEWEST_PAIRS or not np.array_equal(first, np.rint(first)):
        return False
    return float(np.mean(first == second)) > SAME_NEIGHBOURS
