"""What a header declares, held against its files before a reader believes it.

The C readers behind SimpleITK take memory for what a header declares, open whatever it names, and
some of what it may say ends the process. Text headers (NRRD, MetaImage) are checked as a whole.
"""

from __future__ import annotations

import math
import os
import re
import stat
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..memory import check_fits
from .header_place import TextPlace, meta_place, nrrd_place

MAX_HEADER_BYTES = 1 << 20
MAX_FIELD = 1000  # letters of a field that is read as numbers or as a name
# Fields of an NRRD that hold any text, of any length.
FREE_TEXT = ("content", "labels", "units", "spaceunits", "sampleunits")
# MetaIO's room for what it knows as a text, and for the name of a field.
META_TEXT = 254
META_TEXTS = (
    *("Comment", "Name", "ObjectType", "ObjectSubType", "TransformType", "AcquisitionDate"),
    *("AnatomicalOrientation", "DistanceUnits", "Modality", "ElementMin", "ElementMax"),
)
MAX_FILES = 10_000  # of one detached header
# Deflate never packs tighter; from the zlib manual.
PACKED = 1032
SLACK = 1 << 16
# Bytes of MetaImage's number formats.
META_BYTES: Mapping[str, int] = {
    "MET_CHAR": 1,
    "MET_UCHAR": 1,
    "MET_SHORT": 2,
    "MET_USHORT": 2,
    "MET_INT": 4,
    "MET_UINT": 4,
    "MET_LONG": 4,  # as MetaIO writes and reads it, on every system
    "MET_ULONG": 4,
    "MET_LONG_LONG": 8,
    "MET_ULONG_LONG": 8,
    "MET_FLOAT": 4,
    "MET_DOUBLE": 8,
}
# A file name with one number in it, then the first number, the last, and the step.
PATTERN = re.compile(r"([^%]*)%(0?\d{0,2})d([^%\s]*)\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})(\s+\d+)?")


# What a run takes for each voxel: the MRI as float32, colours, body and tissue.
BYTES_PER_VOXEL = 4 + 3 + 1 + 1


@dataclass(frozen=True)
class Declared:
    """Voxels, the bytes they take when unpacked, the bytes that hold them, and whether packed.

    files: those that hold them, where the header lies by itself. place: of a text header, what it
    leaves open of its place.
    """

    count: int
    voxels: int
    stored: int
    packed: bool
    files: tuple[Path, ...] = ()
    place: TextPlace = TextPlace()


def check_declared(path: Path, declared: Declared) -> None:
    """Raise InputError when a file cannot hold the voxels that its header declares."""
    room = PACKED * declared.stored + SLACK if declared.packed else declared.stored
    if declared.voxels > room:
        raise InputError(
            f"{path} is damaged or cut off; its header declares {declared.voxels} bytes of voxels, "
            "and it cannot hold them."
        )
    # As stored and as float32 for a moment, then all that a run makes of it.
    needed = max(declared.voxels + 4 * declared.count, BYTES_PER_VOXEL * declared.count)
    check_fits(needed, f"The volume in {path}")


def check_text_header(path: Path) -> TextPlace:
    """Check the header of an NRRD or MetaImage file, and the files that it names.

    Returns what it leaves open of its place, which is warned of. Raises InputError when it is
    damaged, leads out of its folder, or declares what is not there.
    """
    declared = read_text_header(path)
    check_declared(path, declared)
    if declared.place.untold:
        warnings.warn(f"{path} {declared.place.untold}.", stacklevel=2)
    return declared.place


def read_text_header(path: Path) -> Declared:
    """What the header of an NRRD or MetaImage file declares.

    Raises InputError when it is damaged, leads out of its folder, or names what is not there.
    """
    with path.open("rb") as stream:
        head = stream.read(MAX_HEADER_BYTES)
    kind = _nrrd if path.suffix.lower() in (".nrrd", ".nhdr") else _meta
    try:
        return kind(path, head)
    except (ValueError, KeyError, IndexError, OverflowError, TypeError) as error:
        raise InputError(f"{path} is not an image or its header is damaged; correct it.") from error


