"""DICOM headers, by pydicom: which files hold images, of which series, and at which places."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..headers import PACKED, SLACK

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Longer values, as the pixels are, stay in their file.
LONG = 4096
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
UNPACKED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", BIG_ENDIAN)
KEYWORDS = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"),
    *("SeriesDescription", "ProtocolName", "Modality", "ImageType", "InstanceNumber"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "PixelData"),
    *("PhotometricInterpretation", "ImagePositionPatient", "ImageOrientationPatient"),
    *(
        "FloatPixelData",
        "DoubleFloatPixelData",
        "PixelRepresentation",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
# What an exam holds beside its images.
NO_IMAGES = (
    "RTDOSE",
    "RTSTRUCT",
    "RTPLAN",
    "RTRECORD",
    "SEG",
    "SR",
    "PR",
    "KO",
    "REG",
    "AU",
    "DOC",
)


class Unusable(Exception):
    """A file that holds no image that could be read; the text says why in a few words."""


@dataclass(frozen=True)
class ImageFile:
    """What the header of a file says of its images.

    Of each image, NaN where the header tells none: positions (frames, 3) of the first pixel's
    centre in LPS mm; directions (frames, 6) along a row, then along a column; spacings (frames, 2)
    in mm from row to row, then from column to column; scales (frames, 2) slope and intercept.
    identity: of the image among all. pixels: where their bytes begin and how many they are.
    number_format: of numpy, of the pixels; None when they are compressed.
    """

    path: Path
    sop_class: str
    identity: str
    study: str
    series: str
    number: int | None
    description: str
    modality: str
    image_type: tuple[str, ...]
    instance: int | None
    rows: int
    columns: int
    samples: int
    photometric: str
    syntax: str
    positions: np.ndarray
    directions: np.ndarray
    spacings: np.ndarray
    scales: np.ndarray
    pixels: tuple[int, int]
    number_format: str | None

    @property
    def frames(self) -> int:
        """How many images the file holds."""
        return len(self.positions)


def looks_like_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM: the letters DICM at byte 128, or an old file's first element.

    Without a preamble a file begins with an element of group 8, whose number is small.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return False
    return head[128:] == b"DICM" or (head[:2] == b"\x08\x00" and head[3:4] == b"\0")


def read_headers(paths: Sequence[Path]) -> Iterator[ImageFile | tuple[Path, str]]:
    """The headers of DICOM files; for one that cannot be used, the path and why in a few words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of values that no standard allows
        for path in paths:
            try:
                yield _read_header(path)
            except Unusable as reason:
                yield path, str(reason)


def _read_header(path: Path) -> ImageFile:
    import pydicom

    try:
        data = pydicom.dcmread(path, defer_size=LONG, specific_tags=list(KEYWORDS), force=True)
        return _image_file(path, data)
    except Unusable:
        raise
    except MemoryError as error:
        raise Unusable("its header asks for more memory than there is") from error
    # Of a damaged header pydicom raises whatever happens to go wrong.
    except Exception as error:
        raise Unusable("its header is damaged") from error


