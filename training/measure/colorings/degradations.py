"""Worse MRI of the same slices: noise, bias field, lost resolution, another size of the picture."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from MRIColorizeLib.volume import Volume
from training.measure.cases.cases import Case

# What the percentage of noise is of: the level of the body's brightest tissue.
BRIGHT_PERCENTILE = 99.5
FIELD_MARGIN = 1.06  # side of the field of view over the larger side of the body
# (a case of few axial slices, the card's mm a pixel) -> the case to colour
Change = Callable[[Case, float], Case]


def unchanged(case: Case, spacing_mm: float) -> Case:
    """The MRI as it is."""
    return case


def rician_noise(percent: float) -> Change:
    """Magnitude of signal and complex Gaussian noise, sigma in percent of the brightest tissue."""

    def change(case: Case, spacing_mm: float) -> Case:
        array = case.volume.array
        sigma = percent / 100 * float(np.percentile(array[_body(case)], BRIGHT_PERCENTILE))
        rng = np.random.default_rng(zlib.crc32(f"{case.name} {percent}".encode()))
        real, imaginary = sigma * rng.standard_normal((2, *array.shape), dtype=np.float32)
        return _with(case, np.hypot(array + real, imaginary))

    return change


def bias_field(percent: float) -> Change:
    """A coil's sensitivity: a smooth factor across the slice, from 1 - p to 1 + p at its corners.

    The mean of a ramp along the rows and one along the columns, the same in every slice.
    """

    def change(case: Case, spacing_mm: float) -> Case:
        rows, columns = (np.linspace(-1, 1, n) for n in case.volume.array.shape[1:])
        shape = (rows[:, None] + columns[None, :]) / 2  # from corner to corner
        return _with(case, case.volume.array * (1 + percent / 100 * shape))

    return change


def coarser(factor: float) -> Change:
    """Pixels of `factor` times the side within the slice, brought back to the grid linearly."""

    def change(case: Case, spacing_mm: float) -> Case:
        image = torch.from_numpy(np.ascontiguousarray(case.volume.array))[:, None]
        size = [max(2, round(n / factor)) for n in image.shape[-2:]]
        coarse = F.interpolate(image, size, mode="area")
        back = F.interpolate(coarse, image.shape[-2:], mode="bilinear", align_corners=False)
        return _with(case, back[:, 0].numpy())

    return change


def field_of_view(side: int, raw: bool) -> Change:
    """The same square around the body on side x side pixels.

    raw: the network is fed these pixels as they are (the volume claims the card's spacing);
    else the engine resamples them to the card's spacing, as it always does.
    """

    def change(case: Case, spacing_mm: float) -> Case:
        rows, columns = case.volume.spacing[1], case.volume.spacing[0]
        body = _body(case)
        low, high = _box(body)
        extent = max((high[0] - low[0]) * rows, (high[1] - low[1]) * columns) * FIELD_MARGIN
        grid = _square(body.shape, (low + high) / 2, extent, (rows, columns), side)
        step = extent / side

        def resampled(array: np.ndarray, mode: str) -> np.ndarray:
            return _resample(array, grid, step / min(rows, columns), mode)

        mask = resampled(body.astype(np.float32), "bilinear") > 0.5
        truth, labels = case.truth, case.labels
        if labels is not None:
            labels = np.rint(resampled(labels.astype(np.float32), "nearest")).astype(np.uint8)
            mask &= labels > 0  # both kinds of resampling draw the outline a little otherwise
            labels *= mask
        if truth is not None:
            planes = np.moveaxis(truth.astype(np.float32), -1, 0)
            shrunk = np.stack([resampled(plane, "bilinear") for plane in planes], axis=-1)
            truth = (np.rint(shrunk).clip(0, 255) * mask[..., None]).astype(np.uint8)
        shown = spacing_mm if raw else step
        affine = np.diag([-shown, -shown, case.volume.spacing[2], 1.0])
        volume = Volume(resampled(case.volume.array, "bilinear"), affine)
        return replace(case, volume=volume, mask=mask, labels=labels, truth=truth, plane="axial")

    return change


def _with(case: Case, array: np.ndarray) -> Case:
    volume = Volume(array.astype(np.float32), case.volume.ijk_to_ras)
    return replace(case, volume=volume)


def _body(case: Case) -> np.ndarray:
    if case.mask is None:
        raise ValueError(f"{case.name} has no mask, so its body is not known.")
    return case.mask


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
