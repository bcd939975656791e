"""A folder of DICOM: its series, the largest one, its slices in order and whether they are even."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError
from .files import IMAGE_SUFFIXES, check_name, read_with_itk, suffix
from .silence import silenced
from .volume import Volume

if TYPE_CHECKING:
    import SimpleITK as sitk

# Gaps that differ more than this share of the usual gap are told; scanners round to about 1e-3.
UNEVEN = 0.05


def read_folder(folder: Path) -> Volume:
    """Read the largest series of single-channel images in a folder and its subfolders.

    Warns when there are several series or when slices are missing; raises InputError when there is
    none, or when it holds several images of the same place.
    """
    return _read_largest(folder, find_series(folder))


def read_flat_folder(folder: Path) -> Volume:
    """Read the largest series that lies in the folder itself; otherwise as `read_folder`."""
    return _read_largest(folder, _largest_first(series_in(folder)))


def _read_largest(folder: Path, series: list[list[Path]]) -> Volume:
    if not series:
        raise InputError(
            f"{folder} holds no DICOM images; give the folder that does, or files.{_others(folder)}"
        )
    grey = [files for files in series if _is_grey(files[0])]
    # With screenshots only, reading the first of them says that they are colour.
    files = (grey or series)[0]
    if len(grey) > 1:
        warnings.warn(
            f"{folder} holds {len(grey)} series; the largest is taken "
            f"({len(files)} files, {_describe(files[0])}).",
            stacklevel=3,
        )
    _check_positions(folder, files)
    if (modality := _told(files[0], "0008|0060")) not in ("", "MR"):
        warnings.warn(
            f"{folder} holds images of modality {modality}; colours are made for MRI.",
            stacklevel=3,
        )
    return read_with_itk(files)


def _others(folder: Path) -> str:
    """What to do with a folder of image files of another kind; "" when there are none."""
    count = sum(suffix(path) in IMAGE_SUFFIXES for path in folder.iterdir() if path.is_file())
    if not count:
        return ""
    return f" It holds {count} other image files: `mri-colorize batch` colours all of a folder."


def find_series(folder: Path) -> list[list[Path]]:
    """All series below a folder, largest first; the files of each in the order of their slices."""
    found: list[list[Path]] = []
    for directory, _, names in sorted(os.walk(folder)):
        if names:
            found += series_in(Path(directory))
    return _largest_first(found)


def series_in(directory: Path) -> list[list[Path]]:
    """The series in a directory itself; the files of each in the order of their slices.

    Raises InputError when GDCM gives up at a damaged header.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    for path in directory.iterdir():
        if path.is_file():
            check_name(path)
    try:
        with silenced():
            return [
                [
                    Path(name)
                    for name in sitk.ImageSeriesReader.GetGDCMSeriesFileNames(
                        str(directory), identity, useSeriesDetails=True
                    )
                ]
                for identity in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(directory), True)
            ]
    except RuntimeError as error:
        raise InputError(
            f"{directory} holds a DICOM file whose header is damaged; leave it out or get the "
            "series again."
        ) from error


def _largest_first(series: list[list[Path]]) -> list[list[Path]]:
    return sorted(series, key=lambda files: -sum(file.stat().st_size for file in files))


def _header(file: Path) -> sitk.ImageFileReader:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    try:
        with silenced():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{file} is damaged; leave it out or get the series again.") from error
    return reader


def _is_grey(file: Path) -> bool:
    try:
        return _header(file).GetNumberOfComponents() == 1
    except InputError:
        return False


def _describe(file: Path) -> str:
    """The series' own description, for a message."""
    return _told(file, "0008|103e") or "without a description"


def _told(file: Path, key: str) -> str:
    """What a header says under a key ("group|element"); "" for nothing."""
    header = _header(file)
    return header.GetMetaData(key).strip() if header.HasMetaDataKey(key) else ""


def _check_positions(folder: Path, files: list[Path]) -> None:
    """Refuse several images of one place; warn about uneven gaps."""
    if len(files) < 2:
        return
    headers = [_header(file) for file in files]
    normal = np.array(headers[0].GetDirection()).reshape(3, 3)[:, 2]
    positions = np.array([header.GetOrigin() for header in headers]) @ normal
    gaps = np.abs(np.diff(positions))
    usual = float(np.median(gaps))
    if gaps.min() < 1e-3 * max(usual, 1.0):
        raise InputError(
            f"{folder} holds a series with several images of the same place (over time, or of "
            "several contrasts); give one volume of it."
        )
    if (np.abs(gaps - usual) > UNEVEN * usual).any():
        warnings.warn(
            f"{folder}: slices are missing or unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f}"
            " mm); distances along them are approximate.",
            stacklevel=4,
        )
