"""Where the slices of a converted volume lie, by the headers of the images that they are.

Every slice has to be there once, evenly spaced and in line. The converter drops a shear without a
word, may take two volumes for one, and orders some files wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .headers import ImageFile
from .pixels import match, rows_of_file, rows_of_volume

LPS_TO_RAS = np.array((-1.0, -1.0, 1.0))
# Directions are one when a corner of a slice of 250 mm is off by less than 1 mm.
SAME_DIRECTION = np.cos(1.0 / 250)
SAME_SPACING = 1e-3  # of it; headers round
SAME_PLACE = 0.02  # mm
# How far a slice may lie beside the even grid, as a share of the voxel's length there: beyond the
# first it is told, beyond the second refused.
TOLD, REFUSED = 0.05, 0.5


class Misplaced(Exception):
    """A volume whose slices are not where a grid has them; the text says why in a few words."""


@dataclass(frozen=True)
class Placed:
    """A volume on DICOM's own axes: i along a row, j along a column, k right-handed to both.

    ijk_to_ras: (4, 4) mm. turned_i, turned_j: whether the converter's axes run against these.
    order: the converter's slices from the lowest k up. places: their k, rising from 0; what lies
    between is missing. scales: their slopes and intercepts, (slices, 2). sources: the files that
    hold them, each once. notes: what to tell.
    """

    ijk_to_ras: np.ndarray
    turned_i: bool
    turned_j: bool
    order: np.ndarray
    places: np.ndarray
    scales: np.ndarray
    sources: tuple[ImageFile, ...]
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Slices, with those that are missing."""
        return int(self.places[-1]) + 1

    def read(self, stored: np.ndarray) -> np.ndarray:
        """The voxels (K, J, I) on these axes as scaled float32, of the converter's (I, J, K).

        Missing slices lie linearly between their neighbours.
        """
        columns, rows = stored.shape[:2]
        turn = tuple(
            slice(None, None, -1 if turned else 1) for turned in (self.turned_j, self.turned_i)
        )
        stored = stored.reshape(columns, rows, -1)
        array = np.empty((self.count, rows, columns), dtype=np.float32)
        for number, k, (slope, intercept) in zip(self.order, self.places, self.scales, strict=True):
            array[k] = stored[:, :, number].T[turn] * np.float64(slope) + np.float64(intercept)
        for below, above in pairwise(self.places):
            for k in range(below + 1, above):
                share = np.float32((k - below) / (above - below))
                array[k] = (1 - share) * array[below] + share * array[above]
        return array


@dataclass(frozen=True)
class _Images:
    """The images that may be a volume's slices: positions (m, 3) RAS mm, rows (m, n), axes (2, 3).

    scales: (m, 2). spacing: from row to row and from column to column, mm. files: of each image.
    """

    positions: np.ndarray
    rows: np.ndarray
    scales: np.ndarray
    axes: np.ndarray
    spacing: np.ndarray
    files: tuple[ImageFile, ...]

    @property
    def normal(self) -> np.ndarray:
        return np.cross(*self.axes)


def place(image: Any, files: Sequence[ImageFile]) -> Placed:
    """Lay a volume of the converter, as nibabel has it, on the places of its images.

    Raises Misplaced.
    """
    shape, affine = (*image.shape, 1)[:3], np.asarray(image.affine, dtype=np.float64)
    if not any(np.isfinite(file.positions).any() for file in files):
        raise Misplaced("no position: its headers do not say where its images lie")
    if any(_is_mosaic(file, shape) for file in files):
        return _mosaic(affine, shape, files)
    images = _images(affine, shape, files)
    if not len(images.positions):
        raise Misplaced("no image of the converted size, spacing and direction")
    turned_i, turned_j = (bool(axis @ affine[:3, n] < 0) for n, axis in enumerate(images.axes))
    corner = np.array(((shape[0] - 1) * turned_i, (shape[1] - 1) * turned_j, 0, 1))
    expected = (affine @ corner)[:3] + np.arange(shape[2])[:, None] * affine[:3, 2]
    gap = float(abs(images.normal @ affine[:3, 2])) or 1.0
    distances = np.abs((expected @ images.normal)[:, None] - images.positions @ images.normal)
    slices = rows_of_volume(image.dataobj.get_unscaled(), turned_i, turned_j)
    found = match(slices, images.rows, distances, gap / 2)
    if (found < 0).any():
        raise Misplaced(f"{(found < 0).sum()} of {len(found)} slices are no image of its files")
    order = np.argsort(images.positions[found] @ images.normal, kind="stable")
    positions = images.positions[found[order]]
    places, step, notes = _grid(positions, images, gap)
    return Placed(
        ijk_to_ras=_affine(images, step, positions[0]),
        turned_i=turned_i,
        turned_j=turned_j,
        order=order,
        places=places,
        scales=images.scales[found[order]],
        sources=_each_once([images.files[number] for number in found[order]]),
        notes=notes,
    )


