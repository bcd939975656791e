"""The body in an MRI, told from the air around it, and the window of its intensities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..volume import bounding_box
from .background import Background, faces, find_background
from .bias import BiasField, estimate_bias, spread
from .morphology import close, fill_slices, grow, large_parts, slabs, without_thin

# Otsu's threshold parts bright tissue from the rest; air noise lies far below it.
BODY_FRACTION_OF_OTSU = 0.35
# What is darker than that, down to this share of it, is body as well where it is no mere rim: the
# muscle and skin beside the fat of a T2-weighted knee.
WEAK_FRACTION = 0.2
# Tissue is at least this many times as bright as air is typically. Weak tissue, because the body's
# ghosts are several times as bright as noise; they fade with the coil's field.
WEAK_OF_AIR = 3.5
# Any tissue: smoothed noise never is (Rayleigh: mean 1.25 and deviation 0.16 beside its own in
# the coil).
LEAST_OF_AIR = 1.9
# The field lowers the limit of weak tissue only where it is below one part in so many: in heads it
# isn't, and far from a surface coil it is.
FADED = 2.0
# The mean of Rayleigh's distribution beside its deviation; and the deviation of white noise from
# itself under GAUSSIAN, beside its own.
MEAN_OF_NOISE = 1.91
RESIDUE = 0.84
FIELD_BLOCKS = 20  # along an axis at most, of the field
ROUNDS = 2  # of finding tissue and field by turns
# Where nine tenths of what is left out stay below this share of the body's median, it is air. In
# heads, brains and chests it is at most 0.22, in a neck without air whose CSF outshines all 0.6.
AIR_FRACTION_OF_BODY = 0.5
# A body that leaves less of the volume is all of it: some dark voxels are no air.
MOST_OF_VOLUME = 0.995
# Amid a constant that isn't the darkest, all else is body: somebody masked the image. Unless the
# bright part of it is less than this share: then there is air as well, and the constant fills up.
MOST_OF_REST = 0.75
# Air whose noise spans the intensities (MP2RAGE) is this many times as rough as tissue, whose
# tenth percentile counts, and this rough at least beside the range of intensities.
ROUGH_RATIO = 4.0
ROUGH = 0.04
# The discrete Gaussian of a variance of 0.7 voxels (Lindeberg 1990), from the middle outwards: the
# modified Bessel functions exp(-0.7) I_n(0.7), cut off after n = 2 and made to sum to 1.
GAUSSIAN = (0.56381634, 0.18615935, 0.03193248)
OTSU_BINS = 128
DARKEST = 0.01  # share of the range that tissue has at least
SAMPLES = 64  # along an axis at most, where a part of the voxels tells a level

# Body voxels brighter than this percentile are clipped to 1; training uses the same.
UPPER_PERCENTILE = 99.5

Prepare = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Window:
    """The intensities that become 0 and 1."""

    low: float
    high: float

    def scale(self, array: np.ndarray) -> np.ndarray:
        """float32 of any shape, from `low` to `high` onto 0 to 1, clipped."""
        return np.clip((array - self.low) / (self.high - self.low), 0, 1).astype(np.float32)


def normalize(array: np.ndarray, mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scale a volume to [0, 1] and find the body.

    array: (K, J, I) float32, finite, not constant. mask: bool (K, J, I), the body if known.
    Returns float32 (K, J, I) in [0, 1], 0 outside the body, and the body's mask (bool).
    """
    window, body = find_window(array, mask)
    return np.where(body, window.scale(array), np.float32(0)), body


def find_window(array: np.ndarray, mask: np.ndarray | None = None) -> tuple[Window, np.ndarray]:
    """The window that `normalize` scales with, and the body's mask, bool (K, J, I).

    It goes from the background's level (the volume's 0.5th percentile, a padding left out) to the
    body's 99.5th percentile.
    """
    background = find_background(array)
    low = background.low
    body = find_body(array, background) if mask is None else mask
    # A copy either way, which the percentile may then sort in place.
    inside = array[body] if body.any() else array.ravel().copy()
    high = float(np.percentile(inside, UPPER_PERCENTILE, overwrite_input=True))
    if high <= low:
        low, high = float(array.min()), float(array.max())
    return Window(low, high), body