def _image_file(path: Path, data: Dataset) -> ImageFile:
    modality = str(data.get("Modality", "") or "").strip().upper()
    if modality in NO_IMAGES:
        raise Unusable(modality)
    if "Rows" not in data or "FloatPixelData" in data or "DoubleFloatPixelData" in data:
        raise Unusable("no image of whole numbers")
    frames = int(data.get("NumberOfFrames", 1) or 1)
    rows, columns = int(data.Rows), int(data.Columns)
    samples = int(data.get("SamplesPerPixel", 1) or 1)
    if min(rows, columns, frames, samples) < 1:
        raise Unusable("its header is damaged")
    syntax = str(data.file_meta.get("TransferSyntaxUID", "")) if hasattr(data, "file_meta") else ""
    size = frames * rows * columns * samples * int(data.BitsAllocated) // 8
    pixels = _pixels(path, data, size, syntax)
    groups = data.get("PerFrameFunctionalGroupsSequence") or []
    if len(groups) not in (0, frames):
        raise Unusable("its header is damaged: it describes another number of images than it has")
    shared = (data.get("SharedFunctionalGroupsSequence") or [None])[0]
    told = [_place(_Groups(data, shared, group)) for group in groups or [None]]
    if not groups and frames > 1:  # the header places the first image only, if any
        told = [(np.full(3, np.nan), *told[0][1:])] * frames
    positions, directions, spacings, scales = (np.array(part) for part in zip(*told, strict=True))
    return ImageFile(
        path=path,
        sop_class=str(data.get("SOPClassUID", "")),
        identity=str(data.get("SOPInstanceUID", "")),
        study=str(data.get("StudyInstanceUID", "")),
        series=str(data.get("SeriesInstanceUID", "")),
        number=_whole(data.get("SeriesNumber")),
        description=_words(data.get("SeriesDescription") or data.get("ProtocolName")),
        modality=modality,
        image_type=tuple(str(word).strip().upper() for word in data.get("ImageType") or ()),
        instance=_whole(data.get("InstanceNumber")),
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=str(data.get("PhotometricInterpretation", "")).strip(),
        syntax=syntax,
        positions=positions,
        directions=directions,
        spacings=spacings,
        scales=scales,
        pixels=pixels,
        number_format=_number_format(data, syntax),
    )


def _pixels(path: Path, data: Dataset, size: int, syntax: str) -> tuple[int, int]:
    """Where the pixels begin and their bytes. Raises Unusable when the file ends before they do."""
    if "PixelData" not in data:
        raise Unusable("cut off before its pixels end")
    element: Any = data.get_item("PixelData", keep_deferred=True)
    stored = path.stat().st_size
    if syntax == DEFLATED:  # unpacked by pydicom, which notices its end
        return 0, 0
    begin, length = getattr(element, "value_tell", None), getattr(element, "length", None)
    if begin is None or length is None:
        raise Unusable("its header is damaged")
    packed = length == 0xFFFFFFFF
    if not packed and (length < size or begin + length > stored):
        raise Unusable("cut off before its pixels end")
    if packed and size > PACKED * stored + SLACK:
        raise Unusable("its header declares more pixels than it can hold")
    return (begin, stored - begin) if packed else (begin, length)


def _number_format(data: Dataset, syntax: str) -> str | None:
    bits, samples = int(data.BitsAllocated), int(data.get("SamplesPerPixel", 1) or 1)
    if syntax not in UNPACKED or bits not in (8, 16, 32) or samples != 1:
        return None
    order = ">" if syntax == BIG_ENDIAN else "<"
    return f"{order}{'i' if data.get('PixelRepresentation') == 1 else 'u'}{bits // 8}"


@dataclass(frozen=True)
class _Groups:
    """Where the geometry of an image is looked up: its own groups, the shared ones, the file."""

    data: Dataset
    shared: Dataset | None
    own: Dataset | None

    def get(self, sequence: str, keyword: str) -> Any:
        for group in (self.own, self.shared):
            items = None if group is None else group.get(sequence)
            if items and items[0].get(keyword) is not None:
                return items[0].get(keyword)
        return self.data.get(keyword)


def _place(groups: _Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Position (3), directions (6), spacing (2), scale (2) of an image; NaN for what is absent."""
    slope = _numbers(groups.get("PixelValueTransformationSequence", "RescaleSlope"), 1)
    intercept = _numbers(groups.get("PixelValueTransformationSequence", "RescaleIntercept"), 1)
    return (
        _numbers(groups.get("PlanePositionSequence", "ImagePositionPatient"), 3),
        _numbers(groups.get("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        _numbers(groups.get("PixelMeasuresSequence", "PixelSpacing"), 2),
        np.array((_or(slope[0], 1.0), _or(intercept[0], 0.0))),
    )


def _numbers(value: Any, count: int) -> np.ndarray:
    values = [value] if count == 1 else list(value or ())
    if len(values) != count or values[0] is None or values[0] == "":
        return np.full(count, np.nan)
    return np.array([float(one) for one in values])


def _or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _words(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value or "")).strip()
