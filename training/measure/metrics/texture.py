"""STSIM-1: structural texture similarity over the bands of a steerable pyramid.

Zhao, Reyes, Pappas and Neuhoff (ICIP 2008) and Zujovic, Pappas and Neuhoff (IEEE TIP 22, 2013),
with complex bands and sliding Gaussian windows of 7 x 7 (sigma 7/6) as in their published code.
For every one of the 14 bands, with x and y the two images' coefficients in a window:
    l   = (2 |mean x| |mean y| + C0) / (|mean x|^2 + |mean y|^2 + C0)
    c   = (2 sd x sd y + C1) / (var x + var y + C1)
    c01 = 1 - |rho_x(0, 1) - rho_y(0, 1)| / 2, rho(0, 1) the correlation with the next column
    c10 = the same with the next row
STSIM-1 is the mean over the bands of the mean over the windows of (l c c01 c10)^(1/4). Identical
images have 1, the range is [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.measure.metrics.pyramid import steerable_pyramid
from training.measure.metrics.window import gaussian_mean

WINDOW, SIGMA = 7, 7 / 6
# Half a grey level of 255, squared: what varies less than this is rounding, not texture.
C0 = C1 = FLAT = (0.5 / 255) ** 2


@dataclass(frozen=True)
class TextureSimilarity:
    """STSIM-1 of each slice (S,), over the whole slice and over the body."""

    stsim1_slice: np.ndarray
    stsim1_body: np.ndarray


@dataclass(frozen=True)
class TextureStatistics:
    """What STSIM compares, of one picture: window statistics of every band, finest bands first.

    power, variance: (B, h, w) of each level's |mean|^2 and variance; right, below: its complex
    correlation with the next column and row.
    """

    power: tuple[Tensor, ...]
    variance: tuple[Tensor, ...]
    right: tuple[Tensor, ...]
    below: tuple[Tensor, ...]


def describe_textures(stack: np.ndarray) -> list[TextureStatistics]:
    """Statistics of every slice of (S, H, W) in [0, 1], to be compared with other stacks'.

    Raises ValueError when a side is below 32 pixels.
    """
    return [_describe(torch.from_numpy(image.astype(np.float32))) for image in stack]


def compare_textures(
    first: Sequence[TextureStatistics], second: Sequence[TextureStatistics], mask: np.ndarray
) -> TextureSimilarity:
    """Compare two stacks; mask (S, H, W) bool, the body. NaN in the body of a slice without one."""
    rows = [_compare(*slices) for slices in zip(first, second, mask, strict=True)]
    columns = np.array(rows, dtype=np.float32).reshape(-1, 2).T
    return TextureSimilarity(*columns)


def _describe(image: Tensor) -> TextureStatistics:
    pyramid = steerable_pyramid(image[None])
    levels = [_band_statistics(level[0]) for level in pyramid.levels]
    power, variance, right, below = zip(*levels, strict=True)
    return TextureStatistics(power, variance, right, below)


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
    body = torch.from_numpy(mask.astype(np.float32))[None, None]
    return [
        float(torch.cat([_mean(band, weight) for band in own]).mean())
        for weight in (torch.ones_like(body), body)
    ]


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