def find_body(array: np.ndarray, background: Background | None = None) -> np.ndarray:
    """Mask of the body, inner cavities included: bool (K, J, I).

    array: (K, J, I) float32, finite, not constant. background: as of `find_background`, if known.
    The smoothed volume above a fraction of Otsu's threshold where the coil's field is taken into
    account, its large parts, holes filled slice by slice in all three directions (sinuses and lungs
    open to the outside in single slices only). A volume with no air around comes back as all true.
    """
    background = background or find_background(array)
    clipped = _clipping(array, background)
    body = _bright(array, clipped)
    has_air = body.mean() <= MOST_OF_VOLUME and _is_air(array, body, clipped)
    constant = background.constant
    if constant is not None and constant > background.low:
        rest = large_parts(array != np.float32(constant))
        if not has_air or body.sum() > MOST_OF_REST * rest.sum():
            return _joined(rest)
    return body if has_air else _quiet(array, clipped)


def _clipping(array: np.ndarray, background: Background) -> Prepare:
    """What brings intensities to [0, 1], from the darkest to the brightest, a constant to 0."""
    low, high, constant = background.low, background.high, background.constant
    if high <= low:
        low, high = float(array.min()), float(array.max())

    def clipped(part: np.ndarray) -> np.ndarray:
        scaled = np.subtract(part, np.float32(low), dtype=np.float32)
        scaled /= np.float32(high - low)
        if constant is not None and constant > low:
            scaled[part == np.float32(constant)] = 0
        return np.clip(scaled, 0, 1, out=scaled)

    return clipped


def _joined(body: np.ndarray) -> np.ndarray:
    """The body with its gaps closed and its holes filled, in place; all true where it's empty."""
    if not body.any():
        body[...] = True
        return body
    box = bounding_box(body, (1, 1, 1))  # air far from the body is left alone
    body[box] = fill_slices(close(body[box]))
    return body


@dataclass(frozen=True)
class _Limits:
    """How bright tissue is at least, place by place.

    field: the coil's. strong, weak: the limits where the field is 1. noise: the limit wherever the
    field makes them less.
    """

    field: BiasField
    strong: float
    weak: float
    noise: float

    def at(self, k: slice, j: slice, i: slice) -> tuple[np.ndarray, np.ndarray]:
        """The limits of tissue, and of weak tissue, in these slices, rows and columns."""
        field = self.field.at(k, j, i)
        weak = _faded(field) * np.float32(self.weak)
        field *= np.float32(self.strong)
        noise = np.float32(self.noise)
        return np.maximum(field, noise, out=field), np.maximum(weak, noise, out=weak)


def _faded(field: np.ndarray) -> np.ndarray:
    """The field that counts for weak tissue: 1 where it is little less than that."""
    return np.maximum(field, np.minimum(np.float32(FADED) * field, 1))


def _bright(array: np.ndarray, clipped: Prepare) -> np.ndarray:
    """The body by its brightness: bool (K, J, I)."""
    smooth = _smoothed(array, clipped)
    limits = _limits(array, smooth, clipped)
    bright, weak = np.empty(array.shape, dtype=bool), np.empty(array.shape, dtype=bool)
    for part in slabs(len(array)):
        upper, lower = limits.at(part, slice(None), slice(None))
        np.greater(smooth[part], upper, out=bright[part])
        np.greater(smooth[part], lower, out=weak[part])
    del smooth  # the largest array here
    weak ^= bright
    weak = without_thin(weak)
    bright |= weak
    body = large_parts(bright)
    del bright
    k, j, i = bounding_box(body, (0, 0, 0))
    # The smoothed body is a voxel too wide: what is dark in the volume itself goes again.
    for part in slabs(k.stop - k.start):
        here = slice(k.start + part.start, k.start + part.stop)
        upper, _ = limits.at(here, j, i)
        body[here, j, i] &= weak[here, j, i] | (clipped(array[here, j, i]) > upper)
    return _joined(body)


