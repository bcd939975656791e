"""Trivial colourings that a model has to beat; what they know comes from `learned`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from training.measure.cases.learned import BINS, ColorStatistics, Region, RegionColors

GREY = "grey copy"  # its name in every table
SAMPLE = 100_000  # body intensities kept of a volume; more would change no baseline


@dataclass(frozen=True)
class Subject:
    """What a baseline may know of a volume besides its slices.

    intensities: (N,) a sorted sample over the whole volume's body, in [0, 1]. contrast: "T1", "T2",
    ... or "?". region: whose colours are to be taken.
    """

    intensities: np.ndarray
    contrast: str
    region: Region

    @classmethod
    def of(cls, mri: np.ndarray, mask: np.ndarray, contrast: str, region: Region) -> Subject:
        """Sample a whole volume's body at even steps."""
        inside = np.sort(mri[mask])
        return cls(inside[:: max(1, len(inside) // SAMPLE)], contrast, region)


def grey_copy(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """The MRI itself in three channels: perfect structure, no colour."""
    return grey_picture(mri, mask)


def grey_picture(mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Slices (S, H, W) in [0, 1] as RGB uint8 (S, H, W, 3), black outside of the body."""
    return _to_uint8(np.repeat(mri[..., None], 3, axis=-1), mask)


def constant_color(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """The mean colour of the region in the training cryosections all over: no structure."""
    mean = _colors(subject, statistics).mean_lab
    return _painted(np.broadcast_to(mean, (*mri.shape, 3)), mask)


def intensity_table(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """Each intensity's mean colour in the labelled training MRI, all of them T1: a colour map."""
    return _painted(_look_up(mri, statistics.table), mask)


def contrast_table(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """A colour map fitted to this contrast and this region (T1's where the contrast is unknown).

    It is told what a colouriser has to find out, and so the hardest of the trivial ones to beat.
    """
    tables = _colors(subject, statistics).tables
    return _painted(_look_up(mri, tables.get(subject.contrast, tables["T1"])), mask)


def reinhard(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """Reinhard et al. 2001 in CIELAB: the volume's mean and spread become the cryosections'.

    A grey source has no spread in a and b to stretch, so these become the mean; lightness takes
    mean and spread.
    """
    colors = _colors(subject, statistics)
    lightness, inside = _lightness(mri), _lightness(subject.intensities)
    spread = max(float(inside.std()), 1e-6)
    lab = np.empty((*mri.shape, 3))
    lab[..., 0] = (lightness - inside.mean()) / spread * colors.std_lab[0]
    lab[..., 0] = np.clip(lab[..., 0] + colors.mean_lab[0], 0, 100)
    lab[..., 1:] = colors.mean_lab[1:]
    return _painted(lab, mask)


def optimal_transport(
    mri: np.ndarray, mask: np.ndarray, subject: Subject, statistics: ColorStatistics
) -> np.ndarray:
    """Optimal transport of the volume's greys to the cryosections' colours, squared CIELAB cost.

    A grey has a = b = 0, so the cost of a pair is (L - L')^2 and a term of the colour alone: the
    optimal plan is the monotone one in lightness (as in Pitie et al. 2007 for one dimension), and
    its mean at a grey is the mean colour at the same rank of lightness.
    """
    below = np.searchsorted(subject.intensities, mri, side="left")
    through = np.searchsorted(subject.intensities, mri, side="right")
    ranks = (below + through) / 2 / max(len(subject.intensities), 1)
    return _painted(_look_up(ranks, _colors(subject, statistics).by_rank), mask)


# (S, H, W) float32 MRI and bool mask to (S, H, W, 3) uint8 RGB, black outside the body.
Baseline = Callable[[np.ndarray, np.ndarray, Subject, ColorStatistics], np.ndarray]
BASELINES: dict[str, Baseline] = {
    GREY: grey_copy,
    "constant colour": constant_color,
    "intensity table": intensity_table,
    "table per contrast": contrast_table,
    "Reinhard": reinhard,
    "optimal transport": optimal_transport,
}


def _colors(subject: Subject, statistics: ColorStatistics) -> RegionColors:
    return statistics.regions[subject.region]


def _lightness(mri: np.ndarray) -> np.ndarray:
    return rgb2lab(np.repeat(mri[..., None], 3, axis=-1))[..., 0]


def _look_up(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """CIELAB (..., 3) of values in [0, 1], between the middles of the table's bins."""
    centers = (np.arange(BINS) + 0.5) / BINS
    return np.stack([np.interp(values, centers, column) for column in table.T], axis=-1)


def _painted(lab: np.ndarray, mask: np.ndarray) -> np.ndarray:
    rgb = np.zeros(lab.shape, dtype=np.float32)
    if mask.any():
        rgb[mask] = lab2rgb(lab[mask])
    return _to_uint8(rgb, mask)


def _to_uint8(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Eight bits as the engine's output, black outside the body."""
    return (np.rint(rgb * 255) * mask[..., None]).astype(np.uint8)
