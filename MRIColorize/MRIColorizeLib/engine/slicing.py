"""How a volume's slices lie before the network: a plane's axes, its box around the body, views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..color import DETAIL_RADIUS
from ..errors import InputError
from ..memory import check_fits
from ..scale import MARGIN_MM, Scale
from ..volume import Volume, bounding_box, slice_order
from .body import Window

# No body is longer; what measures more has its spacing in micrometres, or none at all.
MAX_SIDE_MM = 4000.0
# What the network needs for a slice, at the widths that ship and in 32 bits.
BYTES_PER_PIXEL = 2048


@dataclass(frozen=True)
class Layout:
    """A volume seen along one plane, cropped to the body.

    raw: (S, H, W) float32, a view of the MRI; mask: (S, H, W) bool, a view of the body; size: rows
    and columns as the network sees them; order, box: what `view` does; slices: of the whole volume.
    """

    raw: np.ndarray
    mask: np.ndarray
    window: Window
    size: tuple[int, int]
    order: tuple[int, int, int]
    box: tuple[slice, ...]
    slices: int

    def view(self, array: np.ndarray) -> np.ndarray:
        """An array (K, J, I, ...) of the volume's grid as (S, H, W, ...), without a copy."""
        return array.transpose(*self.order, *range(3, array.ndim))[self.box]

    def mri(self, slices: np.ndarray) -> np.ndarray:
        """These slices scaled to [0, 1], 0 outside the body: float32 (n, H, W)."""
        return self.window.scale(self.raw[slices]) * self.mask[slices]

    def present(self) -> np.ndarray:
        """Indices of the slices that show the body."""
        return np.flatnonzero(self.mask.any(axis=(1, 2)))

    def pixels(self) -> int:
        """Pixels of a slice as the network sees it."""
        return self.size[0] * self.size[1]


@dataclass(frozen=True)
class Patch:
    """Slices `indices` of a layout, and the rows and columns of them that are of interest."""

    layout: Layout
    indices: np.ndarray
    rows: slice
    columns: slice

    @classmethod
    def whole(cls, layout: Layout, indices: np.ndarray) -> Patch:
        """All of some slices."""
        return cls(layout, indices, slice(None), slice(None))

    @classmethod
    def around_body(cls, layout: Layout, index: int) -> Patch:
        """The part of one slice that shows its body, with the border that fine detail looks at."""
        rows, columns = bounding_box(layout.mask[index], (DETAIL_RADIUS, DETAIL_RADIUS))
        return cls(layout, np.array([index]), rows, columns)

    def cut(self, images: Tensor) -> Tensor:
        """The patch of images (..., H, W) of these slices."""
        return images[..., self.rows, self.columns]

    def read(self, array: np.ndarray) -> np.ndarray:
        """The patch of an array (K, J, I, ...) of the volume's grid: (n, h, w, ...)."""
        return self.layout.view(array)[self.indices, self.rows, self.columns]

    def bodies(self) -> np.ndarray:
        """Where the patch shows the body: bool (n, h, w)."""
        return self.layout.mask[self.indices][:, self.rows, self.columns]

    def write(self, array: np.ndarray, values: np.ndarray) -> None:
        """Put the body's voxels of values (n, h, w, ...) into an array of the volume's grid."""
        seen = self.layout.view(array)
        for index, new in zip(self.indices, values, strict=True):
            body = self.layout.mask[index, self.rows, self.columns]
            if new.ndim == 3:  # numpy is four times slower where it repeats the mask itself
                body = np.repeat(body[..., None], new.shape[2], axis=2)
            np.copyto(seen[index, self.rows, self.columns], new, where=body)


def lay_out(volume: Volume, plane: str, body: np.ndarray, window: Window, scale: Scale) -> Layout:
    """See a volume along a plane, cropped to its body and a margin.

    body: bool (K, J, I); scale: the model's. Raises InputError when a slice would be larger than a
    body, or than what memory is free.
    """
    order = slice_order(volume, plane)
    spacing = [volume.spacing[::-1][axis] for axis in order]
    margin = (0, *(int(np.ceil(MARGIN_MM / step)) for step in spacing[1:]))
    box = bounding_box(body.transpose(order), margin)
    whole = volume.array.transpose(order)
    raw = whole[box]
    sides = [n * step for n, step in zip(raw.shape[1:], spacing[1:], strict=True)]
    if max(sides) > MAX_SIDE_MM:
        raise InputError(
            f"A slice measures {sides[0]:.0f} x {sides[1]:.0f} mm, more than any body; correct the "
            "volume's spacing."
        )
    spacing_mm = scale.spacing_mm(sides[0], sides[1])
    rows, columns = (max(4, round(side / spacing_mm)) for side in sides)
    check_fits(rows * columns * BYTES_PER_PIXEL, f"A slice of {columns} x {rows} pixels")
    return Layout(raw, body.transpose(order)[box], window, (rows, columns), order, box, len(whole))
