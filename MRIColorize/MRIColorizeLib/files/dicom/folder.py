"""DICOM: the volumes of a folder or file, the one that is coloured, and what is told of the others.

The converter dcm2niix sorts and decodes (`dicom_converter.py`); headers say which files are there
(`dicom_series.py`) and where slices lie (`dicom_places.py`).
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...volume import Volume
from ..headers import Declared, check_declared
from ..packages import FOR_DICOM, require
from .choice import NAMED, Listing, Series, choose, refusal, told_of_others
from .converter import Converted, convert
from .headers import ImageFile
from .places import Misplaced, Placed, place
from .series import Contents, Group, sort_files, why_no_scan
from .source import DicomVolume


@dataclass(frozen=True)
class _Conversion:
    """A volume with the converter's file and its place; both None where there is a fault."""

    series: Series
    nifti: Path | None = None
    placed: Placed | None = None
    inverted: bool = False


def list_series(folder: Path, deep: bool = True) -> Listing:
    """All volumes of DICOM in a folder, and in its subfolders when `deep`.

    Raises DependencyError when the converter is missing.
    """
    require(FOR_DICOM)
    contents = sort_files(_files_in(folder, deep))
    with _converted(contents) as conversions:
        return Listing(tuple(one.series for one in conversions), contents.left_out)


def read_folder(folder: Path, wanted: str | None = None, deep: bool = True) -> Volume:
    """Read one volume of a folder of DICOM: the largest scan, or the one that is wanted.

    wanted: a series' number, or its description or a part of it. What else there is, and files that
    cannot be read, are told in a warning. Raises InputError when there is nothing to read, and
    DependencyError when the converter is missing.
    """
    require(FOR_DICOM)
    contents = sort_files(_files_in(folder, deep))
    with _converted(contents) as conversions:
        listing = Listing(tuple(one.series for one in conversions), contents.left_out)
        chosen = choose(folder, listing, wanted)
        _warn_of_others(folder, listing, chosen)
        return _load(folder, next(one for one in conversions if one.series is chosen))


def read_part(source: Path, files: Sequence[Path], part: int) -> Volume:
    """Read one volume of the series that these files are; as `list_series` has it.

    source: for messages. Raises as `read_folder`.
    """
    require(FOR_DICOM)
    contents = sort_files(files)
    with _converted(contents) as conversions:
        if part >= len(conversions):
            raise InputError(f"{source} has changed since it was looked through; start again.")
        if conversions[part].series.fault:
            raise InputError(refusal(source, conversions[part].series))
        return _load(source, conversions[part])


def read_file(path: Path, wanted: str | None = None) -> Volume:
    """Read a volume of one DICOM file; warns when it is a single slice. Else as `read_folder`."""
    require(FOR_DICOM)
    contents = sort_files([path])
    if contents.left_out:
        raise InputError(f"{path} cannot be used: {contents.left_out[0][1]}; give an MRI.")
    with _converted(contents) as conversions:
        listing = Listing(tuple(one.series for one in conversions), ())
        chosen = choose(path, listing, wanted)
        _warn_of_others(path, listing, chosen)
        return _load(path, next(one for one in conversions if one.series is chosen))


def _warn_of_others(source: Path, listing: Listing, chosen: Series) -> None:
    hint = " --series chooses." if len(listing.series) > 1 else ""
    if told := told_of_others(source, listing, [chosen]):
        warnings.warn(f"{told[0]}{hint}", stacklevel=3)
    for sentence in told[1:]:
        warnings.warn(sentence, stacklevel=3)


def _files_in(folder: Path, deep: bool) -> list[Path]:
    """Regular files, hidden ones left out."""
    found = []
    for directory, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if deep and not name.startswith("."))
        found += [Path(directory, name) for name in names if not name.startswith(".")]
    return [path for path in found if path.is_file()]


