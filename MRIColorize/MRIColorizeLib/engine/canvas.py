"""What a result is written into, and how CIELAB becomes the bytes that stand there."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from .. import color
from ..options import ColorizeOptions
from ..orientation import Turn
from .body import Window

# Tissues kept for each voxel; what a fifth one would add is below a grey level nearly everywhere.
KEPT = 4
# And while planes are joined: what a seventh one would add lies below the least score. With four, a
# change of the last bit moved one voxel in a thousand by more than two grey levels, up to 30.
KEPT_TO_JOIN = 6
# What the means of several planes take for a voxel: three floats of 16 bits, tissues, scores.
BYTES_TO_JOIN = 6 + 2 * KEPT_TO_JOIN
# Voxels turned to grey at once for the background: bounds the memory.
CHUNK = 1 << 22


@dataclass(frozen=True)
class Canvas:
    """Arrays on the input's grid (K, J, I); see ColorVolume and TissueMixture for what they hold.

    lab float16 (K, J, I, 3), tissues and weights uint8 (K, J, I, KEPT), or KEPT_TO_JOIN: None when
    neither the joining of planes nor recolouring needs them. Until the last plane, they hold the
    means of what the planes so far found: of the colour decoder's residual, and of the tissues'
    scores. Only pages that are written take memory.
    """

    color: np.ndarray
    tissue: np.ndarray | None
    confidence: np.ndarray | None
    lab: np.ndarray | None
    tissues: np.ndarray | None
    weights: np.ndarray | None

    def turned(self, turn: Turn) -> Canvas:
        """The same arrays seen along the patient's axes: what is written there stands in these."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        seen = {name: turn.view(each) for name, each in arrays.items() if each is not None}
        return replace(self, **seen)


def make_canvas(
    array: np.ndarray, window: Window, options: ColorizeOptions, has_tissue: bool, several: bool
) -> Canvas:
    """Room for the result of a volume (K, J, I), its background filled in.

    has_tissue: whether the model tells tissues; several: whether planes are joined.
    """
    shape = array.shape
    mixes = has_tissue and (several or options.editable)
    kept = (*shape, KEPT_TO_JOIN if several else KEPT)
    return Canvas(
        color=_background(array, window, options.background),
        tissue=np.zeros(shape, np.uint8) if has_tissue else None,
        confidence=np.zeros(shape, np.uint8) if has_tissue and options.confidence else None,
        lab=np.zeros((*shape, 3), np.float16) if several or mixes else None,
        tissues=np.zeros(kept, np.uint8) if mixes else None,
        weights=np.zeros(kept, np.uint8) if mixes else None,
    )


def _background(array: np.ndarray, window: Window, background: str) -> np.ndarray:
    """uint8 (K, J, I, 3): black, white, or the grey MRI."""
    if background == "black":
        return np.zeros((*array.shape, 3), dtype=np.uint8)
    if background == "white":
        return np.full((*array.shape, 3), 255, dtype=np.uint8)
    picture = np.empty((*array.shape, 3), dtype=np.uint8)
    grey, flat = array.reshape(-1), picture.reshape(-1, 3)
    for start in range(0, grey.size, CHUNK):
        part = slice(start, start + CHUNK)
        flat[part] = np.rint(window.scale(grey[part]) * 255)[:, None]
    return picture


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
