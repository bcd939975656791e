"""Kinds of image files by their names, and what is refused of any of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError

PAIR_SUFFIXES = (".hdr", ".img", ".hdr.gz", ".img.gz")
TEXT_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
NIBABEL_SUFFIXES = (".nii", ".nii.gz", *PAIR_SUFFIXES, ".mgz", ".mgh")
IMAGE_SUFFIXES = (*NIBABEL_SUFFIXES, *TEXT_SUFFIXES, ".dcm")
READABLE = "a NIfTI, NRRD, MHA or MGZ file, or a folder of DICOM"
TIFF_SUFFIXES = (".tif", ".tiff")
# ITK's world is LPS, ours is RAS.
LPS_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


def suffix(path: Path) -> str:
    """The image suffix of a file name in lower case, `.nii.gz` whole, or "" when it has none."""
    name = path.name.lower()
    known = [ending for ending in IMAGE_SUFFIXES if name.endswith(ending)]
    return max(known, key=len, default="")


def stem(path: Path) -> str:
    """The file or folder name without its image suffix."""
    return path.name[: len(path.name) - len(suffix(path))] or path.name


def check_name(path: Path) -> None:
    """Refuse names that are no text: they would end the process inside of ITK."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"The name of {path} is not UTF-8; rename it.") from error


def refuse_kind(
    path: Path, shape: tuple[int, ...], components: int, complex_numbers: bool, color: bool
) -> None:
    """Raise InputError for what is no 3D volume of one real number in each voxel.

    shape: without trailing ones; color: whether several components are a colour.
    """
    if complex_numbers:
        raise InputError(f"{path} holds complex numbers; give the magnitude image.")
    if color:
        raise InputError(f"{path} is already a colour image; give the grey MRI it was made from.")
    if components != 1:
        raise InputError(f"{path} has {components} values in each voxel; give a volume with one.")
    if len(shape) < 3:
        raise InputError(f"{path} is a {len(shape)}D picture; give a 3D volume.")
    if len(shape) > 3:
        frames = "x".join(str(n) for n in shape[3:])
        raise InputError(
            f"{path} has {len(shape)} dimensions ({frames} volumes); give one of them as a 3D "
            "file, or colour all of them in Slicer."
        )


def refuse_geometry(path: Path, affine: np.ndarray) -> None:
    """Raise InputError for axes that span no space; ITK would say less, or repair them."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (lengths == 0).any():
        raise InputError(f"{path} has a zero or non-finite spacing; correct its header.")
    if abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        raise InputError(f"{path} has singular axis directions; correct its header.")


def damaged(path: Path) -> InputError:
    """What is wrong with a file whose voxels end too early or cannot be unpacked."""
    return InputError(f"{path} is damaged or cut off; its voxels cannot be read.")
