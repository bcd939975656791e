"""Volumes that are probably no MRI: they are coloured all the same, and it is said."""

from __future__ import annotations

import warnings

import numpy as np

MOST_SLICES, MOST_ROWS = 16, 256  # looked at of a volume, and of a slice
FEWEST_PAIRS = 200  # of neighbours; fewer say nothing
# Noise and partial volume make neighbours of an MRI differ; those of a label map are mostly one. Of
# 40 volumes looked at, whole-number MRI had at most 0.22 (cut down to four bits 0.51), label maps
# of 1 mm 0.81 to 0.92 and coarse ones 0.67 or more.
SAME_NEIGHBOURS = 0.6
# Air in Hounsfield units, and how much of a CT it is at least.
AIR = (-1100.0, -900.0)
SHARE_OF_AIR = 0.05


def warn_of_no_mri(array: np.ndarray) -> None:
    """Warn when a volume (K, J, I) looks like a label map or like a CT."""
    slices, rows = (
        -(-n // most) for n, most in zip(array.shape[:2], (MOST_SLICES, MOST_ROWS), strict=True)
    )
    seen = array[::slices, ::rows]
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
    """Whether whole numbers beside the background mostly have neighbours of the same value.

    The background is the most frequent value: filtered images have some below it.
    """
    if not np.array_equal(array, np.rint(array)):
        return False
    values, counts = np.unique(array, return_counts=True)
    background = values[counts.argmax()]
    first, second = array[..., :-1], array[..., 1:]
    inside = (first != background) & (second != background)
    first, second = first[inside], second[inside]
    return first.size >= FEWEST_PAIRS and float(np.mean(first == second)) > SAME_NEIGHBOURS
