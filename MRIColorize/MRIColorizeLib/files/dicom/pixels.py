"""Which image of a DICOM file each slice of a converted volume is: rows of both are compared.

A converter that mixes slices up makes a picture that looks like a head. So what it made is held
against its files, as far as their pixels are not compressed.
"""

from __future__ import annotations

import numpy as np

from .headers import ImageFile

# Rows of a slice that are looked at, as shares of its height.
ROWS = (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6)


def rows_of_file(file: ImageFile) -> np.ndarray:
    """Rows of every image of a file, (frames, rows x columns); NaN when they are compressed."""
    if file.number_format is None:
        return np.full((file.frames, len(ROWS) * file.columns), np.nan)
    form, size = np.dtype(file.number_format), file.rows * file.columns
    begin = file.pixels[0]
    rows = np.empty((file.frames, len(ROWS), file.columns))
    with file.path.open("rb") as stream:
        for frame in range(file.frames):
            for number, row in enumerate(_rows(file.rows)):
                stream.seek(begin + (frame * size + row * file.columns) * form.itemsize)
                read = stream.read(file.columns * form.itemsize)
                rows[frame, number] = np.frombuffer(read, form)
    return rows.reshape(file.frames, -1)


def rows_of_volume(stored: np.ndarray, turned_i: bool, turned_j: bool) -> np.ndarray:
    """The same rows of every slice of a NIfTI volume, (K, rows x columns).

    stored: voxels as they lie in the file, (I, J, K). turned_i, turned_j: whether its axes run
    against DICOM's.
    """
    shape = stored.shape
    count = shape[2] if len(shape) > 2 else 1
    rows = np.empty((count, len(ROWS), shape[0]))
    for number, row in enumerate(_rows(shape[1])):
        j = shape[1] - 1 - row if turned_j else row
        part = np.asarray(stored[:, j], dtype=np.float64).reshape(shape[0], count)
        rows[:, number] = (part[::-1] if turned_i else part).T
    return rows.reshape(count, -1)


def match(
    slices: np.ndarray, images: np.ndarray, distances: np.ndarray, furthest: float
) -> np.ndarray:
    """The image that each slice is, -1 for none; no image is taken twice.

    slices (K, n) and images (m, n): rows; of an image whose rows are not known, NaN. distances:
    (K, m) from where the converter puts a slice to where an image lies; the nearest of those with
    the same rows is taken, and of those without rows one that is not further than `furthest`.
    """
    unknown = np.isnan(images).any(axis=1)
    kinds: dict[bytes, int] = {}
    of_slices, of_images = (
        np.array([kinds.setdefault(row.tobytes(), len(kinds)) for row in rows])
        for rows in (slices, images)
    )
    same = of_slices[:, None] == of_images
    fits = np.where(unknown, distances <= furthest, same)
    cost = np.where(fits, distances, np.inf)
    found = np.full(len(slices), -1)
    # Slices with the fewest images that could be theirs choose first.
    for k in np.argsort(fits.sum(axis=1), kind="stable"):
        best = int(cost[k].argmin())
        if np.isfinite(cost[k, best]):
            found[k] = best
            cost[:, best] = np.inf
    return found


def _rows(height: int) -> list[int]:
    return [min(height - 1, int(share * height)) for share in ROWS]
