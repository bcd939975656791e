"""STSIM-1 and STSIM-2: structural texture similarity over the bands of a steerable pyramid.

Zhao, Reyes, Pappas and Neuhoff (ICIP 2008) and Zujovic, Pappas and Neuhoff (IEEE TIP 22, 2013),
with complex bands and sliding Gaussian windows of 7 x 7 (sigma 7/6) as in their published code.
For every one of the 14 bands, with x and y the two images' coefficients in a window:
    l   = (2 |mean x| |mean y| + C0) / (|mean x|^2 + |mean y|^2 + C0)
    c   = (2 sd x sd y + C1) / (var x + var y + C1)
    c01 = 1 - |rho_x(0, 1) - rho_y(0, 1)| / 2, rho(0, 1) the correlation with the next column
    c10 = the same with the next row
STSIM-1 is the mean over the bands of the mean over the windows of (l c c01 c10)^(1/4). STSIM-2
adds 26 terms 1 - |rho_x - rho_y| / 2 of correlations between the bands' moduli: 6 pairs of
orientations in each scale, and each orientation with the next coarser scale (its modulus averaged
to the coarser size), and takes the mean of all 40. Identical images have 1, the range is [0, 1].
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.measure.metrics.pyramid import Pyramid, steerable_pyramid
from training.measure.metrics.window import gaussian_mean

WINDOW, SIGMA = 7, 7 / 6
# Half a grey level of 255, squared: what varies less than this is rounding, not texture.
C0 = C1 = FLAT = (0.5 / 255) ** 2


@dataclass(frozen=True)
class TextureSimilarity:
    """Per slice (S,): STSIM-1 and STSIM-2 over the whole slice and over the body."""

    stsim1_slice: np.ndarray
    stsim2_slice: np.ndarray
    stsim1_body: np.ndarray
    stsim2_body: np.ndarray


@dataclass(frozen=True)
class TextureStatistics:
    """What STSIM compares, of one picture: window statistics of every band, finest bands first.

    power, variance: (B, h, w) of each level's |mean|^2 and variance; right, below: its complex
    correlation with the next column and row; across: correlations of pairs of moduli.
    """

    power: tuple[Tensor, ...]
    variance: tuple[Tensor, ...]
    right: tuple[Tensor, ...]
    below: tuple[Tensor, ...]
    across: tuple[Tensor, ...]


def texture_similarity(image: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> TextureSimilarity:
    """Compare two stacks (S, H, W) in [0, 1]; mask (S, H, W) bool, the body.

    NaN in the body of a slice without one. Raises ValueError when a side is below 32 pixels.
    """
    return compare_textures(describe_textures(image), describe_textures(mri), mask)


def describe_textures(stack: np.ndarray) -> list[TextureStatistics]:
    """Statistics of every slice of (S, H, W), to be compared with those of other stacks."""
    return [_describe(torch.from_numpy(image.astype(np.float32))) for image in stack]


def compare_textures(
    first: Sequence[TextureStatistics], second: Sequence[TextureStatistics], mask: np.ndarray
) -> TextureSimilarity:
    """The same as `texture_similarity`, of stacks that are described already."""
    rows = [_compare(*slices) for slices in zip(first, second, mask, strict=True)]
    columns = np.array(rows, dtype=np.float32).reshape(-1, 4).T
    return TextureSimilarity(*columns)


def _describe(image: Tensor) -> TextureStatistics:
    pyramid = steerable_pyramid(image[None])
    levels = [_band_statistics(level[0]) for level in pyramid.levels]
    power, variance, right, below = zip(*levels, strict=True)
    return TextureStatistics(power, variance, right, below, tuple(_across(pyramid)))


def _band_statistics(level: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """|mean|^2, variance and the two correlations of complex bands (B, h, w)."""
    mean = _window(level)
    power = _power(mean)
    variance = (_window(_power(level)) - power).clamp_min(0)
    right, below = (_next_correlation(level, mean, variance, axis) for axis in (-1, -2))
    return power, variance, right, below


def _next_correlation(level: Tensor, mean: Tensor, variance: Tensor, axis: int) -> Tensor:
    """Complex correlation of each window with the one a step further; the last repeats."""
    steps = torch.arange(level.shape[axis], device=level.device) + 1
    steps[-1] -= 1
    further, mean_2, variance_2 = (x.index_select(axis, steps) for x in (level, mean, variance))
    # Windows of the product see the same pairs as the windows of its two factors.
    covariance = _window(level * further.conj()) - mean * mean_2.conj()
    correlation = covariance / (torch.sqrt(variance * variance_2) + FLAT)
    return correlation / correlation.abs().clamp_min(1)


def _across(pyramid: Pyramid) -> Iterator[Tensor]:
    """Correlations of the moduli: (pairs, h, w) within each scale, then across scales."""
    scales = [_Moduli.of(level[0].abs()) for level in pyramid.oriented]
    first, second = torch.combinations(torch.arange(len(scales[0].modulus))).T
    for scale in scales:
        yield _correlation(scale.chosen(first), scale.chosen(second))
    for fine, coarse in itertools.pairwise(scales):
        size = coarse.modulus.shape[-2:]
        shrunk = F.interpolate(fine.modulus[None], size, mode="area")[0]
        yield _correlation(_Moduli.of(shrunk), coarse)


@dataclass(frozen=True)
class _Moduli:
    """Moduli of bands (B, h, w) with their means and variances under the window."""

    modulus: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, modulus: Tensor) -> _Moduli:
        mean = _window(modulus)
        return cls(modulus, mean, (_window(modulus**2) - mean**2).clamp_min(0))

    def chosen(self, bands: Tensor) -> _Moduli:
        return _Moduli(self.modulus[bands], self.mean[bands], self.variance[bands])


def _correlation(first: _Moduli, second: _Moduli) -> Tensor:
    covariance = _window(first.modulus * second.modulus) - first.mean * second.mean
    deviations = torch.sqrt(first.variance * second.variance)
    return (covariance / (deviations + FLAT)).clamp(-1, 1)


def _compare(first: TextureStatistics, second: TextureStatistics, mask: np.ndarray) -> list[float]:
    own = [
        (
            _likeness(first.power[k], second.power[k], C0)
            * _likeness(first.variance[k], second.variance[k], C1)
            * _closeness(first.right[k], second.right[k])
            * _closeness(first.below[k], second.below[k])
        )
        ** 0.25
        for k in range(len(first.power))
    ]
    across = [_closeness(a, b) for a, b in zip(first.across, second.across, strict=True)]
    body = torch.from_numpy(mask.astype(np.float32))[None, None]
    values = []
    for weight in (torch.ones_like(body), body):
        bands = torch.cat([_mean(band, weight) for band in own])
        pairs = torch.cat([_mean(pair, weight) for pair in across])
        values.append((float(bands.mean()), float(torch.cat((bands, pairs)).mean())))
    (slice1, slice2), (body1, body2) = values
    return [slice1, slice2, body1, body2]


def _likeness(first: Tensor, second: Tensor, constant: float) -> Tensor:
    """(2 a b + C) / (a^2 + b^2 + C) of a^2 and b^2."""
    return (2 * torch.sqrt(first * second) + constant) / (first + second + constant)


def _closeness(first: Tensor, second: Tensor) -> Tensor:
    return 1 - (first - second).abs() / 2


def _power(level: Tensor) -> Tensor:
    return level.real**2 + level.imag**2


def _window(level: Tensor) -> Tensor:
    return gaussian_mean(level, WINDOW, SIGMA)


def _mean(maps: Tensor, weight: Tensor) -> Tensor:
    """Mean of (B, h, w) over the mask's share of each coefficient; NaN without a mask."""
    share = F.interpolate(weight, maps.shape[-2:], mode="area")[0, 0]
    return (maps * share).sum(dim=(-2, -1)) / share.sum()
