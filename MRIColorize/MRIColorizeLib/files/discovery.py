"""What a folder holds to colour: image files and folders of DICOM, each once, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..errors import InputError
from .dicom.headers import looks_like_dicom
from .dicom.series import DICOM_SUFFIXES
from .headers import read_text_header
from .kinds import TEXT_SUFFIXES, stem, suffix
from .naming import OURS

EVERYTHING = ("**/*",)
# Those that `files.read_volume` takes alone; an .img is read through its .hdr.
FILES = (".nii", ".nii.gz", ".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr")


def find_inputs(folder: Path, patterns: Sequence[str] = EVERYTHING) -> list[Path]:
    """Image files, and folders that hold DICOM themselves, that any of the patterns matches.

    patterns: globs below the folder, as `**/*T1*.nii.gz`; one that matches a DICOM file or its
    folder gives the folder. Left out are hidden files and folders, and our own results and
    segmentations by their names (`_color`, `_tissue`, `_confidence`, `.seg`). Links to folders are
    not followed. Raises InputError for a pattern that is none.
    """
    inputs: set[Path] = set()
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
        for match in matches:
            if (path := _input_of(match, holds_dicom, inputs)) is not None:
                inputs.add(path)
    inputs = {path for path in inputs if not _is_hidden(path, folder)}
    return sorted(inputs)


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


def _input_of(path: Path, holds_dicom: Callable[[Path], bool], inputs: set[Path]) -> Path | None:
    """The input that a matched path belongs to, if it belongs to one that is not found yet."""
    if path.is_dir():
        return path if not path.is_symlink() and holds_dicom(path) else None
    if suffix(path) in FILES:
        return None if stem(path).endswith(OURS) else path
    if suffix(path) == ".img" and path.with_suffix(".hdr").is_file():
        return path.with_suffix(".hdr")
    if path.parent in inputs:  # which spares opening every file of a series
        return None
    return path.parent if _is_dicom(path) else None


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _holds_dicom(folder: Path) -> bool:
    """Whether a folder itself holds DICOM."""
    try:
        return any(_is_dicom(path) for path in sorted(folder.iterdir()))
    except OSError:
        return False


def _is_dicom(path: Path) -> bool:
    """Whether a file is called DICOM, or begins like it whatever it is called."""
    if path.name.startswith(".") or path.name == "DICOMDIR" or suffix(path) in FILES:
        return False
    named = path.suffix.lower() in DICOM_SUFFIXES
    return path.is_file() and (named or looks_like_dicom(path))
