"""Reading an MRI file into an array whose axes run inferior-superior, anterior-posterior, R-L."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation
from scipy import ndimage

from training.errors import TrainingError


class MriReadError(TrainingError):
    """A source file is missing, unreadable or not a three-dimensional image."""


@dataclass(frozen=True)
class Scan:
    """An image of a scanner, or a label map, with its place in space.

    array: (K, J, I); k runs from inferior to superior, j from anterior to posterior, i from right
    to left (to the nearest axis: an oblique scan keeps its own grid). kji_to_ras: (4, 4) float64,
    from (k, j, i, 1) to RAS millimetres.
    """

    array: np.ndarray
    kji_to_ras: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size in mm along k, j, i: float32 (3,)."""
        return np.linalg.norm(self.kji_to_ras[:3, :3], axis=0).astype(np.float32)

    def crop(self, box: tuple[slice, ...]) -> Scan:
        """The part of the scan inside three slices along k, j, i."""
        corner = np.array([part.start or 0 for part in box])
        matrix = self.kji_to_ras.copy()
        matrix[:3, 3] += matrix[:3, :3] @ corner
        return Scan(np.ascontiguousarray(self.array[box]), matrix)

    def with_array(self, array: np.ndarray) -> Scan:
        """Another array on the same grid."""
        return replace(self, array=array)


def read_scan(path: Path) -> Scan:
    """Read NIfTI or MGZ and turn its axes to (K, J, I); values are the stored ones, unscaled.

    The array is uint8, uint16 or float32 for images and int32 for label maps of wider codes.
    Raises MriReadError when the file cannot be read or is not a volume.
    """
    try:
        file = nibabel.load(path)
        stored = file.dataobj
        array = stored.get_unscaled() if hasattr(stored, "get_unscaled") else np.asanyarray(stored)
    except (OSError, nibabel.filebasedimages.ImageFileError) as error:
        raise MriReadError(f"{path} cannot be read: {error}") from error
    if array.ndim != 3:
        raise MriReadError(f"{path} has {array.ndim} dimensions, a volume has 3.")
    turn = nibabel.orientations.ornt_transform(
        io_orientation(file.affine), axcodes2ornt(("L", "P", "S"))
    )
    ijk_to_ras = file.affine @ inv_ornt_aff(turn, array.shape)
    turned = apply_orientation(array, turn).transpose(2, 1, 0)
    return Scan(_plain(turned), ijk_to_ras[:, [2, 1, 0, 3]])


def resample_labels(labels: Scan, onto: Scan) -> np.ndarray:
    """Nearest label of every voxel of another grid, by physical position; 0 outside."""
    matrix = np.linalg.inv(labels.kji_to_ras) @ onto.kji_to_ras
    return ndimage.affine_transform(
        labels.array,
        matrix[:3, :3],
        offset=matrix[:3, 3],
        output_shape=onto.array.shape,
        order=0,
        mode="constant",
        cval=0,
    )


def box_around(mask: np.ndarray, margin: int) -> tuple[slice, ...]:
    """The smallest box that holds every True voxel, `margin` voxels wider, within the array."""
    if not mask.any():
        return tuple(slice(0, size) for size in mask.shape)
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size in zip(found, mask.shape, strict=True)
    )


def _plain(array: np.ndarray) -> np.ndarray:
    """Native byte order, and the narrowest of uint8, uint16, int32, float32 that holds it."""
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array, dtype=np.float32)
    low, high = int(array.min()), int(array.max())
    if low < 0:
        return np.ascontiguousarray(array, dtype=np.int32)
    kind = np.uint8 if high < 256 else np.uint16 if high < 65536 else np.int32
    return np.ascontiguousarray(array, dtype=kind)
