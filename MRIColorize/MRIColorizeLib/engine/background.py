"""What lies around a body: the darkest, or a constant that a program put there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Of the twelve edges of the volume, how much holds one value exactly when it is a background; and
# how much where it is the brightest value, to which saturated tissue is cut off as well.
SHARE_OF_EDGES = 0.33
SHARE_OF_BRIGHTEST = 0.9
# Constants nearer to the darkest than this share of the range are dark air as any other.
DARK = 0.05
# The gap below the rest, as a share of the rest's range, that makes a lowest constant a padding.
# Dark tissue ends nearer to an air of zero, whatever was subtracted from both.
GAP_OF_PADDING = 0.5
PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Background:
    """The levels of a volume, and the constant around its body if air isn't the darkest.

    low, high: the 0.5th and the 99.5th percentile, without what is no image. constant: the value
    that stands for no image, or None.
    """

    low: float
    high: float
    constant: float | None = None


def find_background(array: np.ndarray) -> Background:
    """The background of a volume: array (K, J, I), finite.

    A constant amid the intensities (0 in a z-scored image), above them (an inverted one), or far
    below (a padding of -1024) is background when it holds the volume's edges. An image of
    magnitudes, whose air is darkest, has none.
    """
    low, high = (float(level) for level in np.percentile(array, PERCENTILES))
    constant, share = _most_frequent(_edges(array))
    plain = Background(low, high)
    if share < SHARE_OF_EDGES:
        return plain
    lowest, highest = float(array.min()), float(array.max())
    if constant <= lowest:
        return _padded(array, constant, high) or plain
    if constant - low <= DARK * (high - low):
        return plain
    if constant == highest and share < SHARE_OF_BRIGHTEST:
        return plain
    rest = array[array != np.float32(constant)]
    low, dark, high = (
        float(level) for level in np.percentile(rest, (PERCENTILES[0], 2, PERCENTILES[1]))
    )
    if constant - dark <= DARK * (high - low):  # filters undershoot
        return plain
    return Background(low, high, constant)


def _padded(array: np.ndarray, padding: float, high: float) -> Background | None:
    """The background of a volume whose lowest value may be a padding; None where it isn't one."""
    if padding >= 0:  # magnitudes: their air is 0
        return None
    # Resampling mixes the padding with what lies beside it.
    rest = array[array > padding + DARK * (high - padding)]
    if not rest.size:
        return None
    low, middle, high = (float(level) for level in np.percentile(rest, (2, 50, PERCENTILES[1])))
    if low >= -DARK * high and middle >= 0:
        return Background(0.0, high, padding)
    if low - padding > GAP_OF_PADDING * (high - low):
        return Background(low, high, padding)
    return None


def _edges(array: np.ndarray) -> np.ndarray:
    """The voxels on the twelve edges of the volume."""
    ends = [np.unique((0, count - 1)) for count in array.shape]
    whole = [np.arange(count) for count in array.shape]
    return np.concatenate(
        [
            array[np.ix_(*(whole[n] if n == axis else ends[n] for n in range(3)))].ravel()
            for axis in range(3)
        ]
    )


def faces(array: np.ndarray) -> np.ndarray:
    """The voxels on the six faces of the volume."""
    return np.concatenate([array.take(end, axis).ravel() for axis in range(3) for end in (0, -1)])


def _most_frequent(values: np.ndarray) -> tuple[float, float]:
    """The value that occurs most often, and its share."""
    levels, counts = np.unique(values, return_counts=True)
    return float(levels[counts.argmax()]), float(counts.max() / values.size)
