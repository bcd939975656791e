"""Volumes and their geometry: what is good input, which plane to slice, how slices are laid out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError
from .notes import tell
from .provenance import Provenance
from .tissue import CLASSES

if TYPE_CHECKING:
    from .engine.recoloring import TissueMixture

# An acquisition plane is believed when slices are this many times thicker than the pixels.
THICK_SLICE_RATIO = 2.0
# Sections that are lower or narrower than this many mm show less than any field of view that the
# models that ship were trained on; a slab has such sections across its slices.
SMALLEST_SECTION_MM = 100.0
# Axis of the patient (R, A, S) that a plane's slices follow one another along.
PLANE_NORMAL = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Volume:
    """A scalar volume: `array` (K, J, I) float32, `ijk_to_ras` (4, 4) float64 in mm."""

    array: np.ndarray
    ijk_to_ras: np.ndarray

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along i, j, k in mm."""
        lengths = np.linalg.norm(np.asarray(self.ijk_to_ras, dtype=float)[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])


@dataclass(frozen=True)
class ColorVolume:
    """The result, on the input's grid.

    array: uint8 (K, J, I, 3) RGB; mask: bool (K, J, I), the body; tissue: uint8 (K, J, I) codes of
    `tissue.Tissue`, or None when the model has no tissue map; ijk_to_ras: (4, 4) mm.
    confidence: uint8 (K, J, I), 0 to 255 for a probability of the most probable tissue of 0 to 1,
    and 0 outside the body; classes: how many tissues the model tells apart; mixture: what
    `recoloring.recolor` needs. Both only when asked for, and
    None when the model has no tissue map.
    """

    array: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray | None
    ijk_to_ras: np.ndarray
    provenance: Provenance
    confidence: np.ndarray | None = None
    mixture: TissueMixture | None = None
    classes: int = CLASSES


def check_volume(volume: Volume) -> Volume:
    """Return the volume as finite float32, or raise InputError with the reason it cannot be used.

    NaN and infinite voxels become the smallest finite value (background), with one warning.
    """
    array = np.asarray(volume.array)
    _check_geometry(volume)
    if array.ndim != 3:
        raise InputError(
            f"The volume has {array.ndim} dimensions; give one 3D scalar volume "
            "(take one frame of a sequence, one channel of a colour image)."
        )
    if array.size == 0:
        raise InputError("The volume is empty (a size of zero); load one with voxels.")
    if array.dtype == np.bool_ or not (
        np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    ):
        raise InputError(f"The voxels are {array.dtype}; give real numbers.")
    if sorted(array.shape)[1] < 2:
        raise InputError(
            f"The volume has only {'x'.join(map(str, array.shape[::-1]))} voxels; "
            "give at least one slice of 2x2."
        )
    if array.dtype.itemsize > 8:  # what long doubles hold beyond float64 becomes infinite
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.any():
        raise InputError("No voxel has a finite value; check how the volume was made.")
    known = array if finite.all() else array[finite]
    low, high = float(known.min()), float(known.max())
    if low == high:
        raise InputError(f"Every voxel has the same value ({low:g}); there is nothing to colour.")
    if not finite.all():
        count = int(array.size - finite.sum())
        tell(f"{count} voxels are NaN or infinite; they are treated as background.", stacklevel=2)
        array = np.where(finite, array, low)
    # Ranges that float32 does not hold, or not apart from their offset, are brought to [0, 1].
    span, largest = high - low, max(abs(low), abs(high))
    if not np.isfinite(span) or largest > 1e30 or span < max(1e-30, 1e-4 * largest):
        scaled = array.astype(np.float64) / largest
        array = scaled - scaled.min()
        array = array / array.max()
    return replace(volume, array=np.ascontiguousarray(array, dtype=np.float32))


def _check_geometry(volume: Volume) -> None:
    matrix = np.asarray(volume.ijk_to_ras, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError("The volume's geometry is not finite; correct its spacing and origin.")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if (lengths < 1e-6).any():
        raise InputError("The volume has a spacing of zero; correct its spacing.")
    if abs(np.linalg.det(matrix[:3, :3] / lengths)) < 1e-3:
        raise InputError("The volume's axis directions are singular; correct its direction matrix.")


def nearest_axes(ijk_to_ras: np.ndarray) -> tuple[int, int, int]:
    """For the patient axes R, A, S: the nearest array axis (0 K, 1 J, 2 I), all different."""
    matrix = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3]
    cosines = np.abs(matrix / np.linalg.norm(matrix, axis=0))  # rows R A S, columns i j k
    best = max(
        ((r, a, s) for r in range(3) for a in range(3) for s in range(3) if len({r, a, s}) == 3),
        key=lambda columns: sum(cosines[row, column] for row, column in enumerate(columns)),
    )
    return 2 - best[0], 2 - best[1], 2 - best[2]


def choose_plane(volume: Volume, plane: str) -> str:
    """The plane where one is taken: the acquisition plane of thick slices, else axial.

    A plane that was chosen comes back as it is.
    """
    if plane in PLANE_NORMAL:
        return plane
    axes = nearest_axes(volume.ijk_to_ras)
    spacing = volume.spacing[::-1]  # along array axes K, J, I
    # A single slice can only be seen in its own plane, whatever its thickness.
    if min(volume.array.shape) == 1:
        across = int(np.argmin(volume.array.shape))
    elif max(spacing) > THICK_SLICE_RATIO * min(spacing):
        across = int(np.argmax(spacing))
    else:
        return "axial"
    return next(name for name, normal in PLANE_NORMAL.items() if axes[normal] == across)


def planes_to_color(volume: Volume, plane: str, fast: bool = False) -> tuple[str, ...]:
    """The planes whose slices are coloured: one, or all that show a picture.

    All for "consensus". All for "auto" where the voxels are nearly cubic and no side of the volume
    is shorter than SMALLEST_SECTION_MM, unless it is to be fast. A volume that is one voxel thin
    has no picture in the planes across it. The plane that is best taken alone is the last.
    """
    is_thick = max(volume.spacing) > THICK_SLICE_RATIO * min(volume.spacing)
    sides = np.multiply(volume.array.shape, volume.spacing[::-1])
    one = fast or is_thick or min(sides) < SMALLEST_SECTION_MM
    if plane in PLANE_NORMAL or (plane == "auto" and one):
        return (choose_plane(volume, plane),)
    shape = volume.array.shape
    return tuple(
        name
        for name in ("sagittal", "coronal", "axial")
        if min(shape[axis] for axis in slice_order(volume, name)[1:]) > 1
    )


def slice_order(volume: Volume, plane: str) -> tuple[int, int, int]:
    """Array axes as (slice, row, column) for a plane; rows run along A or S, columns along R or A.

    `array.transpose(order)` gives the slices; `.transpose(np.argsort(order))` brings them back.
    """
    axes = nearest_axes(volume.ijk_to_ras)
    normal = PLANE_NORMAL[plane]
    row = axes[1] if normal == 2 else axes[2]
    column = axes[1] if normal == 0 else axes[0]
    return axes[normal], row, column


def bounding_box(mask: np.ndarray, margin: tuple[int, ...]) -> tuple[slice, ...]:
    """Smallest box (one slice object an axis) around a mask, grown by `margin` voxels an axis.

    An empty mask gives the whole array.
    """
    box = []
    for axis in range(mask.ndim):
        present = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if present.size == 0:
            return tuple(slice(0, n) for n in mask.shape)
        start = max(int(present[0]) - margin[axis], 0)
        box.append(slice(start, min(int(present[-1]) + 1 + margin[axis], mask.shape[axis])))
    return tuple(box)
