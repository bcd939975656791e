"""Banding: how much more a coloured volume changes across its slices than along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.color import rgb2lab


@dataclass(frozen=True)
class Banding:
    """Changes of the colours over those of the MRI, along each axis.

    along: of the array axes K, J, I, the mean CIELAB distance of neighbouring voxels over the mean
    difference of the MRI there in percent; NaN along an axis without neighbours.
    """

    along: tuple[float, float, float]

    @property
    def ratio(self) -> float:
        """The largest over the smallest: 1 where the axes are alike; NaN if one is unknown."""
        return float(np.max(self.along) / np.min(self.along))


def banding(rgb: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> Banding:
    """The banding of a coloured volume.

    rgb: uint8 (K, J, I, 3); mri: float (K, J, I) in [0, 1], as the network sees it; mask: bool
    (K, J, I), the body, in which both neighbours lie.
    """
    return Banding(
        (
            _change(rgb, mri, mask, 0),
            _change(rgb, mri, mask, 1),
            _change(rgb, mri, mask, 2),
        )
    )


def _change(rgb: np.ndarray, mri: np.ndarray, mask: np.ndarray, axis: int) -> float:
    """Mean distance of neighbours' colours over that of their MRI; one slice at a time."""
    rgb, mri, mask = (np.moveaxis(each, axis, 0) for each in (rgb, mri, mask))
    colors = greys = 0.0
    before = None
    for index in range(len(mask)):
        lab = rgb2lab(rgb[index])
        if before is not None:
            both = mask[index] & mask[index - 1]
            colors += float(np.linalg.norm(lab - before, axis=-1)[both].sum())
            greys += 100 * float(np.abs(mri[index] - mri[index - 1])[both].sum())
        before = lab
    return colors / greys if greys else float("nan")