def _grid(
    positions: np.ndarray, images: _Images, thickness: float
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The k of slices that are in order, the step from one k to the next, and what to tell."""
    count = len(positions)
    if count == 1:
        return np.zeros(1, dtype=int), images.normal * thickness, ()
    gaps = np.diff(positions @ images.normal)
    doubled = np.linalg.norm(np.diff(positions, axis=0), axis=1) < SAME_PLACE
    if doubled.any():
        raise Misplaced(
            f"{count} images at {count - doubled.sum()} places: volumes that nothing tells apart, "
            "or doubles"
        )
    told = f"gaps of {gaps.min():.2f} to {gaps.max():.2f} mm"
    steps = np.rint(gaps / np.median(gaps)).astype(int) if np.median(gaps) > SAME_PLACE else [0]
    places = np.concatenate(([0], np.cumsum(steps)))
    missing = int(places[-1]) + 1 - count
    if min(steps) < 1 or missing > count:
        raise Misplaced(f"its slices are missing, unevenly spaced or out of line ({told})")
    step = (positions[-1] - positions[0]) / places[-1]
    off = positions - (positions[0] + places[:, None] * step)
    along = np.abs(off @ images.normal)
    across = np.linalg.norm(off - (off @ images.normal)[:, None] * images.normal, axis=1)
    share = max(along.max() / (step @ images.normal), across.max() / images.spacing.min())
    if share > REFUSED:
        raise Misplaced(f"its slices are unevenly spaced or out of line ({told})")
    notes = []
    if missing:
        notes.append(
            f"{missing} of {places[-1] + 1} slices are missing and were filled in from their "
            f"neighbours ({told})"
        )
    if share > TOLD:
        largest = np.linalg.norm(off, axis=1).max()
        notes.append(f"its slices lie up to {largest:.2f} mm beside an even grid ({told})")
    return places, step, tuple(notes)


def _affine(images: _Images, step: np.ndarray, first: np.ndarray) -> np.ndarray:
    result = np.eye(4)
    result[:3, 0] = images.axes[0] * images.spacing[1]
    result[:3, 1] = images.axes[1] * images.spacing[0]
    result[:3, 2], result[:3, 3] = step, first
    return result


def _images(affine: np.ndarray, shape: tuple[int, ...], files: Sequence[ImageFile]) -> _Images:
    """The images that have the volume's size, directions and spacing."""
    lengths = np.linalg.norm(affine[:3, :2], axis=0)
    axes = affine[:3, :2].T / lengths[:, None]
    parts: list[tuple[np.ndarray, ...]] = []
    holders: list[ImageFile] = []
    for file in files:
        if (file.columns, file.rows) != shape[:2]:
            continue
        directions = file.directions.reshape(-1, 2, 3) * LPS_TO_RAS
        along = np.abs((directions * axes).sum(axis=2)).min(axis=1) > SAME_DIRECTION
        even = np.abs(file.spacings / lengths[::-1] - 1).max(axis=1) < SAME_SPACING
        fits = along & even & np.isfinite(file.positions).all(axis=1)
        here = (
            file.positions * LPS_TO_RAS,
            rows_of_file(file),
            file.scales,
            directions,
            file.spacings,
        )
        parts.append(tuple(part[fits] for part in here))
        holders += [file] * int(fits.sum())
    if not sum(len(part[0]) for part in parts):
        nothing = np.empty((0, 3))
        return _Images(nothing, nothing, nothing, np.eye(3)[:2], np.ones(2), ())
    positions, all_rows, scales, directions, spacings = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    row, column = directions.mean(axis=0)
    row /= np.linalg.norm(row)
    column -= (column @ row) * row
    column /= np.linalg.norm(column)
    axes = np.array((row, column))
    return _Images(positions, all_rows, scales, axes, np.median(spacings, axis=0), tuple(holders))


def _each_once(files: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    return tuple({file.path: file for file in files}.values())


def _is_mosaic(file: ImageFile, shape: tuple[int, ...]) -> bool:
    """Whether a file is a sheet with the slices of a volume as tiles, as Siemens writes them."""
    return "MOSAIC" in file.image_type and file.columns > shape[0] and file.rows > shape[1]


def _mosaic(affine: np.ndarray, shape: tuple[int, ...], files: Sequence[ImageFile]) -> Placed:
    """The converter's own grid, when its first or last slice lies where the sheet has it.

    The sheet's position is that of a slice as large as the sheet and with the same centre.
    """
    file = next(file for file in files if _is_mosaic(file, shape))
    row, column = file.directions[0].reshape(2, 3)
    margin = np.array((file.rows - shape[1], file.columns - shape[0])) / 2 * file.spacings[0]
    first = (file.positions[0] + row * margin[1] + column * margin[0]) * LPS_TO_RAS
    i, j, k = (np.array((0, length - 1)) for length in shape)
    corners = np.stack([axis.ravel() for axis in np.meshgrid(i, j, k, (1,))])
    off = np.linalg.norm((affine @ corners)[:3] - first[:, None], axis=0).min()
    if not off < file.spacings[0].min() / 2:
        raise Misplaced("a mosaic whose tiles lie elsewhere than its header says")
    note = "a mosaic, taken apart; where its slices lie is the converter's reading"
    slices = np.arange(shape[2])
    scales = np.broadcast_to(file.scales[0], (shape[2], 2))
    return Placed(affine, False, False, slices, slices, scales, (file,), (note,))
