"""Pictures to check prepared MRI by eye: the scan beside its labels in three planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import image as matplotlib_image
from skimage.transform import resize

from MRIColorizeLib.tissue import DISPLAY_RGB


def write_montage(
    path: Path,
    image: np.ndarray,
    labels: np.ndarray,
    spacing: np.ndarray,
    columns: int = 6,
    height: int = 300,
) -> None:
    """Write a PNG with `columns` cuts in each plane, the scan above its label colours.

    image: (K, J, I); labels: uint8 (K, J, I) Tissue codes; spacing: (3,) mm. Rows: axial, coronal,
    sagittal; superior is up, anterior is up on axial and left on sagittal cuts.
    """
    inside = image[labels > 0] if (labels > 0).any() else image
    grey = np.clip(image / max(float(np.percentile(inside, 99.5)), 1e-6), 0, 1)
    rows = []
    for axis in range(3):
        others = [n for n in range(3) if n != axis]
        shape = _shape_in_mm(labels.shape, spacing, others, height)
        cuts = _spread_over_body(labels, axis, columns)
        scans = [_cut(grey, axis, n, shape, order=1) for n in cuts]
        maps = [_cut(labels, axis, n, shape, order=0) for n in cuts]
        rows.append(np.hstack([np.repeat(s[..., None], 3, axis=2) for s in scans]))
        rows.append(np.hstack([DISPLAY_RGB[m.astype(np.uint8)] / 255 for m in maps]))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 3), (0, width - row.shape[1]), (0, 0))) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    matplotlib_image.imsave(path, np.clip(np.vstack(padded), 0, 1))


def _spread_over_body(labels: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Evenly spread indices along `axis` between the first and the last labelled cut."""
    others = tuple(n for n in range(3) if n != axis)
    found = np.flatnonzero((labels > 0).any(axis=others))
    first, last = (found[0], found[-1]) if found.size else (0, labels.shape[axis] - 1)
    places = np.linspace(first, last, count + 2)[1:-1]
    return places.round().astype(int)


def _shape_in_mm(
    shape: tuple[int, ...], spacing: np.ndarray, axes: list[int], height: int
) -> tuple[int, int]:
    rows, columns = (shape[n] * float(spacing[n]) for n in axes)
    return height, max(1, round(height * columns / rows))


def _cut(
    array: np.ndarray, axis: int, index: int, shape: tuple[int, int], order: int
) -> np.ndarray:
    flat = np.take(array, index, axis=axis)
    upright = flat if axis == 0 else flat[::-1]
    return resize(upright, shape, order=order, preserve_range=True, anti_aliasing=False)
