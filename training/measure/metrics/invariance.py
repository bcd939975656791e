"""Colour changes where nothing of the tissue changed: padding, cropping, gain, turning, pixels.

Mean CIEDE2000 over the body between the colours of a slice and those of the same slice changed,
brought back to its place. Here of the *network*, on its own input at the card's spacing; for the
*engine*, whose normalisation and resampling take up part of the change, see `engine_invariance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.network.model import Model
from training.measure.metrics.measures import color_distance

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
    sides = [n * step for n, step in zip(mri.shape[1:], spacing, strict=True)]
    pixel = model.card.scale.spacing_mm(sides[0], sides[1])
    size = tuple(max(16, round(side / pixel)) for side in sides)
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
    return color_distance(a, b, body[:, 0].numpy() > 0.5)
