"""Volumes to time on: the shipped head on a square grid, and made bodies of any size."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from MRIColorizeLib.files.naming import sample_path
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Volume, slice_order

# What is compared with the bare network sees a volume in one plane.
ONE_PLANE = ColorizeOptions(fast=True)


def head(slices: int, side: int = 256) -> Volume:
    """The shipped head at 1 mm, `slices` axial slices from its middle, each in a black square.

    Beyond the head's own slices (about 144) come black ones.
    """
    sample = read_volume(sample_path())
    order = slice_order(sample, "axial")
    spacing = [sample.spacing[::-1][axis] for axis in order]
    array = np.ascontiguousarray(sample.array.transpose(order))
    size = [round(n * step) for n, step in zip(array.shape, spacing, strict=True)]
    stack = torch.from_numpy(array)[None, None]
    stack = F.interpolate(stack, size, mode="trilinear", align_corners=False)[0, 0]
    first = max(0, (size[0] - slices) // 2)
    stack = stack[first : first + slices]
    square = np.zeros((slices, side, side), dtype=np.float32)
    starts = [(whole - part) // 2 for whole, part in zip(square.shape, stack.shape, strict=True)]
    box = tuple(slice(s, s + n) for s, n in zip(starts, stack.shape, strict=True))
    square[box] = stack.numpy()
    return Volume(square, np.eye(4))


def trunk(slices: int, pixels: int, field_mm: float = 220.0) -> Volume:
    """A body that is the same in every slice of `pixels` squared, 1 mm apart: equal work each."""
    step = field_mm / pixels
    along = np.linspace(-1, 1, pixels, dtype=np.float32)
    x, y = along, along[:, None]
    inside = (x / 0.75) ** 2 + (y / 0.85) ** 2 < 1
    tissue = np.where(inside, 100 + 40 * np.sin(9 * x) * np.cos(7 * y), 0).astype(np.float32)
    noise = np.random.default_rng(0)
    array = np.empty((slices, pixels, pixels), dtype=np.float32)
    for one in array:  # slice by slice: the making must not set the peak of memory
        one[...] = tissue + noise.normal(0, 1, tissue.shape)
    return Volume(array, np.diag([step, step, 1.0, 1.0]))


def ball(side: int, width_mm: float) -> Volume:
    """A ball of uneven tissue in noise, on a cube of `side` voxels."""
    along = np.linspace(-1.1, 1.1, side, dtype=np.float32)
    noise = np.random.default_rng(0)
    array = np.empty((side, side, side), dtype=np.float32)
    tissue = 100 + 40 * np.sin(9 * along) * np.cos(7 * along[:, None])
    for one, z in zip(array, along, strict=True):
        inside = z**2 + along[:, None] ** 2 + along**2 < 1
        one[...] = inside * tissue + noise.normal(0, 1, inside.shape)
    step = width_mm / side
    return Volume(array, np.diag([step, step, step, 1.0]))
