"""The same field of view on fewer or more pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from MRIColorizeLib.volume import Volume
from training.evaluate.cases import Case

FIELD_MARGIN = 1.06  # side of the field of view over the larger side of the body


def field_of_view(side: int, raw: bool) -> Callable[[Case, float], Case]:
    """The same square around the body on side x side pixels.

    raw: the network is fed these pixels as they are (the volume claims the card's spacing);
    else the engine resamples them to the card's spacing, as it always does.
    """

    def change(case: Case, spacing_mm: float) -> Case:
        rows, columns = case.volume.spacing[1], case.volume.spacing[0]
        if case.mask is None:
            raise ValueError(f"{case.name} has no mask, so its field of view is not known.")
        low, high = _box(case.mask)
        extent = max((high[0] - low[0]) * rows, (high[1] - low[1]) * columns) * FIELD_MARGIN
        grid = _square(case.mask.shape, (low + high) / 2, extent, (rows, columns), side)
        step = extent / side

        def resampled(array: np.ndarray, mode: str) -> np.ndarray:
            return _resample(array, grid, step / min(rows, columns), mode)

        mask = resampled(case.mask.astype(np.float32), "bilinear") > 0.5
        truth, labels = case.truth, case.labels
        if labels is not None:
            labels = np.rint(resampled(labels.astype(np.float32), "nearest")).astype(np.uint8)
            mask &= labels > 0
            labels *= mask
        if truth is not None:
            planes = np.moveaxis(truth.astype(np.float32), -1, 0)
            shrunk = np.stack([resampled(plane, "bilinear") for plane in planes], axis=-1)
            truth = (np.rint(shrunk).clip(0, 255) * mask[..., None]).astype(np.uint8)
        shown = spacing_mm if raw else step
        thick = case.volume.spacing[2]
        affine = np.diag([-shown, -shown, thick, 1.0])
        volume = Volume(resampled(case.volume.array, "bilinear"), affine)
        return dataclasses.replace(
            case, volume=volume, mask=mask, labels=labels, truth=truth, plane="axial"
        )

    return change


def _box(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last + 1 row and column of the body in any of the slices."""
    rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    return np.array((rows[0], columns[0])), np.array((rows[-1] + 1, columns[-1] + 1))


def _square(
    shape: tuple[int, ...],
    center: np.ndarray,
    extent: float,
    spacing: tuple[float, float],
    side: int,
) -> torch.Tensor:
    """Sampling grid (1, side, side, 2) of a square of `extent` mm about a place in pixels."""
    offsets = (torch.arange(side) + 0.5 - side / 2) * (extent / side)
    y = 2 * (float(center[0]) + offsets / spacing[0]) / shape[1] - 1
    x = 2 * (float(center[1]) + offsets / spacing[1]) / shape[2] - 1
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack((columns, rows), dim=-1)[None].float()


def _resample(array: np.ndarray, grid: torch.Tensor, factor: float, mode: str) -> np.ndarray:
    """Slices (S, H, W) on the grid; where pixels grow by `factor` they are means, not picks."""
    image = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None]
    if mode == "bilinear" and factor > 1:
        size = [max(1, round(length / factor)) for length in image.shape[-2:]]
        image = F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
    return F.grid_sample(image, grid, mode=mode, align_corners=False)[0].numpy()
