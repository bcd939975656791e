"""Which slices of a volume are measured."""

from __future__ import annotations

import numpy as np

# Slices with less body than this share of the fullest slice's are left out of the measures.
SMALLEST_BODY = 0.05


def slices_with_body(mask: np.ndarray) -> np.ndarray:
    """Indices of slices whose body is at least SMALLEST_BODY of the fullest slice's."""
    area = mask.sum(axis=(1, 2))
    return np.flatnonzero((area > 0) & (area >= SMALLEST_BODY * area.max()))


def choose_slices(mask: np.ndarray, count: int) -> np.ndarray:
    """At most `count` slices in evenly spaced pairs of neighbours; 0 takes every slice with body.

    Neighbours, because flicker needs them; spread, because near slices tell the same.
    """
    used = slices_with_body(mask)
    if count <= 0 or count >= len(used):
        return used
    if count == 1:
        return used[len(used) // 2 : len(used) // 2 + 1]
    places = np.linspace(0, len(used) - 2, count // 2 + 2)[1:-1].round().astype(int)
    return used[np.unique(np.concatenate((places, places + 1)))]
