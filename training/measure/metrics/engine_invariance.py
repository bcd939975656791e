"""Colour changes of the whole engine where nothing of the tissue changed; see `invariance`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import affine_transform, zoom

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Volume
from training.measure.metrics.invariance import BORDER, CROPPED, DEGREES, GAIN, PADDING, Change
from training.measure.metrics.measures import color_distance, eroded


@dataclass(frozen=True)
class Probe:
    """A few slices of a volume and the engine that colours them.

    array, mask: (S, H, W), the slices and the body that the engine is told; plane: as the whole
    volume was coloured, whose slices lie along the first axis.
    """

    colorizer: Colorizer
    volume: Volume
    plane: str
    array: np.ndarray
    mask: np.ndarray

    def color(self, slices: np.ndarray, inside: np.ndarray, finer: int = 1) -> np.ndarray:
        """Colours (S, H, W, 3) in [0, 1]; finer: pixels along a side where there was one."""
        matrix = self.volume.ijk_to_ras.copy()
        matrix[:3, :2] /= finer
        made = replace(self.volume, array=slices, ijk_to_ras=matrix)
        options = ColorizeOptions(plane=self.plane, mask=inside)
        return self.colorizer.colorize(made, options).array / np.float32(255)

    @property
    def steps(self) -> tuple[float, float]:
        """Millimetres of rows and columns."""
        columns, rows, _ = np.linalg.norm(self.volume.ijk_to_ras[:3, :3], axis=0)
        return float(rows), float(columns)

    def padded(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours under a black border, and where they can be compared."""
        pad = ((0, 0), (PADDING, PADDING), (PADDING, PADDING))
        wide = np.pad(self.array, pad, constant_values=float(self.array.min()))
        colors = self.color(wide, np.pad(self.mask, pad))
        return colors[:, PADDING:-PADDING, PADDING:-PADDING], self.mask

    def cropped(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours of the middle alone; nowhere comparable when no body lies there."""
        rows, columns = (length // CROPPED for length in self.mask.shape[1:])
        inner = (slice(None), slice(rows, -rows or None), slice(columns, -columns or None))
        kept = np.zeros_like(self.mask)
        kept[inner] = self.mask[inner]
        colors = np.zeros((*self.mask.shape, 3), dtype=np.float32)
        if kept.any():
            colors[inner] = self.color(self.array[inner], self.mask[inner])
        return colors, kept

    def dimmed(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours of a weaker signal."""
        return self.color(self.array * np.float32(GAIN), self.mask), self.mask

    def turned(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours of the turned slices, turned back; not at the outline, which turning blurs."""
        low = float(self.array.min())
        body = self._turn(self.mask.astype(np.float32), DEGREES, 0) > 0.5
        colors = self.color(self._turn(self.array, DEGREES, low), body)
        channels = [self._turn(colors[..., channel], -DEGREES, 0) for channel in range(3)]
        seen = self._turn(body.astype(np.float32), -DEGREES, 0) > 0.99
        return np.stack(channels, axis=-1), eroded(self.mask & seen, BORDER)

    def doubled(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours of slices with twice the rows and columns, averaged back."""
        fine = zoom(self.array, (1, 2, 2), order=1, grid_mode=True, mode="nearest")
        colors = self.color(fine, self.mask.repeat(2, 1).repeat(2, 2), finer=2)
        count, rows, columns = self.mask.shape
        halved = colors.reshape(count, rows, 2, columns, 2, 3).mean(axis=(2, 4))
        return halved, eroded(self.mask, 1)

    def _turn(self, stack: np.ndarray, degrees: float, outside: float) -> np.ndarray:
        return turn_slices(stack, degrees, self.steps, outside)


def engine_changes(
    colorizer: Colorizer, volume: Volume, body: np.ndarray, plane: str
) -> tuple[Change, ...]:
    """Padding, cropping, gain, turning and twice the pixels, on a volume of a few slices.

    body: bool on the volume's grid; the slices lie along the first axis.
    """
    array, mask = volume.array, body
    probe = Probe(colorizer, volume, plane, array, mask)
    before = probe.color(array, mask)
    changed = (
        (f"{PADDING} px of padding", probe.padded()),
        ("cropping", probe.cropped()),
        (f"gain {GAIN}", probe.dimmed()),
        (f"turning by {DEGREES:g} degrees", probe.turned()),
        ("twice the pixels", probe.doubled()),
    )
    return tuple(
        Change(name, "engine", color_distance(colors, before, where))
        for name, (colors, where) in changed
    )


def turn_slices(
    stack: np.ndarray, degrees: float, steps: Sequence[float], outside: float
) -> np.ndarray:
    """Turn every slice (S, H, W) about its middle, linearly; steps: mm of rows and columns."""
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    scale = np.diag(steps)
    matrix = np.linalg.inv(scale) @ rotation @ scale  # from places in the result to the source
    middle = (np.array(stack.shape[1:]) - 1) / 2
    offset = middle - matrix @ middle
    turned = [
        affine_transform(image, matrix, offset, order=1, cval=outside, prefilter=False)
        for image in stack.astype(np.float32)
    ]
    return np.stack(turned)
