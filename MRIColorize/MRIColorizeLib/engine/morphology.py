"""Masks: their large parts, their gaps and their holes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk

# Slices handled at once: whole volumes of temporaries cost memory, and slabs stay in the cache.
SLAB = 16


def slabs(count: int) -> Iterator[slice]:
    """Slices along the first axis, SLAB at a time."""
    for start in range(0, count, SLAB):
        yield slice(start, min(start + SLAB, count))


def large_parts(mask: np.ndarray) -> np.ndarray:
    """The connected parts of at least a fiftieth of the largest one: bool (K, J, I), as given."""
    components = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.view(np.uint8)))
    labels = sitk.GetArrayViewFromImage(components)
    sizes = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    for part in slabs(len(labels)):
        counts = np.bincount(labels[part].ravel())
        sizes[: counts.size] += counts
    sizes[0] = 0
    large = sizes >= max(0.02 * sizes.max(), 1)
    return np.concatenate([large[labels[part]] for part in slabs(len(labels))])


def grow(mask: np.ndarray) -> np.ndarray:
    """The mask and the 18 neighbours, by a face or an edge, of its voxels: bool (K, J, I)."""
    return _with_neighbours(mask, np.logical_or)


def close(mask: np.ndarray) -> np.ndarray:
    """Morphological closing with a voxel and the 18 neighbours that share a face or an edge."""
    grown = np.pad(mask, 1)
    grown = _with_neighbours(grown, np.logical_or)
    return _with_neighbours(grown, np.logical_and)[1:-1, 1:-1, 1:-1]


def _with_neighbours(mask: np.ndarray, join: np.ufunc) -> np.ndarray:
    """Each voxel joined with its 18 neighbours: the three squares of 3 by 3 around it."""
    along_k, along_j = _along(mask, 0, join), _along(mask, 1, join)
    result = _along(along_k, 1, join)
    join(result, _along(along_k, 2, join), out=result)
    return join(result, _along(along_j, 2, join), out=result)


def _along(mask: np.ndarray, axis: int, join: np.ufunc) -> np.ndarray:
    """Each voxel joined with the two beside it along an axis."""
    result = mask.copy()
    before, after = np.moveaxis(mask, axis, 0)[:-1], np.moveaxis(mask, axis, 0)[1:]
    seen = np.moveaxis(result, axis, 0)
    join(seen[1:], before, out=seen[1:])
    join(seen[:-1], after, out=seen[:-1])
    return result


def without_thin(mask: np.ndarray) -> np.ndarray:
    """What cubes of 2 by 2 by 2 voxels inside the mask cover: bool (K, J, I), as given.

    Along an axis of a single voxel, the cube is one voxel deep.
    """
    thick = np.empty_like(mask)
    for part in slabs(len(mask)):
        start = max(part.start - 1, 0)
        slab = mask[start : part.stop + 1].copy()
        axes = [axis for axis in range(3) if mask.shape[axis] > 1]
        for axis in axes:
            first = np.moveaxis(slab, axis, 0)
            first[:-1] &= first[1:]
            first[-1] = False
        for axis in axes:
            first = np.moveaxis(slab, axis, 0)
            first[1:] |= first[:-1]
        thick[part] = slab[part.start - start :][: part.stop - part.start]
    return thick


def fill_slices(mask: np.ndarray) -> np.ndarray:
    """Fill holes of every slice along each of the three array axes, one after the other.

    mask: bool (K, J, I). A hole is what the slice's border cannot reach over shared pixel sides.
    """
    filled = mask.copy()
    for axis in range(3):
        slices = np.moveaxis(filled, axis, 0)
        for part in slabs(len(slices)):
            _fill(slices[part])
    return filled


def _fill(slices: np.ndarray) -> None:
    """Fill the holes of these slices, bool (n, H, W), in place.

    They lie one above the other as one picture, each in a frame of outside: one search finds the
    outside of all of them.
    """
    count, rows, columns = slices.shape
    outside = np.ones((count, rows + 2, columns + 2), dtype=np.uint8)
    np.logical_not(slices, out=outside[:, 1:-1, 1:-1], casting="unsafe")
    components = sitk.ConnectedComponent(sitk.GetImageFromArray(outside.reshape(-1, columns + 2)))
    labels = sitk.GetArrayViewFromImage(components).reshape(outside.shape)
    np.not_equal(labels[:, 1:-1, 1:-1], labels[0, 0, 0], out=slices)
