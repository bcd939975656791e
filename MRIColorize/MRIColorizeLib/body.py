"""The body in an MRI: tissue and the cavities inside it, told from air."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import SimpleITK as sitk

from .volume import bounding_box

# Otsu's threshold parts bright tissue from the rest; air noise lies far below it.
BODY_FRACTION_OF_OTSU = 0.35
# Where nine tenths of what is left out stay below this share of the body's median, it is air. In
# heads, brains and chests it is at most 0.22, in a neck without air whose CSF outshines all 0.6.
AIR_FRACTION_OF_BODY = 0.5
# The discrete Gaussian of a variance of 0.7 voxels (Lindeberg 1990), from the middle outwards: the
# modified Bessel functions exp(-0.7) I_n(0.7), cut off after n = 2 and made to sum to 1.
GAUSSIAN = (0.56381634, 0.18615935, 0.03193248)
# Slices handled at once: whole volumes of temporaries cost memory, and slabs stay in the cache.
SLAB = 16
OTSU_BINS = 128


def find_body(array: np.ndarray) -> np.ndarray:
    """Mask of the body, inner cavities included: bool (K, J, I).

    array: (K, J, I) float32, finite, not constant. A fraction of Otsu's threshold on the smoothed
    volume, its large parts, holes filled slice by slice in all three directions (sinuses and lungs
    open to the outside in single slices only). A volume with no air around comes back as all true.
    """
    return find_body_between(array, *np.percentile(array, (0.5, 99.5)))


def find_body_between(array: np.ndarray, low: float, high: float) -> np.ndarray:
    """The same, when the volume's 0.5th and 99.5th percentiles are known."""
    if high <= low:
        low, high = float(array.min()), float(array.max())

    def clipped(part: np.ndarray) -> np.ndarray:
        scaled = np.subtract(part, np.float32(low), dtype=np.float32)
        scaled /= np.float32(high - low)
        return np.clip(scaled, 0, 1, out=scaled)

    smooth = _smoothed(array, clipped)
    threshold = max(_otsu(smooth) * BODY_FRACTION_OF_OTSU, 0.01)
    bright = (smooth > threshold).view(np.uint8)
    del smooth  # the largest array here
    body = _large_parts(sitk.GetImageFromArray(bright))
    if not body.any():
        return np.ones(array.shape, dtype=bool)
    box = bounding_box(body, (1, 1, 1))  # from here on, air far from the body is left alone
    inside, values = body[box], array[box]
    # The smoothed body is a voxel too wide: what is dark in the volume itself goes again.
    for part in _slabs(len(inside)):
        inside[part] &= clipped(values[part]) > threshold
    inside[...] = fill_slices(_close(inside))
    return body if _is_air(array, body, low) else np.ones(array.shape, dtype=bool)


def _slabs(count: int) -> Iterator[slice]:
    """Slices along the first axis, SLAB at a time."""
    for start in range(0, count, SLAB):
        yield slice(start, min(start + SLAB, count))


def _smoothed(array: np.ndarray, prepare: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The prepared volume under GAUSSIAN, its borders repeated: float32 (K, J, I)."""
    smooth = np.empty(array.shape, dtype=np.float32)
    reach = len(GAUSSIAN) - 1
    for part in _slabs(len(array)):
        around = np.arange(part.start - reach, part.stop + reach).clip(0, len(array) - 1)
        slab = np.pad(prepare(array[around]), ((0, 0), (reach, reach), (reach, reach)), "edge")
        for axis in range(3):
            slab = _blurred(slab, axis)
        smooth[part] = slab
    return smooth


def _blurred(slab: np.ndarray, axis: int) -> np.ndarray:
    """GAUSSIAN along one axis, which loses its border."""
    reach = len(GAUSSIAN) - 1
    first = np.moveaxis(slab, axis, 0)
    size = len(first) - 2 * reach
    total = first[reach : reach + size] * np.float32(GAUSSIAN[0])
    pair = np.empty_like(total)
    for distance in range(1, reach + 1):
        before, after = reach - distance, reach + distance
        np.add(first[before : before + size], first[after : after + size], out=pair)
        pair *= np.float32(GAUSSIAN[distance])
        total += pair
    return np.moveaxis(total, 0, axis)


def _otsu(smooth: np.ndarray) -> float:
    """Otsu's threshold (1979) from a histogram of OTSU_BINS between the extremes."""
    low, high = float(smooth.min()), float(smooth.max())
    if high <= low:
        return low
    counts = np.zeros(OTSU_BINS, dtype=np.int64)
    for part in _slabs(len(smooth)):
        places = ((smooth[part] - low) * (OTSU_BINS / (high - low))).astype(np.uint8)
        counts += np.bincount(places.ravel().clip(max=OTSU_BINS - 1), minlength=OTSU_BINS)
    edges = np.linspace(low, high, OTSU_BINS + 1)
    weight = np.cumsum(counts)
    first_moment = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    below, above = weight[:-1], weight[-1] - weight[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (
            below
            * above
            * (first_moment[:-1] / below - (first_moment[-1] - first_moment[:-1]) / above) ** 2
        )
    return float(edges[1 + np.nanargmax(between)])


def _large_parts(bright: sitk.Image) -> np.ndarray:
    """The connected parts of at least a fiftieth of the largest one: bool (K, J, I)."""
    components = sitk.ConnectedComponent(bright)
    labels = sitk.GetArrayViewFromImage(components)
    sizes = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    for part in _slabs(len(labels)):
        found = np.bincount(labels[part].ravel())
        sizes[: found.size] += found
    sizes[0] = 0
    large = sizes >= max(0.02 * sizes.max(), 1)
    return np.concatenate([large[labels[part]] for part in _slabs(len(labels))])


def _close(mask: np.ndarray) -> np.ndarray:
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


def fill_slices(mask: np.ndarray) -> np.ndarray:
    """Fill holes of every slice along each of the three array axes, one after the other.

    mask: bool (K, J, I). A hole is what the slice's border cannot reach over shared pixel sides.
    """
    filled = mask.copy()
    for axis in range(3):
        slices = np.moveaxis(filled, axis, 0)
        for part in _slabs(len(slices)):
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


def _is_air(array: np.ndarray, body: np.ndarray, low: float) -> bool:
    """Whether what lies outside the body is dark enough to be air; about a million voxels tell."""
    step = max(1, round((array.size / 1_000_000) ** (1 / 3)))
    values, inside = (each[::step, ::step, ::step] for each in (array, body))
    if inside.all() or not inside.any():
        return True
    outside = np.percentile(values[~inside], 90) - low
    return bool(outside <= AIR_FRACTION_OF_BODY * (np.median(values[inside]) - low))