def _nrrd(path: Path, head: bytes) -> Declared:
    """What an NRRD declares (teem's format definition, versions 1 to 5)."""
    text, end = _until_empty_line(head)
    # At nothing else that Unicode takes for a line's end.
    lines = re.split(r"\r?\n", text.rstrip("\r\n"))
    if not re.fullmatch(r"NRRD000[1-5]", lines[0].strip()):
        raise ValueError("no NRRD")
    fields: dict[str, str] = {}
    listed: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.startswith("#") or ":=" in line:
            continue
        key, value = (part.strip() for part in line.split(":", 1))
        name = key.lower().replace(" ", "")
        fields[name] = _text_of(value, MAX_HEADER_BYTES if name in FREE_TEXT else MAX_FIELD)
        if name == "datafile" and value.startswith("LIST"):
            listed = lines[number:]
            break
    dimension = int(fields["dimension"])
    sizes = _numbers(fields["sizes"], dimension)
    for key in ("spacings", "thicknesses", "axismins", "axismaxs"):
        if key in fields and len(fields[key].split()) != dimension:
            raise ValueError(key)
    for key in ("kinds", "spacedirections"):
        if key in fields and len(re.findall(r"\([^)]*\)|[^\s()]+", fields[key])) != dimension:
            raise ValueError(key)
    encoding = fields["encoding"].lower()
    count = math.prod(sizes)
    voxels = count * _nrrd_bytes(fields["type"].lower())
    if encoding in ("bzip2", "bz2"):
        raise InputError(
            f"{path} is packed with bzip2, which ITK does not read; pack it with gzip."
        )
    place = nrrd_place(path, fields)
    names = _named(fields["datafile"], listed) if "datafile" in fields else None
    stored, files = _within(path, end) if names is None else _beside(path, names)
    packed = encoding in ("gzip", "gz")
    # As text every voxel takes a letter at least.
    return Declared(
        *(count, voxels if packed or encoding == "raw" else count, stored, packed, files, place)
    )


def _nrrd_bytes(name: str) -> int:
    """Bytes of a number, by the names of NRRD."""
    words = name.removeprefix("signed ").removeprefix("unsigned ").removesuffix(" int").strip()
    named = {
        "char": 1,
        "short": 2,
        "int": 4,
        "long long": 8,
        "longlong": 8,
        "float": 4,
        "double": 8,
    }
    if words in named:
        return named[words]
    bits = re.fullmatch(r"u?(?:int)?(8|16|32|64)(?:_t)?|u(char|short|longlong)|uint", words)
    if bits is None:
        raise ValueError(name)
    return int(bits[1]) // 8 if bits[1] else {"char": 1, "short": 2, "longlong": 8}.get(bits[2], 4)


def _meta(path: Path, head: bytes) -> Declared:
    """What a MetaImage declares (MetaIO's documentation)."""
    fields: dict[str, str] = {}
    listed: list[str] = []
    place = 0
    for raw in head.splitlines(keepends=True):
        place += len(raw)
        line = _text(raw)
        if not line.strip():
            continue
        key, mark, value = line.partition("=")
        if not mark:
            raise ValueError("no field")
        _check_meta_text(path, key.strip(), value.strip())
        fields[key.strip()] = _text_of(value.strip(), MAX_FIELD)
        if key.strip() == "ElementDataFile":
            break
    name = fields["ElementDataFile"]
    if name.startswith("LIST"):
        listed = _text(head[place:]).splitlines()
    dimension = int(fields["NDims"])
    sizes = _numbers(fields["DimSize"], dimension)
    for key in (
        "ElementSpacing",
        "ElementSize",
        "Offset",
        "Position",
        "Origin",
        "CenterOfRotation",
    ):
        if key in fields:
            _reals(fields[key], dimension)
    for key in ("TransformMatrix", "Rotation", "Orientation"):
        if key in fields:
            _reals(fields[key], dimension**2)
    channels = int(fields.get("ElementNumberOfChannels", "1"))
    kind = fields["ElementType"].removesuffix("_ARRAY")
    if not 0 < channels < 1000 or kind not in META_BYTES:
        raise ValueError("ElementType")
    count = math.prod(sizes)
    voxels = count * channels * META_BYTES[kind]
    local = name in ("LOCAL", "Local", "local")
    stored, files = _within(path, place) if local else _beside(path, _named(name, listed))
    packed = fields.get("CompressedData", "False").lower() in ("true", "1", "t")
    if packed and local and "CompressedDataSize" not in fields:
        raise InputError(
            f"{path} lacks the field CompressedDataSize, without which ITK cannot unpack it; write "
            "it anew."
        )
    text = fields.get("BinaryData", "True").lower() in ("false", "0", "f")
    return Declared(*(count, count if text else voxels, stored, packed, files, meta_place(fields)))


