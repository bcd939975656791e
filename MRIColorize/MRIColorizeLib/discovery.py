"""What a folder holds to colour: image files and folders of DICOM, each once, in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from .declared import read_text_header
from .errors import InputError
from .files import TEXT_SUFFIXES, stem, suffix
from .naming import OURS

EVERYTHING = ("**/*",)
# Those that `files.read_volume` takes alone; an .img is read through its .hdr.
FILES = (".nii", ".nii.gz", ".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr")
DICOM = (".dcm", ".dicom", ".ima")
# DICOM is also stored without a suffix, under numbers that only look like one.
NO_SUFFIX = re.compile(r"(\.[\d.]*)?")


def find_inputs(folder: Path, patterns: Sequence[str] = EVERYTHING) -> list[Path]:
    """Image files, and folders that hold DICOM themselves, that any of the patterns matches.

    patterns: globs below the folder, as `**/*T1*.nii.gz`; one that matches a DICOM file or its
    folder gives the folder. Left out are hidden files and folders, and our own results and
    segmentations by their names (`_color`, `_tissue`, `_confidence`, `.seg`). Links to folders are
    not followed. Raises InputError for a pattern that is none.
    """
    found: set[Path] = set()
    holds_dicom = cache(_holds_dicom)  # asked once for every file of a series
    for pattern in patterns:
        try:
            if Path(pattern).anchor:
                raise ValueError("a pattern that does not begin at the folder")
            matches = list(folder.glob(pattern))
        except (ValueError, IndexError) as error:
            raise InputError(
                f"--pattern {pattern!r} is no pattern below {folder}; give one such as "
                "'**/*T1*.nii.gz'."
            ) from error
        inputs = (_input_of(path, holds_dicom) for path in matches)
        found.update(path for path in inputs if path is not None)
    found = {path for path in found if not _is_hidden(path, folder)}
    return sorted(found)


def files_of(source: Path) -> list[Path]:
    """The files that an input is made of: its own, those that its header names, or a folder's.

    Raises OSError when the input cannot be seen.
    """
    if source.is_dir():
        return sorted(path for path in source.iterdir() if path.is_file())
    if suffix(source) in TEXT_SUFFIXES:
        with suppress(InputError):  # to be told when it is read
            return [source, *read_text_header(source).files]
    if suffix(source) != ".hdr":
        return [source]
    beside = (path for path in source.parent.iterdir() if path.name.startswith(f"{stem(source)}."))
    return sorted(path for path in beside if path.is_file())


def _input_of(path: Path, holds_dicom: Callable[[Path], bool]) -> Path | None:
    """The input that a matched path belongs to, if it belongs to one."""
    if path.is_dir():
        return path if not path.is_symlink() and holds_dicom(path) else None
    if suffix(path) in FILES:
        return None if stem(path).endswith(OURS) else path
    if suffix(path) == ".img" and path.with_suffix(".hdr").is_file():
        return path.with_suffix(".hdr")
    return path.parent if _may_be_dicom(path) and holds_dicom(path.parent) else None


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _may_be_dicom(path: Path) -> bool:
    ending = path.suffix.lower()
    return ending in DICOM or (
        NO_SUFFIX.fullmatch(ending) is not None
        and path.name != "DICOMDIR"
        and not path.name.startswith(".")
    )


def _holds_dicom(folder: Path) -> bool:
    """Whether a folder itself holds DICOM: files that are called so, or that begin like it."""
    try:
        files = sorted(path for path in folder.iterdir() if _may_be_dicom(path) and path.is_file())
    except OSError:
        return False
    named = any(path.suffix.lower() in DICOM for path in files)
    return named or any(_begins_like_dicom(path) for path in files)


def _begins_like_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
