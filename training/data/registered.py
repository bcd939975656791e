"""Registered slices in the layout of the paper's authors: folders of MRI, colours and labels."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.data.class_table import CLASSES_NAME, ClassTable
from training.data.prepared import ManifestEntry, PreparedVolume, save_prepared
from training.data.slabs import slab_split
from training.errors import TrainingError

MRI, CRYOSECTION, LABELS = "mri", "cryo", "seg"  # the authors' folder names
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
LOSSY = (".jpg", ".jpeg")


class RegisteredSlicesError(TrainingError):
    """A folder of registered slices is incomplete or its pictures do not fit together."""


@dataclass(frozen=True)
class _Triple:
    """The three files of one slice."""

    mri: Path
    cryosection: Path
    labels: Path


def prepare_registered(
    folder: Path,
    out: Path,
    spacing_mm: float,
    slice_mm: float | None = None,
    classes: Path | None = None,
) -> PreparedVolume:
    """Read `folder` and write it to `out` as one cryosection with a registered MRI.

    folder: holds mri/, cryo/ and seg/ with pictures (PNG, JPEG, TIFF) of the same names and size,
    all slices parallel; numbers in the names give their order. spacing_mm: of the pixels.
    slice_mm: from slice to slice, spacing_mm where not given. classes: table of the class numbers,
    `folder`/classes.toml where not given. Slabs of the stack are kept for validation and test.
    Raises RegisteredSlicesError and ClassTableError; then nothing is written.
    """
    volume = read_registered(folder, spacing_mm, slice_mm or spacing_mm, classes)
    save_prepared([volume], out)
    return volume


def read_registered(
    folder: Path, spacing_mm: float, slice_mm: float, classes: Path | None = None
) -> PreparedVolume:
    """Read `folder` without writing; see `prepare_registered`."""
    if not all(math.isfinite(mm) and mm > 0 for mm in (spacing_mm, slice_mm)):
        raise RegisteredSlicesError("The spacing of slices is a positive number of millimetres.")
    table = ClassTable(classes or folder / CLASSES_NAME)
    triples = _triples(folder)
    size = _color(triples[0].cryosection).shape[:2]
    slices = [_read_slice(triple, table, size) for triple in triples]
    images, scans, labels = zip(*slices, strict=True)
    if len({scan.dtype for scan in scans}) > 1:
        raise RegisteredSlicesError(f"{folder / MRI} mixes pictures of 8 and of 16 bit.")
    spacing = np.array((slice_mm, spacing_mm, spacing_mm), np.float32)
    entry = _entry(folder, triples, slab_split(len(triples), slice_mm))
    return PreparedVolume(entry, np.stack(images), np.stack(labels), spacing, np.stack(scans))


def _read_slice(
    triple: _Triple, table: ClassTable, size: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours uint8 (H, W, 3), black in the background, MRI (H, W) and tissues uint8 (H, W)."""
    image, scan = _color(triple.cryosection), _grey(triple.mri)
    numbers = _classes(triple.labels)
    for path, array in (
        (triple.cryosection, image),
        (triple.mri, scan),
        (triple.labels, numbers),
    ):
        if array.shape[:2] != size:
            raise RegisteredSlicesError(
                f"{path} is {_size(array.shape)} pixels where the first cryosection is "
                f"{_size(size)}; all slices of a stack have one size."
            )
    codes = table.tissues(numbers, str(triple.labels))
    return np.where(codes[..., None] > 0, image, 0), scan, codes


def _triples(folder: Path) -> list[_Triple]:
    """The slices of the three folders, in the order of their numbers."""
    listed = {name: _pictures(folder / name) for name in (MRI, CRYOSECTION, LABELS)}
    for name, pictures in listed.items():
        for other, others in listed.items():
            lonely = sorted(set(pictures) - set(others))
            if lonely:
                raise RegisteredSlicesError(
                    f"{folder / name} has {len(lonely)} slices that {folder / other} lacks, "
                    f"{pictures[lonely[0]].name} among them; the three folders hold the same names."
                )
    return [
        _Triple(*(listed[name][stem] for name in (MRI, CRYOSECTION, LABELS)))
        for stem in sorted(listed[MRI], key=_natural)
    ]


def _pictures(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their names without suffix."""
    if not folder.is_dir():
        raise RegisteredSlicesError(
            f"{folder} is missing; the layout is three folders {MRI}, {CRYOSECTION} and {LABELS}."
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in found:
                raise RegisteredSlicesError(f"{folder} holds {path.stem} in two formats.")
            found[path.stem] = path
    if not found:
        raise RegisteredSlicesError(f"{folder} holds no PNG, JPEG or TIFF pictures.")
    return found


def _natural(stem: str) -> tuple[tuple[str, int], ...]:
    """Sorts slice2 before slice10."""
    pieces = re.findall(r"(\D*)(\d*)", stem)
    return tuple((text, int(number or -1)) for text, number in pieces)


def _read(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise RegisteredSlicesError(f"{path} cannot be read as a picture: {error}") from error


def _color(path: Path) -> np.ndarray:
    """uint8 (H, W, 3)."""
    array = _read(path)
    if array.ndim != 3 or array.shape[2] < 3 or array.dtype != np.uint8:
        raise RegisteredSlicesError(f"{path} is no colour picture of 8 bit; a cryosection is one.")
    return array[..., :3]


def _grey(path: Path) -> np.ndarray:
    """uint8 or uint16 (H, W)."""
    array = _read(path)
    if array.ndim == 3:
        array = array[..., 0]
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype.kind == "i" and array.min() >= 0 and array.max() < 1 << 16:
        return array.astype(np.uint16)
    raise RegisteredSlicesError(f"{path} is no grey picture of 8 or 16 bit; an MRI slice is one.")


def _classes(path: Path) -> np.ndarray:
    """Class numbers (H, W), a palette picture's indices included."""
    if path.suffix.lower() in LOSSY:
        raise RegisteredSlicesError(
            f"{path} is a JPEG, which does not keep class numbers; save labels as PNG or TIFF."
        )
    array = _read(path)
    if array.ndim != 2 or array.dtype.kind not in "ui" or array.min() < 0 or array.max() >= 1 << 16:
        raise RegisteredSlicesError(
            f"{path} holds no class numbers; a label picture has one channel of 8 or 16 bit."
        )
    return array


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _entry(
    folder: Path, triples: list[_Triple], frames: dict[str, tuple[int, ...]]
) -> ManifestEntry:
    digest = hashlib.sha256()
    for triple in triples:
        for path in (triple.mri, triple.cryosection, triple.labels):
            digest.update(path.read_bytes())
    name = f"registered_{folder.resolve().name}"
    return ManifestEntry(
        name=name,
        file=f"{name}.npz",
        kind="cryosection",
        split="train",
        source=f"{len(triples)} registered slices of {folder.resolve().name}",
        source_sha256=digest.hexdigest(),
        licence="as agreed with the owner of the images",
        recipe="Class numbers turned to tissues by a table; black where the label is background.",
        frames=frames,
    )
