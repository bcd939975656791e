"""How sure the network was of the tissues in one run, summed up while it paints."""

from __future__ import annotations

import threading

import numpy as np

from ..tissue import CLASSES

LEVELS = 256


class Certainty:
    """Counts of the body's voxels by their tissue, and by its probability in 256 levels.

    Safe to use in several threads at once.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(LEVELS, dtype=np.int64)
        self._tissues = np.zeros(CLASSES, dtype=np.int64)
        self._lock = threading.Lock()

    def add(self, levels: np.ndarray, tissues: np.ndarray) -> None:
        """Count some voxels: uint8 (n,), 0 to 255 for probabilities of 0 to 1, and codes (n,)."""
        counts = np.bincount(levels, minlength=LEVELS)
        codes = np.bincount(tissues, minlength=CLASSES)
        with self._lock:
            self._counts += counts
            self._tissues += codes

    @property
    def mean(self) -> float | None:
        """The mean probability, 0 to 1; None where nothing was counted."""
        total = int(self._counts.sum())
        if not total:
            return None
        return float(self._counts @ np.arange(LEVELS)) / total / (LEVELS - 1)

    @property
    def largest(self) -> float | None:
        """The share of the most frequent tissue, 0 to 1; None where nothing was counted."""
        total = int(self._tissues.sum())
        return float(self._tissues.max()) / total if total else None

    @property
    def unsure(self) -> float | None:
        """The share of voxels below one half, 0 to 1; None where nothing was counted."""
        total = int(self._counts.sum())
        return float(self._counts[: LEVELS // 2].sum()) / total if total else None
