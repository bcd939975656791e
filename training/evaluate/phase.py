"""FSIM: feature similarity from phase congruency and gradient, of two grey pictures.

Zhang, Zhang, Mou and Zhang (IEEE TIP 20, 2011), luminance only, on 0 to 255, with Kovesi's phase
congruency (Videre 1, 1999): log-Gabor filters of 4 scales and 4 orientations, noise compensated.
    S_PC = (2 PC1 PC2 + T1) / (PC1^2 + PC2^2 + T1),  T1 = 0.85
    S_G  = (2 G1 G2 + T2) / (G1^2 + G2^2 + T2),      T2 = 160, G by Scharr's operator
    FSIM = sum of S_PC S_G max(PC1, PC2) / sum of max(PC1, PC2)
Slices whose shorter side is 384 pixels or more are first averaged down, as the authors do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import convolve, uniform_filter

T1, T2 = 0.85, 160.0
SCALES, ORIENTATIONS = 4, 4
SHORTEST_WAVE, RATIO = 6.0, 2.0  # pixels, and from scale to scale
BANDWIDTH = 0.55  # sigma of the log-Gabor over its centre frequency
ANGULAR = 1.2  # distance of orientations over the sigma of their angular Gaussian
NOISE_SIGMAS, NOISE_RESCALE = 2.0, 1.7
SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
NORMAL_SIDE = 256
TINY = 1e-4


@dataclass(frozen=True)
class Features:
    """What FSIM compares, of one picture.

    congruency, gradient: (H, W) of the picture averaged down by `factor`.
    """

    congruency: np.ndarray
    gradient: np.ndarray
    factor: int


def fsim(image: np.ndarray, mri: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """FSIM (S,) of two stacks (S, H, W) in [0, 1], of the slice or, with a mask, of the body.

    NaN where neither picture has a feature.
    """
    return compare_features(describe_features(image), describe_features(mri), mask)


def describe_features(stack: np.ndarray) -> list[Features]:
    """Features of every slice of (S, H, W), to be compared with those of other stacks."""
    described = []
    for image in stack:
        factor = max(1, round(min(image.shape) / NORMAL_SIDE))
        small = _shrink(image * 255.0, factor)
        described.append(Features(phase_congruency(small), _gradient(small), factor))
    return described


def compare_features(
    first: Sequence[Features], second: Sequence[Features], mask: np.ndarray | None = None
) -> np.ndarray:
    """The same as `fsim`, of stacks that are described already."""
    values = np.full(len(first), np.nan, dtype=np.float32)
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        local = _likeness(a.congruency, b.congruency, T1) * _likeness(a.gradient, b.gradient, T2)
        weight = np.maximum(a.congruency, b.congruency)
        if mask is not None:
            weight = weight * _shrink(mask[index].astype(np.float64), a.factor)
        if weight.sum() > 0:
            values[index] = (local * weight).sum() / weight.sum()
    return values


def phase_congruency(image: np.ndarray) -> np.ndarray:
    """How far the frequencies of a picture (H, W) are in step at each pixel, in [0, 1]."""
    filters = _filters(image.shape)
    spectrum = np.fft.fft2(image)
    energy, amplitude = np.zeros(image.shape), np.zeros(image.shape)
    for bank, power, spread in zip(filters.banks, filters.power, filters.spread, strict=True):
        response = np.fft.ifft2(spectrum * bank)  # (scales, H, W), even + i odd
        total = response.sum(axis=0)
        direction = total / (np.abs(total) + TINY)
        turned = response * direction.conj()
        in_step = (turned.real - np.abs(turned.imag)).sum(axis=0)
        # The finest scale is mostly noise, of Rayleigh distribution.
        noise = np.median(np.abs(response[0]) ** 2) / math.log(2) / power
        tau = math.sqrt(noise * spread)
        threshold = tau * math.sqrt(math.pi / 2)
        threshold += NOISE_SIGMAS * tau * math.sqrt(2 - math.pi / 2)
        energy += np.maximum(in_step - threshold / NOISE_RESCALE, 0)
        amplitude += np.abs(response).sum(axis=0)
    return energy / (amplitude + TINY)


@dataclass(frozen=True)
class _Filters:
    """For each orientation: transfer functions (scales, H, W); sum of squares of the finest; and
    the energy of the sum of their even parts, which scales the noise."""

    banks: tuple[np.ndarray, ...]
    power: tuple[float, ...]
    spread: tuple[float, ...]


@lru_cache(maxsize=8)  # the slices of a volume share one size
def _filters(shape: tuple[int, int]) -> _Filters:
    row, column = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    radius = np.hypot(row, column)
    angle = np.arctan2(-row, column)
    radius[0, 0] = 1
    # Butterworth low-pass: no filter may reach into the corners of the spectrum.
    inside = 1 / (1 + (radius / 0.45) ** 30)
    waves = SHORTEST_WAVE * RATIO ** np.arange(SCALES)
    rings = [
        np.exp(-(np.log(radius * wave) ** 2) / (2 * math.log(BANDWIDTH) ** 2)) * inside
        for wave in waves
    ]
    for ring in rings:
        ring[0, 0] = 0
    sigma = math.pi / ORIENTATIONS / ANGULAR
    banks, power, spread = [], [], []
    for k in range(ORIENTATIONS):
        away = np.abs(np.angle(np.exp(1j * (angle - k * math.pi / ORIENTATIONS))))
        bank = np.stack(rings) * np.exp(-(away**2) / (2 * sigma**2))
        banks.append(bank)
        power.append(float((bank[0] ** 2).sum()))
        even = np.fft.ifft2(bank.sum(axis=0)).real * math.sqrt(bank[0].size)
        spread.append(float((even**2).sum()))
    return _Filters(tuple(banks), tuple(power), tuple(spread))


def _likeness(first: np.ndarray, second: np.ndarray, constant: float) -> np.ndarray:
    return (2 * first * second + constant) / (first**2 + second**2 + constant)


def _gradient(image: np.ndarray) -> np.ndarray:
    return np.hypot(
        convolve(image, SCHARR, mode="constant"), convolve(image, SCHARR.T, mode="constant")
    )


def _shrink(image: np.ndarray, factor: int) -> np.ndarray:
    return uniform_filter(image, factor)[::factor, ::factor] if factor > 1 else image
