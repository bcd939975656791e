"""The files of a folder of DICOM, by series, without doubles; what is a scan and what is none."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .headers import ImageFile, looks_like_dicom, read_headers

# Names that promise DICOM; a file of such a name that is none is told.
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
# Values of Image Type (0008,0008) from its third on, and words of descriptions: DICOM PS3.3 C.8.13,
# and those of Siemens, GE, Philips and Canon.
MAPS = {
    *("ADC", "EADC", "FA", "COLFA", "TENSOR", "DIFFUSION MAP", "CBF", "CBV", "MTT", "TTP", "TMAX"),
    *("RELCBF", "RELCBV", "RELMTT", "RCBF", "RCBV", "PERFUSION MAP", "T1 MAP", "T2 MAP", "T2* MAP"),
    *("T2_STAR_MAP", "T2STAR MAP", "R2 MAP", "R2* MAP", "R2_STAR_MAP", "PD MAP", "FIELD_MAP"),
    *("FIELD MAP", "B0 MAP", "B1 MAP", "VELOCITY", "VELOCITY MAP", "PROTON DENSITY MAP"),
}
PHASES = {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}
PROJECTIONS = {"PROJECTION IMAGE", "MIP", "MINIP", "MNIP", "MIN_IP", "MAX_IP"}
SCREENS = {"SCREEN SAVE", "SCREENSHOT", "SCREEN_SAVE", "SECONDARY CAPTURE"}
SCOUT = re.compile(r"locali[sz]er|scout|survey|scanogram|3[ -]?pl(ane)?[ _-]?loc", re.IGNORECASE)
MAP_WORD = re.compile(r"(?<![A-Za-z])(e?ADC|FA|r?CBF|r?CBV|MTT|TTP|Tmax)(?![A-Za-z])")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class Group:
    """The files of a series. dropped: doubles of others, which are left out."""

    files: tuple[ImageFile, ...]
    dropped: tuple[Path, ...]

    @property
    def first(self) -> ImageFile:
        return self.files[0]


@dataclass(frozen=True)
class Contents:
    """What a folder holds: its series, and the files that belong to none, each with the reason."""

    groups: tuple[Group, ...]
    left_out: tuple[tuple[Path, str], ...]

    @property
    def numbers(self) -> list[str]:
        """The scanner's series numbers where they tell the series apart, else 1, 2, 3."""
        if _numbers_differ(self.groups):
            return [str(group.first.number) for group in self.groups]
        return [str(number + 1) for number in range(len(self.groups))]


def sort_files(paths: Iterable[Path]) -> Contents:
    """Look into files and sort those that are DICOM into series.

    What neither begins nor is named like DICOM is passed over.
    """
    promising, left_out = [], []
    for path in sorted(paths):
        if looks_like_dicom(path):
            promising.append(path)
        elif path.suffix.lower() in DICOM_SUFFIXES and not path.name.startswith("."):
            left_out.append((path, "no DICOM"))
    series: dict[str, list[ImageFile]] = defaultdict(list)
    for found in read_headers(promising):
        if isinstance(found, ImageFile):
            series[found.series].append(found)
        elif found[0].name != "DICOMDIR":
            left_out.append(found)
    groups = [_without_doubles(files) for files in series.values()]
    groups.sort(key=lambda group: (group.first.study, group.first.number or 0, group.first.series))
    if _numbers_differ(groups):
        groups.sort(key=lambda group: group.first.number or 0)
    return Contents(tuple(groups), tuple(sorted(left_out)))


def _numbers_differ(groups: Sequence[Group]) -> bool:
    """Whether the scanner's own numbers tell the series apart."""
    numbers = [group.first.number for group in groups]
    return len(set(numbers)) == len(numbers) and all(n is not None and n > 0 for n in numbers)


def _without_doubles(files: Sequence[ImageFile]) -> Group:
    """Leave out files whose pixels and place another one has.

    Looked at are files of one identity, and places with more images than most have: the others are
    volumes of their own.
    """
    places: dict[tuple[float, ...], list[ImageFile]] = defaultdict(list)
    for file in files:
        if file.frames == 1 and np.isfinite(file.positions).all():
            places[_place(file)].append(file)
    usual = Counter(len(images) for images in places.values()).most_common(1)[0][0] if places else 0
    dropped: list[Path] = []
    for images in places.values():
        named_twice = len({image.identity for image in images}) < len(images)
        if len(images) > usual or named_twice:
            seen: set[bytes] = set()
            for image in images:
                digest = _digest(image)
                if digest in seen:
                    dropped.append(image.path)
                seen.add(digest)
    gone = set(dropped)
    return Group(tuple(file for file in files if file.path not in gone), tuple(sorted(dropped)))


def _place(file: ImageFile) -> tuple[float, ...]:
    return (*file.positions[0].round(2), *file.directions[0].round(3), file.rows, file.columns)


def _digest(file: ImageFile) -> bytes:
    begin, length = file.pixels
    with file.path.open("rb") as stream:
        stream.seek(begin)
        return hashlib.sha256(stream.read(length) if length else stream.read()).digest()


def why_no_scan(file: ImageFile, image_type: Sequence[str]) -> str:
    """Why a volume is not to be coloured unless it is asked for; "" for a scan.

    image_type: of the volume, as the converter has it; it may add to that of the file.
    """
    words = {*file.image_type, *(word.upper() for word in image_type)}
    later = {*file.image_type[2:], *(word.upper() for word in image_type[2:])}
    if file.modality not in ("MR", ""):
        return f"images of modality {file.modality}, not MRI"
    if words & SCREENS or file.sop_class.startswith(SECONDARY_CAPTURE):
        return "a screenshot or secondary capture"
    if (
        later & MAPS
        or any("FIELDMAP" in word for word in later)
        or ("DERIVED" in words and MAP_WORD.search(file.description))
    ):
        return "a derived map"
    if later & PHASES:
        return "a phase, real or imaginary image"
    if later & PROJECTIONS:
        return "a projection"
    if "LOCALIZER" in words or SCOUT.search(file.description):
        return "a localizer"
    return ""
