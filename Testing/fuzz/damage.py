"""Damage to files: what a bad disk, a bad program or an enemy may do to them."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom

from fuzz.choices import Choices
from fuzz.samples import KINDS

HEADER_BYTES = 360
MIB = 1 << 20
ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".img", ".dcm", ".png", "")
NUMBERS = (0, 1, -1, 2, 7, 127, 128, 255, -128, 32767, -32768, 65535, 1 << 20, (1 << 31) - 1)
REALS = (0.0, -0.0, -1.0, 1e-45, 1e-30, 1e30, 3e38, float("inf"), float("-inf"), float("nan"))
# Offset, format and name of the fields of a NIfTI-1 header that decide over memory and geometry.
NIFTI = (
    *((offset, "<h") for offset in range(40, 56, 2)),  # dim
    *((offset, "<h") for offset in (68, 70, 72, 252, 254)),  # intent, type, bits, codes
    *(
        (offset, "<f") for offset in (*range(76, 108, 4), 108, 112, 116)
    ),  # pixdim, vox_offset, scale
    *((offset, "<f") for offset in range(256, 328, 4)),  # qform and sform
    *((offset, "<i") for offset in (0, 108, 348)),  # size of the header, extensions
)
# The same of an MGH header, big-endian.
MGH = (
    *((offset, ">i") for offset in (0, 4, 8, 12, 16, 20, 24)),
    *((offset, ">f") for offset in range(30, 90, 4)),
    (28, ">h"),
)
TEXTS = (
    *(
        "",
        "0",
        "-1",
        "nan",
        "inf",
        "1e400",
        "99999999999999999999",
        "2147483647",
        "65536 65536 65536",
    ),
    *(
        "1 1 1",
        "-5 8 7",
        "0 0 0",
        "7 8",
        "7 8 5 9",
        "\x00",
        "\xff\xfe",
        "A" * 5000,
        "%s%n%x",
        "1 " * 999,
    ),
    *("(1,0,0) (1,0,0) (0,0,1)", "(nan,0,0) (0,1,0) (0,0,1)", "none none none", "(0,0,0)"),
    *("../secret.raw", "/etc/passwd", "/dev/zero", "/dev/stdin", "pipe", "missing.raw", "a.nhdr"),
    *("LIST", "LIST 2", "%05d.raw 0 999999999 1", "a%0999999d.raw 1 2 1", "sub/../../secret.raw"),
    *("gzip", "raw", "ascii", "bzip2", "hex", "block", "double", "MET_DOUBLE", "MET_SHORT_ARRAY"),
    *("uint8", "True", "False", "little", "big", "left-posterior-superior", "vector", "RGB-color"),
)
DICOM_TAGS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("SamplesPerPixel", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    *("NumberOfFrames", "SeriesInstanceUID", "InstanceNumber", "PhotometricInterpretation"),
    *("SOPClassUID", "Modality", "SliceThickness", "RescaleSlope", "RescaleIntercept"),
)
DICOM_VALUES = (
    *(
        "0",
        "-1",
        "1",
        "65535",
        "99999",
        "1e30",
        "nan",
        "abc",
        "",
        "1\\1",
        "0\\0",
        "1\\0\\0\\1\\0\\0",
    ),
    *("1\\0\\0\\0\\1\\0", "\x1b[31m", "é" * 30, "9" * 64),
)

Damage = Callable[[Path, Path, Choices], Path]


def flip_header(given: Path, target: Path, choices: Choices) -> Path:
    """Flip some bits near the beginning, inside of the compression where there is one."""
    content = bytearray(_unpacked(target))
    for _ in range(choices.integer(1, 8)):
        place = choices.integer(0, min(len(content), HEADER_BYTES) - 1)
        content[place] ^= 1 << choices.integer(0, 7)
    return _packed(given, target, content)


def flip_anywhere(given: Path, target: Path, choices: Choices) -> Path:
    """Flip bits of the file as it lies on the disk."""
    content = bytearray(target.read_bytes())
    for _ in range(choices.integer(1, 20)):
        content[choices.integer(0, len(content) - 1)] ^= 1 << choices.integer(0, 7)
    target.write_bytes(content)
    return given


def overwrite(given: Path, target: Path, choices: Choices) -> Path:
    """Overwrite a stretch of the header with one byte, or with what chance gives."""
    content = bytearray(_unpacked(target))
    begin = choices.integer(0, min(len(content), HEADER_BYTES) - 1)
    stretch = range(begin, min(len(content), begin + choices.integer(1, 64)))
    byte = choices.pick((0, 255, 32, 10, None))
    for place in stretch:
        content[place] = choices.integer(0, 255) if byte is None else byte
    return _packed(given, target, content)


def truncate(given: Path, target: Path, choices: Choices) -> Path:
    """Cut a file of the sample off, its header or its voxels."""
    files = sorted(path for path in given.parent.rglob("*") if path.is_file())
    victim = choices.pick(files)
    content = victim.read_bytes()
    victim.write_bytes(content[: choices.integer(0, len(content) - 1)])
    return given


def append(given: Path, target: Path, choices: Choices) -> Path:
    """Put something behind the end."""
    tail = choices.pick((b"\0" * 1000, b"\xff" * 77, b"\n\nNRRD0004\n", gzip.compress(b"x" * 999)))
    target.write_bytes(target.read_bytes() + tail)
    return given


def swap_ending(given: Path, target: Path, choices: Choices) -> Path:
    """Call the file something else."""
    if target != given:
        return flip_header(given, target, choices)
    return given.rename(given.with_name(f"b{choices.pick(ENDINGS)}"))


def change_field(given: Path, target: Path, choices: Choices) -> Path:
    """Give fields of the header values that no scanner writes."""
    if target.suffix in (".nrrd", ".nhdr", ".mha", ".mhd"):
        return _change_text(given, target, choices)
    if "series" in given.name:
        return _change_dicom(given, choices)
    content = bytearray(_unpacked(target))
    for _ in range(choices.pick((1, 1, 2, 4))):
        offset, form = choices.pick(MGH if "mg" in target.suffix else NIFTI)
        if offset + 4 <= len(content):
            value = choices.pick(REALS if form[1] == "f" else NUMBERS)
            limit = 1 << 15 if form[1] == "h" else 1 << 31
            number = value if form[1] == "f" else max(-limit, min(limit - 1, int(value)))
            with_room = struct.pack(form, number)
            content[offset : offset + len(with_room)] = with_room
    return _packed(given, target, content)


def _change_text(given: Path, target: Path, choices: Choices) -> Path:
    """Change, double or remove lines of a text header."""
    content = target.read_bytes()
    end = content.find(b"\n\n") if target.suffix in (".nrrd", ".nhdr") else content.find(b"LOCAL")
    head, tail = (content, b"") if end < 0 else (content[:end], content[end:])
    lines = head.split(b"\n")
    for _ in range(choices.pick((1, 1, 2))):
        number = choices.integer(0, len(lines) - 1)
        for mark in (b": ", b" = ", b":"):
            if mark in lines[number]:
                key = lines[number].split(mark)[0]
                value = choices.pick(TEXTS).encode("latin-1")
                lines[number] = key + mark + value
                break
        action = choices.pick(("change", "change", "change", "double", "remove"))
        if action == "double":
            lines.insert(number, lines[choices.integer(0, len(lines) - 1)])
        elif action == "remove" and len(lines) > 1:
            lines.pop(number)
    target.write_bytes(b"\n".join(lines) + tail)
    return given


def _change_dicom(given: Path, choices: Choices) -> Path:
    """Change elements in some of a series' files."""
    tag, value = choices.pick(DICOM_TAGS), choices.pick(DICOM_VALUES)
    files = sorted(given.iterdir())
    some = files if choices.pick((True, False)) else [choices.pick(files)]
    for path in some:
        # Written as it is: pydicom would refuse most of these values.
        data = pydicom.dcmread(path)
        if choices.pick((True, True, False)) and tag in data:
            element = data[tag]
            if element.VR == "US":
                number = int(value) if value.lstrip("-").isdigit() else 3
                data[tag].value = number % 65536
            else:
                raw = path.read_bytes()
                old = f"{element.value}" if element.VM == 1 else "\\".join(map(str, element.value))
                new = value.encode("utf-8")[: len(old)].ljust(len(old), b" ")
                path.write_bytes(raw.replace(old.encode(), new, 1))
                continue
        elif tag in data:
            del data[tag]
        data.save_as(path)
    return given


