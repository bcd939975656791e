"""From CIELAB to what a person sees: saturation, the lightness lock, the blend with the MRI."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .. import color
from ..options import ColorizeOptions


@dataclass(frozen=True)
class Finish:
    """The options that act on each voxel alone; see ColorizeOptions for their ranges."""

    mode: str
    saturation: float
    blend: float

    @classmethod
    def of(cls, options: ColorizeOptions) -> Finish:
        """The part of the options that `finish` needs."""
        return cls(options.mode, options.saturation, options.blend)

    @property
    def uses_mri(self) -> bool:
        """Whether the colours depend on the grey MRI beside their CIELAB."""
        return self.mode == "structure" or self.blend < 1


def finish(lab: Tensor, mri: Tensor, how: Finish) -> Tensor:
    """CIELAB (..., 3, H, W) and the MRI (..., 1, H, W) in [0, 1] to sRGB (..., 3, H, W) in [0, 1].

    The blend is linear in sRGB: with 0 every pixel is as grey as the MRI.
    """
    rgb = color.lab_to_rgb(color.saturate(lab, how.saturation))
    if how.mode == "structure":
        rgb = color.lock_lightness(rgb, mri)
    if how.blend < 1:
        rgb = mri + how.blend * (rgb - mri)
    return rgb


def to_bytes(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] to uint8, rounded to the nearest."""
    return rgb.mul(255).round().to(torch.uint8)
