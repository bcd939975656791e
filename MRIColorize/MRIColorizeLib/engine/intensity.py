"""MRI intensities to [0, 1], and the body found in them; once per volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .background import find_background
from .body import find_body

# Body voxels brighter than this percentile are clipped to 1; training uses the same.
UPPER_PERCENTILE = 99.5


@dataclass(frozen=True)
class Window:
    """The intensities that become 0 and 1."""

    low: float
    high: float

    def scale(self, array: np.ndarray) -> np.ndarray:
        """float32 of any shape, from `low` to `high` onto 0 to 1, clipped."""
        return np.clip((array - self.low) / (self.high - self.low), 0, 1).astype(np.float32)


def normalize(array: np.ndarray, mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scale a volume to [0, 1] and find the body.

    array: (K, J, I) float32, finite, not constant. mask: bool (K, J, I), the body if known.
    Returns float32 (K, J, I) in [0, 1], 0 outside the body, and the body's mask (bool).
    """
    window, body = find_window(array, mask)
    return np.where(body, window.scale(array), np.float32(0)), body


def find_window(array: np.ndarray, mask: np.ndarray | None = None) -> tuple[Window, np.ndarray]:
    """The window that `normalize` scales with, and the body's mask, bool (K, J, I).

    It goes from the background's level (the volume's 0.5th percentile, a padding left out) to the
    body's 99.5th percentile.
    """
    background = find_background(array)
    low = background.low
    body = find_body(array, background) if mask is None else mask
    # A copy either way, which the percentile may then sort in place.
    inside = array[body] if body.any() else array.ravel().copy()
    high = float(np.percentile(inside, UPPER_PERCENTILE, overwrite_input=True))
    if high <= low:
        low, high = float(array.min()), float(array.max())
    return Window(low, high), body