def bomb(given: Path, target: Path, choices: Choices) -> Path:
    """Small on the disk, endless when unpacked; its header may ask for all of it, or for more."""
    if target.suffix not in (".gz", ".mgz"):
        return change_field(given, target, choices)
    head = bytearray(_unpacked(target))
    sizes = choices.pick((None, (32767, 32767, 32767), (2048, 1024, 512), (32767, 32767, 1)))
    if sizes is not None and target.suffix == ".gz":
        struct.pack_into("<3h", head, 42, *sizes)
    elif sizes is not None:
        struct.pack_into(">3i", head, 4, *sizes)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with target.open("wb") as stream:
        stream.write(packer.compress(bytes(head)))
        zeros = bytes(MIB)
        for _ in range(choices.pick((1, 64, 700))):
            stream.write(packer.compress(zeros))
        stream.write(packer.flush() if choices.pick((True, False)) else b"")
    return given


def special(given: Path, target: Path, choices: Choices) -> Path:
    """Put something that is no file in a file's place: pipes, devices, loops, folders."""
    files = sorted(path for path in given.parent.rglob("*") if path.is_file())
    victim = choices.pick(files)
    victim.unlink()
    what = choices.pick(("pipe", "device", "loop", "folder", "dangling"))
    if what == "pipe":
        os.mkfifo(victim)
    elif what == "folder":
        victim.mkdir()
        (victim / "x").write_bytes(b"\0" * 200)
    else:
        victim.symlink_to({"device": "/dev/zero", "loop": victim.name, "dangling": "none"}[what])
    return given


