"""Where a NIfTI header says that its voxels lie: its two forms, which of them holds, what differs.

The rule is that of the NIfTI standard and of nibabel: the sform where its code is above 0, else the
qform, else the voxel sizes alone (method 1), which say nothing of place and orientation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..volume import Volume

# Millimetres of the units of length: NIFTI_UNITS_METER and NIFTI_UNITS_MICRON of nifti1.h.
MILLIMETRES = {1: 1000.0, 3: 0.001}
UNIT_BITS = 7  # of xyzt_units; the others hold the unit of time
ALIGNED = 2  # NIFTI_XFORM_ALIGNED_ANAT: to another image, as SPM says of its .mat
CODES = (-32768, 32767)  # what NIfTI-1 has room for
ROWS = ("srow_x", "srow_y", "srow_z")
QUATERNION = ("quatern_b", "quatern_c", "quatern_d")
OFFSET = ("qoffset_x", "qoffset_y", "qoffset_z")
# How voxels are taken to lie where nothing is said, as nibabel does.
ASSUMED = (
    "taken as stored from right to left, back to front and bottom to top; check left and right"
)
SMALLEST_DETERMINANT = 1e-3  # of axes of length 1; below it they lie in a plane


@dataclass(frozen=True)
class NiftiForms:
    """What a NIfTI header states of its place, each number as it is stored.

    pixdim: qfac and the three voxel sizes; quaternion, offset: of the qform; rows: the twelve
    numbers of the sform; units: NIfTI's code of the unit of all lengths (2 for mm).
    """

    qform_code: int
    sform_code: int
    pixdim: tuple[float, ...]
    quaternion: tuple[float, ...]
    offset: tuple[float, ...]
    rows: tuple[float, ...]
    units: int

    @classmethod
    def of(cls, header: Any) -> NiftiForms:
        """What a header of nibabel's holds, of NIfTI-1 or NIfTI-2, in any byte order."""
        return cls(
            qform_code=int(np.clip(header["qform_code"], *CODES)),
            sform_code=int(np.clip(header["sform_code"], *CODES)),
            pixdim=tuple(float(step) for step in header["pixdim"][:4]),
            quaternion=tuple(float(header[name]) for name in QUATERNION),
            offset=tuple(float(header[name]) for name in OFFSET),
            rows=tuple(float(number) for row in ROWS for number in header[row]),
            units=int(header["xyzt_units"]) & UNIT_BITS,
        )

    def put(self, header: Any) -> None:
        """Write them into a header of nibabel's; those of NIfTI-2 are rounded to float32."""
        header["qform_code"], header["sform_code"] = self.qform_code, self.sform_code
        header["xyzt_units"] = self.units
        with np.errstate(over="ignore"):
            header["pixdim"][:4] = self.pixdim
            for name, number in zip(
                QUATERNION + OFFSET, self.quaternion + self.offset, strict=True
            ):
                header[name] = number
            for row, numbers in zip(ROWS, np.reshape(self.rows, (3, 4)), strict=True):
                header[row] = numbers


@dataclass(frozen=True)
class NiftiVolume(Volume):
    """A volume of a file that states its place by forms; a NIfTI made of it states the same."""

    forms: NiftiForms


def place_of(path: Path, header: Any, stored: NiftiForms, shape: tuple[int, ...]) -> np.ndarray:
    """ijk_to_ras (4, 4) in mm by a NIfTI header, for a volume of this shape.

    header: nibabel's, repaired by it; stored: what the file holds. Warns where the header says
    nothing usable, and where its two forms differ by more than half a voxel. Raises InputError when
    its only form is damaged.
    """
    sform = _usable(header.get_sform) if int(header["sform_code"]) > 0 else None
    qform = _usable(header.get_qform) if int(header["qform_code"]) > 0 else None
    lost = [
        name
        for name, form in (("sform", sform), ("qform", qform))
        if form is None and int(header[f"{name}_code"]) > 0
    ]
    millimetres = MILLIMETRES.get(stored.units, 1.0)
    in_mm = np.diag((millimetres, millimetres, millimetres, 1.0))
    _tell_sizes(path, stored, placed=sform is not None)
    if sform is None and qform is None:
        if "qform" in lost:
            raise InputError(f"{path} has a damaged qform and no usable sform; correct its header.")
        why = "its sform is damaged" if lost else "its sform and qform have the code 0"
        _warn(f"{path} does not say where it lies ({why}): {ASSUMED}.")
        return in_mm @ header.get_base_affine()
    taken = "sform" if sform is not None else "qform"
    if lost:
        _warn(f"{path}: its {lost[0]} is damaged (zero, not finite or flat); its {taken} is taken.")
    if sform is not None and qform is not None:
        _compare(path, in_mm @ sform, in_mm @ qform, shape)
    return in_mm @ (sform if sform is not None else qform)


def analyze_forms(path: Path, affine: np.ndarray, header: Any, has_mat: bool) -> NiftiForms:
    """The forms that stand for an Analyze file's place, which has none itself.

    affine: ijk_to_ras (4, 4) as nibabel has it, from SPM's .mat or from the header alone; then a
    warning says that the orientation is unknown.
    """
    import nibabel

    nifti = nibabel.Nifti1Header()
    nifti["pixdim"][1:4] = header.get_zooms()[:3]
    if has_mat or header.get("origin", np.zeros(1)).any():
        nifti.set_sform(affine, ALIGNED)
        nifti.set_qform(affine, ALIGNED, strip_shears=True)
    if not has_mat:
        _warn(f"{path} is an Analyze file, which does not say how it lies: {ASSUMED}.")
    return NiftiForms.of(nifti)


def _usable(form: Callable[[], np.ndarray]) -> np.ndarray | None:
    """A form of a header, or None when it is flat, not finite, or its quaternion no rotation."""
    try:
        affine = form()
    except ValueError:
        return None
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not np.isfinite(lengths).all() or (lengths == 0).any():
        return None
    flat = abs(np.linalg.det(affine[:3, :3] / lengths)) < SMALLEST_DETERMINANT
    return None if flat else affine


def _tell_sizes(path: Path, stored: NiftiForms, placed: bool) -> None:
    """Warn of voxel sizes that are no sizes, as far as they matter to this or another program."""
    sizes = stored.pixdim[1:]
    if any(size < 0 for size in sizes):
        _warn(f"{path} has a negative voxel size, taken as positive; other programs may mirror it.")
    if not placed and 0 in sizes:
        _warn(f"{path} has a voxel size of 0, taken as 1 mm; correct its header.")


def _compare(path: Path, sform: np.ndarray, qform: np.ndarray, shape: tuple[int, ...]) -> None:
    """Warn when two affines differ by more than half a voxel: most at one of the corners."""
    ends = np.array(np.meshgrid(*((0, n - 1) for n in shape[:3]))).reshape(3, -1)
    corners = np.vstack((ends, np.ones(ends.shape[1])))
    apart = float(np.linalg.norm(((sform - qform) @ corners)[:3], axis=0).max())
    if apart > np.linalg.norm(sform[:3, :3], axis=0).min() / 2:
        _warn(
            f"{path}: its sform and qform lay it up to {apart:.1f} mm apart; the sform is taken, "
            "and programs that take the qform show it elsewhere."
        )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=4)
