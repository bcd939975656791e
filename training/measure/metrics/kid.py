"""Kernel distance (KID) of two sets of pictures in a network's features.

Binkowski et al. (ICLR 2018): the unbiased squared maximum mean discrepancy under the polynomial
kernel (x y / d + 1)^3, as mean and deviation over random subsets. Features are whatever function is
given: with those of the project's frozen segmentation network the numbers are comparable among the
rows of one table, and not with the literature's, whose features are Inception's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Pictures (N, H, W, 3) float32 RGB in [0, 1] to features (N, D).
Features = Callable[[np.ndarray], np.ndarray]
SUBSET, SUBSETS = 50, 50


@dataclass(frozen=True)
class KernelDistance:
    """Mean over subsets and standard deviation; near 0, of either sign, for equal sets.

    deviation: NaN when every subset holds every picture.
    """

    mean: float
    deviation: float
    pictures: int


def kernel_distance(first: np.ndarray, second: np.ndarray, seed: int = 0) -> KernelDistance:
    """KID of two sets of features (N, D) and (M, D), in subsets of at most 50.

    Raises ValueError when a set has fewer than two rows or their widths differ.
    """
    if min(len(first), len(second)) < 2 or first.shape[1] != second.shape[1]:
        raise ValueError("KID compares two sets of two or more features of the same width.")
    size = min(SUBSET, len(first), len(second))
    rng = np.random.default_rng(seed)
    values = [
        _discrepancy(
            first[rng.choice(len(first), size, replace=False)].astype(np.float64),
            second[rng.choice(len(second), size, replace=False)].astype(np.float64),
        )
        for _ in range(SUBSETS)
    ]
    whole = size == max(len(first), len(second))
    deviation = math.nan if whole else float(np.std(values))
    return KernelDistance(float(np.mean(values)), deviation, len(first))


def _discrepancy(first: np.ndarray, second: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    size = len(first)
    pairs = size * (size - 1)
    within = sum((kernel(x, x).sum() - np.trace(kernel(x, x))) / pairs for x in (first, second))
    return float(within - 2 * kernel(first, second).mean())
