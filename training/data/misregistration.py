"""Pairs that do not quite fit: the target displaced against the input by known millimetres."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config import SliceConfig
from training.data.synthesis import Random, smooth_field

BUMPS = 5  # of the elastic field, a side
WIDEST = 3.0  # the elastic field's longest vector that the margin allows for, over its RMS


def margin_pixels(config: SliceConfig) -> int:
    """How much wider than its crop a slice is drawn, so that what moves in is real; 0 for none."""
    farthest = config.misregistration_mm + WIDEST * config.misregistration_elastic_mm
    return math.ceil(farthest / (config.least_mm * (1 - config.spacing_jitter)))


def displacement(
    size: tuple[int, int], pixel_mm: Tensor, config: SliceConfig, rng: Random
) -> Tensor:
    """Where the target of every pixel is taken from, in pixels: (B, 2, H, W), x and y.

    pixel_mm: (B,) millimetres of a pixel. A translation of misregistration_mm in a direction of
    chance, and a smooth field whose root mean square length is misregistration_elastic_mm.
    """
    count = len(pixel_mm)
    angle = rng.uniform(count, high=2 * math.pi)
    moved = config.misregistration_mm * torch.stack((torch.cos(angle), torch.sin(angle)), dim=1)
    field = moved[:, :, None, None].expand(count, 2, *size)
    if config.misregistration_elastic_mm:
        bumps = smooth_field(2 * count, size, BUMPS, rng).view(count, 2, *size)
        length = (bumps**2).sum(1).mean(dim=(1, 2)).sqrt().clamp_min(1e-6)
        field = field + config.misregistration_elastic_mm * bumps / length[:, None, None, None]
    return field / pixel_mm[:, None, None, None]


def displaced(image: Tensor, field: Tensor, mode: str = "bilinear") -> Tensor:
    """(B, C, H, W) read at every pixel's own place plus `field` (B, 2, H, W), x and y in pixels."""
    height, width = image.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=field.dtype, device=field.device),
        torch.arange(width, dtype=field.dtype, device=field.device),
        indexing="ij",
    )
    x = 2 * (columns + field[:, 0] + 0.5) / width - 1
    y = 2 * (rows + field[:, 1] + 0.5) / height - 1
    grid = torch.stack((x, y), dim=-1)
    return F.grid_sample(image, grid, mode=mode, padding_mode="border", align_corners=False)
