"""Degraded MRI: Rician noise, a bias field, fewer pixels. The same each time for the same case."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from MRIColorizeLib.volume import Volume
from training.evaluate.cases import Case

# What the percentage of noise is of: the level of the body's brightest tissue.
BRIGHT_PERCENTILE = 99.5
BUMPS = 3  # of the bias field, a side


def rician_noise(percent: float) -> Callable[[Case, float], Case]:
    """Magnitude of signal and complex Gaussian noise, sigma in percent of the brightest tissue."""

    def change(case: Case, spacing_mm: float) -> Case:
        array = case.volume.array
        inside = array if case.mask is None else array[case.mask]
        sigma = percent / 100 * float(np.percentile(inside, BRIGHT_PERCENTILE))
        rng = np.random.default_rng(_seed(case, f"noise {percent}"))
        real, imaginary = sigma * rng.standard_normal((2, *array.shape), dtype=np.float32)
        return _with(case, np.hypot(array + real, imaginary))

    return change


def bias_field(percent: float) -> Callable[[Case, float], Case]:
    """A smooth factor over every slice, `percent` from its least to its largest, 1 in the middle.

    As the intensity non-uniformity of BrainWeb: 40 % goes from 0.8 to 1.2.
    """

    def change(case: Case, spacing_mm: float) -> Case:
        generator = torch.Generator().manual_seed(_seed(case, "bias"))
        coarse = torch.randn(1, 1, BUMPS, BUMPS, generator=generator)
        size = case.volume.array.shape[1:]
        field = F.interpolate(coarse, size, mode="bicubic", align_corners=True)[0, 0].numpy()
        span = field.max() - field.min()
        unit = (field - field.min()) / span - 0.5 if span > 0 else np.zeros_like(field)
        return _with(case, case.volume.array * (1 + percent / 100 * unit))

    return change


def fewer_pixels(factor: int) -> Callable[[Case, float], Case]:
    """Slices of a scan with `factor` times larger pixels, interpolated back to the grid."""

    def change(case: Case, spacing_mm: float) -> Case:
        image = torch.from_numpy(np.ascontiguousarray(case.volume.array))[None]
        size = tuple(image.shape[-2:])
        small = [max(2, round(length / factor)) for length in size]
        image = F.interpolate(image, small, mode="bilinear", align_corners=False, antialias=True)
        image = F.interpolate(image, size, mode="bilinear", align_corners=False)
        return _with(case, image[0].numpy())

    return change


def _with(case: Case, array: np.ndarray) -> Case:
    volume = Volume(array.astype(np.float32), case.volume.ijk_to_ras)
    return dataclasses.replace(case, volume=volume)


def _seed(case: Case, what: str) -> int:
    return zlib.crc32(f"{case.name} {what}".encode())