def _limits(array: np.ndarray, smooth: np.ndarray, clipped: Prepare) -> _Limits:
    """The limits of a volume and its smoothed form, from a part of their voxels.

    The field is found in the tissue that stands out, and with it more of the tissue far from the
    coil stands out.
    """
    places = [spread(count, SAMPLES) for count in smooth.shape]
    seen, sharp = smooth[np.ix_(*places)], clipped(array[np.ix_(*places)])
    strong = max(_otsu(seen) * BODY_FRACTION_OF_OTSU, DARKEST)
    air = _air(seen, sharp, strong)
    least = max(LEAST_OF_AIR * air, WEAK_FRACTION * DARKEST)
    weak = min(max(WEAK_FRACTION * strong, WEAK_OF_AIR * air), strong)
    field = np.ones_like(seen)
    for _ in range(ROUNDS):
        estimate = estimate_bias(seen, seen > np.maximum(weak * _faded(field), least), FIELD_BLOCKS)
        field = estimate.at(*(slice(None),) * 3)
        strong = max(_otsu(np.minimum(seen / field, 1)) * BODY_FRACTION_OF_OTSU, DARKEST)
        weak = min(max(WEAK_FRACTION * strong, WEAK_OF_AIR * air), strong)
    # The samples span a little less than the volume: a hundredth, which such a field doesn't show.
    return _Limits(replace(estimate, shape=smooth.shape), strong, weak, min(least, strong))


def _air(smooth: np.ndarray, sharp: np.ndarray, limit: float) -> float:
    """The typical intensity of air: of noise as rough as what lies below the limit.

    Or the tenth percentile of it, where noise is smooth since the image was interpolated.
    """
    dark = (smooth <= limit) & (sharp > 0)  # zeros: somebody wrote them
    if not dark.any():
        return 0.0
    spread_of_noise = 1.48 * float(np.median(np.abs(sharp - smooth)[dark])) / RESIDUE
    return max(MEAN_OF_NOISE * spread_of_noise, float(np.percentile(smooth[dark], 10)))


def _quiet(array: np.ndarray, clipped: Prepare) -> np.ndarray:
    """The body amid noise that spans the intensities, or all true where there's none such."""
    rough = _smoothed(array, clipped)
    for part in slabs(len(array)):
        np.abs(clipped(array[part]) - rough[part], out=rough[part])
    rough = _smoothed(rough, lambda part: part)
    air = float(np.median(faces(rough)))
    tissue = float(np.percentile(rough[np.ix_(*(spread(n, SAMPLES) for n in rough.shape))], 10))
    if air < max(ROUGH_RATIO * tissue, ROUGH):
        return np.ones(array.shape, dtype=bool)
    calm = large_parts(rough < np.float32(np.sqrt(air * max(tissue, ROUGH / 10))))
    return _joined(grow(calm))  # the smoothed noise reaches into the body


def _smoothed(array: np.ndarray, prepare: Prepare) -> np.ndarray:
    """The prepared volume under GAUSSIAN, its borders repeated: float32 (K, J, I)."""
    smooth = np.empty(array.shape, dtype=np.float32)
    reach = len(GAUSSIAN) - 1
    for part in slabs(len(array)):
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
    for part in slabs(len(smooth)):
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


def _is_air(array: np.ndarray, body: np.ndarray, clipped: Prepare) -> bool:
    """Whether what lies outside the body is dark enough to be air; a part of the voxels tells."""
    seen = np.ix_(*(spread(count, SAMPLES) for count in array.shape))
    values, inside = clipped(array[seen]), body[seen]
    if inside.all() or not inside.any():
        return True
    outside = np.percentile(values[~inside], 90)
    return bool(outside <= AIR_FRACTION_OF_BODY * np.median(values[inside]))
