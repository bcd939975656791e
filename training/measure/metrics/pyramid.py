"""A complex steerable pyramid by FFT: 3 scales x 4 orientations and two residuals, 14 bands.

After Simoncelli and Freeman (ICIP 1995) and, for the complex bands, Portilla and Simoncelli (IJCV
2000): polar-separable filters, raised cosines in log2 of the radial frequency and cos^3 in the
angle. Each oriented band is an analytic signal, so that its modulus does not see the phase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

SCALES, ORIENTATIONS = 3, 4
SMALLEST_SIDE = 2 ** (SCALES + 2)


@dataclass(frozen=True)
class Pyramid:
    """The bands of a batch of images (B, H, W), complex.

    high: (B, 1, H, W), what lies beyond the finest scale; oriented: for each scale, the finest
    first, (B, 4, h, w) with sides halved (rounded up) from scale to scale; low: (B, 1, h, w). The
    energies of the residuals and half the oriented energies, each times (H W) / (h w), sum to the
    image's energy.
    """

    high: Tensor
    oriented: tuple[Tensor, ...]
    low: Tensor

    @property
    def levels(self) -> tuple[Tensor, ...]:
        """Every band, those of one size together."""
        return (self.high, *self.oriented, self.low)


def steerable_pyramid(images: Tensor) -> Pyramid:
    """Decompose (B, H, W) real images. Raises ValueError when a side is below 32 pixels."""
    if min(images.shape[-2:]) < SMALLEST_SIDE:
        raise ValueError(f"The pyramid needs images of at least {SMALLEST_SIDE} pixels a side.")
    height, width = int(images.shape[-2]), int(images.shape[-1])
    filters = _filters(height, width)
    spectrum = torch.fft.fftshift(torch.fft.fft2(images.float()), dim=(-2, -1))[:, None]
    full = height * width
    oriented = []
    for box, bands in zip(filters.boxes, filters.oriented, strict=True):
        oriented.append(_to_space(spectrum[..., box[0], box[1]] * bands, full))
    rows, columns = filters.boxes[-1]
    low = spectrum[..., rows, columns] * filters.low
    return Pyramid(_to_space(spectrum * filters.high, full), tuple(oriented), _to_space(low, full))


@dataclass(frozen=True)
class _Filters:
    """Transfer functions on the shifted spectrum; boxes: the part of it that each scale keeps."""

    high: Tensor
    oriented: tuple[Tensor, ...]
    low: Tensor
    boxes: tuple[tuple[slice, slice], ...]


@lru_cache(maxsize=16)  # the slices of a volume share one size
def _filters(height: int, width: int) -> _Filters:
    rows = torch.fft.fftshift(torch.fft.fftfreq(height)) * 2 * math.pi
    columns = torch.fft.fftshift(torch.fft.fftfreq(width)) * 2 * math.pi
    row, column = torch.meshgrid(rows, columns, indexing="ij")
    radius, angle = torch.hypot(row, column), torch.atan2(row, column)
    boxes, oriented = [], []
    passed = _low_pass(radius)
    high = torch.sqrt(1 - passed**2)
    for scale in range(SCALES):
        box = (_middle(height, scale), _middle(width, scale))
        narrower = _low_pass(radius * 2 ** (scale + 1))
        ring = passed * torch.sqrt(1 - narrower**2)
        oriented.append(torch.stack([(ring * window)[box] for window in _angular(angle)]))
        boxes.append(box)
        passed = passed * narrower
    return _Filters(high, tuple(oriented), passed[boxes[-1]], tuple(boxes))


def _low_pass(radius: Tensor) -> Tensor:
    """1 up to half the Nyquist frequency, 0 from it on, a cosine of log2 between."""
    octave = torch.log2((radius / math.pi).clamp(0.5, 1)) + 1  # 0 at pi/2, 1 at pi
    return torch.cos(octave * math.pi / 2)


def _angular(angle: Tensor) -> list[Tensor]:
    """One-sided cos^3 windows; with their mirror images the squares sum to 4, so the half is 1."""
    order = ORIENTATIONS - 1
    factor = 2**order * math.factorial(order)
    factor /= math.sqrt(ORIENTATIONS * math.factorial(2 * order))
    cosines = [torch.cos(angle - math.pi * k / ORIENTATIONS) for k in range(ORIENTATIONS)]
    return [2 * factor * cosine.clamp_min(0) ** order for cosine in cosines]


def _middle(length: int, scale: int) -> slice:
    """The low frequencies that `scale` halvings of a shifted spectrum keep."""
    kept = length
    for _ in range(scale):
        kept = (kept + 1) // 2
    start = length // 2 - kept // 2  # zero frequency stays at kept // 2
    return slice(start, start + kept)


def _to_space(spectrum: Tensor, full: int) -> Tensor:
    """Inverse transform at the spectrum's own size, amplitudes as in the full image."""
    share = spectrum.shape[-2] * spectrum.shape[-1] / full
    return torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1))) * share