def mix(given: Path, target: Path, choices: Choices) -> Path:
    """Put random bytes where the file was, with or without its first ones."""
    keep = target.read_bytes()[: choices.pick((0, 4, 16, 132, 352))]
    noise = bytes(choices.integer(0, 255) for _ in range(choices.integer(1, 600)))
    target.write_bytes(keep + noise)
    return given


def none(given: Path, target: Path, choices: Choices) -> Path:
    """Nothing: the sample has to be coloured."""
    return given


DAMAGES: dict[str, Damage] = {
    "none": none,
    "bits of the header": flip_header,
    "bits anywhere": flip_anywhere,
    "stretch of the header": overwrite,
    "cut off": truncate,
    "appended": append,
    "another ending": swap_ending,
    "field of the header": change_field,
    "bomb": bomb,
    "no file": special,
    "random bytes": mix,
}
# Fields of headers are where readers trust what they read.
WEIGHTED = (*DAMAGES, *(3 * ("field of the header",)), "bits of the header", "cut off")


def damaged(kind: str, how: str, given: Path, choices: Choices) -> Path:
    """Damage a good sample in place; returns the name to give to the command."""
    (given.parent.parent / "secret.raw").write_bytes(bytes(range(256)) * 8)
    if not (given.parent / "pipe").exists() and kind.endswith("detached"):
        os.mkfifo(given.parent / "pipe")
    return DAMAGES[how](given, given.parent / KINDS[kind][1], choices)


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix in (".gz", ".mgz") else content


def _packed(given: Path, target: Path, content: bytes | bytearray) -> Path:
    target.write_bytes(
        gzip.compress(bytes(content), 1) if target.suffix in (".gz", ".mgz") else bytes(content)
    )
    return given
