"""Colour changes where nothing of the tissue changed: padding, cropping, gain, turning, pixels.

Mean CIEDE2000 over the body between the colours of a slice and those of the same slice changed,
brought back to its place. Of the *network*, on its own input at the card's spacing, and of the
*engine*, on volumes (given the same body), whose normalisation, cropping and resampling take up
part of the change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import zoom
from torch import Tensor

from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.model import Model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Volume
from training.evaluate.measures import color_distance, eroded

PADDING = 64  # pixels on every side
CROPPED = 8  # one part in so many is cut off every side
GAIN = 0.85
DEGREES = 10.0
BORDER = 3  # pixels inside the body's outline that turning and resampling blur


@dataclass(frozen=True)
class Change:
    """Mean CIEDE2000 of each probed slice, (S,); of: "network" or "engine"."""

    name: str
    of: str
    ciede2000: np.ndarray


def network_changes(
    model: Model, mri: np.ndarray, mask: np.ndarray, spacing: tuple[float, float]
) -> tuple[Change, ...]:
    """Padding, cropping, gain and turning of slices (S, H, W); spacing: mm of rows and columns."""
    size = tuple(
        max(16, round(n * step / model.card.spacing_mm))
        for n, step in zip(mri.shape[1:], spacing, strict=True)
    )
    image, body = (
        F.interpolate(torch.from_numpy(a.astype(np.float32))[:, None], size, mode="area")
        for a in (mri, mask)
    )
    body = (body > 0.5).float()
    image = image * body
    color = _color(model, image, body)
    height, width = size
    rows, columns = height // CROPPED, width // CROPPED
    inner = (slice(rows, height - rows), slice(columns, width - columns))
    pad = (PADDING,) * 4
    own = (slice(PADDING, PADDING + height), slice(PADDING, PADDING + width))

    def change(name: str, changed: Tensor, there: Tensor, at: Tensor) -> Change:
        return Change(name, "network", _distance(changed, there, at))

    padded = _color(model, F.pad(image, pad), F.pad(body, pad))[(..., *own)]
    cropped = _color(model, image[(..., *inner)], body[(..., *inner)])
    dimmed = _color(model, image * GAIN, body)
    turned = _turn(_color(model, _turn(image, DEGREES), _turn(body, DEGREES)), -DEGREES)
    return (
        change(f"{PADDING} px of padding", padded, color, body),
        change("cropping", cropped, color[(..., *inner)], body[(..., *inner)]),
        change(f"gain {GAIN}", dimmed, color, body),
        change(f"turning by {DEGREES:g} degrees", turned, color, _inside(body)),
    )


def engine_changes(
    colorizer: Colorizer,
    volume: Volume,
    body: np.ndarray,
    plane: str,
    order: tuple[int, int, int],
    index: np.ndarray,
) -> tuple[Change, ...]:
    """Padding, gain and twice the pixels, on a volume of the slices `index` alone."""
    array, mask = (a.transpose(order)[index] for a in (volume.array, body))
    back = tuple(int(axis) for axis in np.argsort(order))

    def color(
        slices: np.ndarray, inside: np.ndarray, finer: int = 1
    ) -> np.ndarray:  # (S, H, W, 3) in [0, 1]
        matrix = volume.ijk_to_ras.copy()
        for axis in order[1:]:
            matrix[:3, 2 - axis] /= finer
        made = replace(volume, array=slices.transpose(back), ijk_to_ras=matrix)
        options = ColorizeOptions(plane=plane, mask=inside.transpose(back))
        return colorizer.colorize(made, options).array.transpose(*order, 3) / np.float32(255)

    before = color(array, mask)
    pad = ((0, 0), (PADDING, PADDING), (PADDING, PADDING))
    low = float(array.min())
    padded = color(np.pad(array, pad, constant_values=low), np.pad(mask, pad))
    padded = padded[:, PADDING:-PADDING, PADDING:-PADDING]
    dimmed = color(array * np.float32(GAIN), mask)
    fine_mask = mask.repeat(2, 1).repeat(2, 2)
    fine = color(zoom(array, (1, 2, 2), order=1, grid_mode=True, mode="nearest"), fine_mask, 2)
    halved = fine.reshape(len(array), mask.shape[1], 2, mask.shape[2], 2, 3).mean(axis=(2, 4))
    inside = eroded(mask, 1)
    pairs: tuple[tuple[str, np.ndarray, np.ndarray], ...] = (
        (f"{PADDING} px of padding", padded, mask),
        (f"gain {GAIN}", dimmed, mask),
        ("twice the pixels", halved, inside),
    )
    return tuple(
        Change(name, "engine", color_distance(changed, before, where).ciede2000)
        for name, changed, where in pairs
    )


@torch.inference_mode()
def _color(model: Model, image: Tensor, body: Tensor) -> Tensor:
    """The network's colours (S, 3, H, W), slice by slice."""
    slices = zip(image.split(1), body.split(1), strict=True)
    colored = [model.generator(a, m, model.card.temperature).color for a, m in slices]
    return torch.cat(colored).clone()


def _turn(image: Tensor, degrees: float) -> Tensor:
    """Turn (S, C, H, W) about its middle; black comes in."""
    angle = torch.deg2rad(torch.tensor(degrees))
    ratio = image.shape[-2] / image.shape[-1]
    rows = (
        (torch.cos(angle), -torch.sin(angle) * ratio, 0.0),
        (torch.sin(angle) / ratio, torch.cos(angle), 0.0),
    )
    matrix = torch.tensor([[float(value) for value in row] for row in rows])
    grid = F.affine_grid(matrix.expand(len(image), -1, -1), list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, align_corners=False)


def _inside(body: Tensor) -> Tensor:
    """The body without its outline, and without what turning moves out of the picture."""
    kept = _turn(_turn(torch.ones_like(body), DEGREES), -DEGREES) > 0.99
    size = 2 * BORDER + 1
    return -F.max_pool2d(-body, size, stride=1, padding=BORDER) * kept


def _distance(first: Tensor, second: Tensor, body: Tensor) -> np.ndarray:
    a, b = (x.permute(0, 2, 3, 1).numpy() for x in (first, second))
    return color_distance(a, b, body[:, 0].numpy() > 0.5).ciede2000