def _until_empty_line(head: bytes) -> tuple[str, int]:
    """The text before the first empty line, or all of it, and where what follows begins."""
    gap = re.search(rb"\r?\n\r?\n", head)
    if gap is None:
        return _text(head), len(head)
    return _text(head[: gap.start()]), gap.end()


def _text(raw: bytes) -> str:
    """UTF-8, as names and descriptions mostly are today, or what any bytes may stand for."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _text_of(value: str, longest: int) -> str:
    """A field's text, with blanks for tabs."""
    text = value.replace("\t", " ")
    if len(text) > longest or not text.isprintable():
        raise ValueError("a field that is no text or too long")
    return text


def _check_meta_text(path: Path, key: str, value: str) -> None:
    """Refuse what MetaIO would copy into less room than it takes."""
    if len(key) > META_TEXT or (key in META_TEXTS and len(value.encode()) > META_TEXT):
        raise InputError(
            f"{path}: its field {key[:40]} is longer than the {META_TEXT} letters that MetaImage "
            "has room for; shorten it."
        )


def _numbers(value: str, count: int) -> list[int]:
    """So many sizes, each above 0, of at most 16 axes: more ends the process inside of teem."""
    numbers = [int(word) for word in value.split()]
    if len(numbers) != count or not 0 < count <= 16 or min(numbers) < 1:
        raise ValueError(value)
    return numbers


def _reals(value: str, count: int) -> None:
    if len([float(word) for word in value.split()]) != count:
        raise ValueError(value)


def _named(value: str, listed: list[str]) -> Iterator[str]:
    """The files that a header names: one, a list of them, or a pattern with a number in it."""
    if value.startswith("LIST"):
        yield from (line.strip() for line in listed if line.strip())
    elif "%" in value:
        pattern = PATTERN.fullmatch(value)
        if pattern is None:
            raise ValueError(value)
        before, width, after = pattern[1], pattern[2], pattern[3]
        for number in range(int(pattern[4]), int(pattern[5]) + 1, max(1, int(pattern[6]))):
            yield f"{before}{format(number, f'{width}d')}{after}"
    else:
        yield value


def _beside(path: Path, names: Iterator[str]) -> tuple[int, tuple[Path, ...]]:
    """Bytes of all files that a header names, and these; each lies in its folder or below."""
    folder = os.path.abspath(path.parent)
    total = 0
    files: list[Path] = []
    for count, name in enumerate(names):
        if count == MAX_FILES:
            raise InputError(f"{path} names more than {MAX_FILES} files; give one volume.")
        place = os.path.abspath(os.path.join(folder, name))
        if os.path.commonpath((folder, place)) != folder or place == os.path.abspath(path):
            raise InputError(
                f"{path} takes its voxels from {name!r}, outside of its folder; put them beside it."
            )
        try:
            status = os.stat(place)
        except OSError as error:
            raise InputError(f"{path} names {name!r}, which is not there; put it there.") from error
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} names {name!r}, which is no file; put the voxels there.")
        total += status.st_size
        files.append(Path(place))
    return total, tuple(files)


def _within(path: Path, place: int) -> tuple[int, tuple[Path, ...]]:
    """Bytes of a file from a place on, and no other file."""
    return max(0, path.stat().st_size - place), ()
