"""What a file is by how it begins: no image, none that is read here, or NIfTI without a name."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError

BEGIN_BYTES = 1024
DICOMDIR = b"1.2.840.10008.1.3.10"  # Media Storage Directory Storage, in a file's meta information
TO_NIFTI = "convert it to NIfTI"
PAR = (".par", ".PAR")
PAR_REC = f"is of Philips PAR/REC, which is not read; {TO_NIFTI} with: dcm2niix"
# What such a file begins with, and what to say of it.
BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (
        rb"version https://git-lfs\.github\.com/spec/",
        "is a pointer of Git LFS and not the file itself; fetch that with: git lfs pull",
    ),
    (
        rb"[./]*annex/objects/",
        "is a pointer of git-annex and not the file itself; fetch that with: git annex get",
    ),
    (
        rb"(?i)\s*(<!doctype html|<html)",
        "is a web page, as of a login or an error; download the file again",
    ),
    (rb"CDF[\x01\x02]", f"is a MINC 1 file, which is not read; {TO_NIFTI} with: mnc2nii"),
    (rb"# === DATA DESCRIPTION FILE", PAR_REC),
)


def check_foreign(path: Path) -> None:
    """Raise InputError, with the reason, for a file that is known not to be read."""
    with path.open("rb") as file:
        begin = file.read(BEGIN_BYTES)
    for pattern, words in BEGINNINGS:
        if re.match(pattern, begin):
            raise InputError(f"{path} {words}.")
    if begin[128:132] == b"DICM" and DICOMDIR in begin:
        raise InputError(
            f"{path} is the index of a folder of DICOM (DICOMDIR); give the folder that it lies in."
        )
    if path.suffix.lower() == ".rec" and any(path.with_suffix(end).exists() for end in PAR):
        raise InputError(f"{path} {PAR_REC}.")


def begins_like_nifti(path: Path) -> bool:
    """Whether a file without a known ending holds the header of a single NIfTI file."""
    with path.open("rb") as file:
        begin = file.read(BEGIN_BYTES)
    return begin[344:348] == b"n+1\0" or begin[4:8] == b"n+2\0"