@contextmanager
def _converted(contents: Contents) -> Iterator[list[_Conversion]]:
    """The volumes of all series; their files are there as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="mri-colorize-") as room:
        conversions: list[_Conversion] = []
        for count, (number, group) in enumerate(
            zip(contents.numbers, contents.groups, strict=True)
        ):
            corner = Path(room) / str(count)
            corner.mkdir()
            conversions += _volumes_of(number, group, corner)
        yield conversions


def _volumes_of(number: str, group: Group, room: Path) -> list[_Conversion]:
    first = group.first
    plain = Series(
        number=number,
        description=first.description or "without a description",
        size=(),
        spacing=(),
        modality=first.modality,
        image_type=first.image_type,
        fault="",
        doubt=why_no_scan(first, ()),
        notes=(),
        files=tuple(sorted(file.path for file in group.files)),
        part=0,
    )
    if group.dropped:
        names = ", ".join(path.name for path in group.dropped[:NAMED])
        plain = replace(plain, notes=(f"doubles of other files are left out ({names})",))
    if first.samples != 1:
        fault = "colour pictures; give the grey MRI"
        return [_Conversion(replace(plain, fault=fault, doubt=fault))]
    try:
        volumes = convert(group.files, room)
    except InputError as error:
        return [_Conversion(replace(plain, fault=str(error).rstrip(".")))]
    conversions = [_volume_of(plain, group.files, one) for one in volumes]
    if _is_localizer(conversions):
        doubt = "a localizer: three directions in one series"
        conversions = [replace(one, series=replace(one.series, doubt=doubt)) for one in conversions]
    if len(conversions) > 1:
        conversions = [
            replace(one, series=replace(one.series, number=f"{number}.{n + 1}", part=n))
            for n, one in enumerate(conversions)
        ]
    return conversions


def _is_localizer(conversions: Sequence[_Conversion]) -> bool:
    """Whether volumes of one series lie across each other in three directions."""
    across: list[np.ndarray] = []
    for one in conversions:
        if one.placed is not None:
            normal = np.cross(*one.placed.ijk_to_ras[:3, :2].T)
            normal /= np.linalg.norm(normal)
            if all(abs(normal @ other) < 0.5 for other in across):
                across.append(normal)
    return len(across) == 3


def _volume_of(plain: Series, files: Sequence[ImageFile], converted: Converted) -> _Conversion:
    """One volume: its size, its place, and what is wrong or doubtful."""
    import nibabel

    told = converted.sidecar.get("ImageType") or ()
    words = tuple(str(word) for word in told) if isinstance(told, list) else ()
    name = f"{plain.description} {converted.part}".strip()
    doubt = why_no_scan(files[0], (*words, converted.part))
    series = replace(plain, description=name, doubt=doubt, image_type=words or plain.image_type)
    # It logs what it repairs in a header; what matters is checked here.
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
    image: Any = nibabel.load(converted.nifti)
    shape = (*image.shape, 1)[:3]
    if len(image.shape) > 3 and image.shape[3] > 1:
        fault = f"{image.shape[3]} volumes in one (over time, or of several contrasts)"
        converted.nifti.unlink()
        return _Conversion(replace(series, size=shape, fault=fault, doubt=fault))
    try:
        placed = place(image, files)
    except Misplaced as fault:
        return _Conversion(replace(series, size=shape, fault=str(fault)))
    spacing = tuple(float(n) for n in np.linalg.norm(placed.ijk_to_ras[:3, :3], axis=0))
    notes = [*series.notes, *placed.notes]
    if shape[2] == 1:
        slice_ = "" if files[0].instance is None else f", image {files[0].instance}"
        notes.append(f"a single slice{slice_}, one of many in most series; give the whole series")
    size = (*shape[:2], placed.count)
    series = replace(series, size=size, spacing=spacing, notes=tuple(notes))
    inverted = files[0].photometric == "MONOCHROME1"
    return _Conversion(series, converted.nifti, placed, inverted)


def _load(source: Path, conversion: _Conversion) -> Volume:
    """The voxels on DICOM's axes: i along a row, j along a column, k so that they are right-handed.

    Warns of what the volume has to be told of.
    """
    import nibabel

    series, placed = conversion.series, conversion.placed
    if conversion.nifti is None or placed is None:
        raise InputError(refusal(source, series))
    told = [*series.notes, *([series.doubt] if series.doubt else [])]
    if told:
        name = f"{source}: {series.number} '{series.description}'"
        warnings.warn(f"{name}: {'; '.join(told)}.", stacklevel=2)
    image: Any = nibabel.load(conversion.nifti)
    count = int(np.prod(image.shape))
    declared = count * image.get_data_dtype().itemsize
    check_declared(source, Declared(count, declared, conversion.nifti.stat().st_size, packed=False))
    array = placed.read(image.dataobj.get_unscaled())
    if conversion.inverted:  # white stands for the smallest value
        array = array.min() + array.max() - array
    return DicomVolume(array, placed.ijk_to_ras, placed.sources)
