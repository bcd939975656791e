"""Prepared training data on disk: labelled volumes as npz files, and their manifest.toml."""

from __future__ import annotations

import os
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.data.structures import tissue_of
from training.errors import TrainingError

KINDS = ("cryosection", "mri")
REGIONS = ("head", "body")
SPLITS = ("train", "val", "test")
MRI_TYPES = (np.float32, np.uint8, np.uint16)
MANIFEST_NAME = "manifest.toml"
_TEXT_FIELDS = ("name", "file", "kind", "split", "source", "source_sha256", "licence", "recipe")


class PreparedDataError(TrainingError):
    """A prepared volume or a manifest breaks the agreed form."""


@dataclass(frozen=True)
class ManifestEntry:
    """One [[volume]] of manifest.toml: where a prepared volume comes from and may be used.

    `file` is relative to the manifest. `frames` is empty, or maps splits to the indices along k
    that belong to them; indices in no list are to be left unused. `region` is what the volume shows
    most of.
    """

    name: str
    file: str
    kind: str
    split: str
    source: str
    source_sha256: str
    licence: str
    recipe: str
    frames: dict[str, tuple[int, ...]] = field(default_factory=dict)
    region: str = "head"

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise PreparedDataError(f"{self.name}: region is {self.region!r}, not in {REGIONS}.")
        if self.kind not in KINDS:
            raise PreparedDataError(f"{self.name}: kind is {self.kind!r}, not one of {KINDS}.")
        if self.split not in SPLITS:
            raise PreparedDataError(f"{self.name}: split is {self.split!r}, not one of {SPLITS}.")
        unknown = set(self.frames) - set(SPLITS)
        if unknown:
            raise PreparedDataError(f"{self.name}: frames of unknown splits {sorted(unknown)}.")
        numbers = [k for listed in self.frames.values() for k in listed]
        if len(numbers) != len(set(numbers)):
            raise PreparedDataError(f"{self.name}: a frame stands in two splits.")


@dataclass(frozen=True)
class PreparedVolume:
    """A labelled volume with its manifest entry; a photograph is a volume with K = 1.

    image: a cryosection is uint8 (K, J, I, 3) RGB with background and gel black; an MRI is
    float32, uint8 or uint16 (K, J, I). labels: uint8 (K, J, I) Tissue codes. structures: the same
    told apart further (training/data/structures.py); None where they are the tissues. spacing:
    float32 (3,) mm in k, j, i order. An MRI has k from inferior to superior, j from anterior to
    posterior, i from right to left. Axial cryosections are seen from above: k from superior to
    inferior, j from anterior to posterior, i from left to right. mri: of a cryosection, the MRI of
    the same body registered to it, float32, uint8 or uint16 (K, J, I); None where there is none.
    """

    entry: ManifestEntry
    image: np.ndarray
    labels: np.ndarray
    spacing: np.ndarray
    mri: np.ndarray | None = None
    structures: np.ndarray | None = None

    def __post_init__(self) -> None:
        name, grid = self.entry.name, self.image.shape[:3]
        if self.entry.kind == "cryosection":
            good = self.image.ndim == 4 and self.image.shape[3] == 3
            if not good or self.image.dtype != np.uint8:
                raise PreparedDataError(f"{name}: a cryosection image is uint8 (K, J, I, 3).")
        elif self.image.ndim != 3 or self.image.dtype not in MRI_TYPES:
            raise PreparedDataError(
                f"{name}: an MRI image is float32, uint8 or uint16 (K, J, I), "
                f"not {self.image.dtype} {self.image.shape}."
            )
        if self.mri is not None:
            self._check_registered(self.mri)
        if self.labels.shape != grid or self.labels.dtype != np.uint8:
            raise PreparedDataError(f"{name}: labels must be uint8 {grid}.")
        fine = self.structures
        if fine is not None and (fine.dtype != np.uint8 or (tissue_of(fine) != self.labels).any()):
            raise PreparedDataError(f"{name}: structures are uint8 and of the tissues of labels.")
        if self.spacing.shape != (3,) or self.spacing.dtype != np.float32:
            raise PreparedDataError(f"{name}: spacing must be float32 (3,).")
        if not (np.isfinite(self.spacing).all() and (self.spacing > 0).all()):
            raise PreparedDataError(f"{name}: spacing must be finite and positive.")
        outside = [k for ks in self.entry.frames.values() for k in ks if not 0 <= k < grid[0]]
        if outside:
            raise PreparedDataError(f"{name}: frames {outside} are outside the {grid[0]} slices.")

    def _check_registered(self, mri: np.ndarray) -> None:
        name, grid = self.entry.name, self.image.shape[:3]
        if self.entry.kind != "cryosection":
            raise PreparedDataError(f"{name}: only a cryosection has a registered MRI.")
        if mri.shape != grid or mri.dtype not in MRI_TYPES:
            raise PreparedDataError(
                f"{name}: a registered MRI is float32, uint8 or uint16 {grid}, "
                f"not {mri.dtype} {mri.shape}."
            )

    def indices(self, split: str) -> tuple[int, ...]:
        """Indices along k that belong to `split`; all or none where no frames are listed."""
        if split not in SPLITS:
            raise PreparedDataError(f"{split!r} is not one of {SPLITS}.")
        if self.entry.frames:
            return tuple(self.entry.frames.get(split, ()))
        return tuple(range(self.image.shape[0])) if self.entry.split == split else ()


def save_prepared(volumes: Iterable[PreparedVolume], folder: Path) -> None:
    """Write each volume's npz into `folder` and add it to the folder's manifest.

    Entries of the same name are replaced, the others kept. Every file is written under a
    temporary name and renamed, so that a reader never meets half a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    volumes = list(volumes)
    for volume in volumes:
        _write_npz(volume, folder / volume.entry.file)
    update_manifest(folder, [volume.entry for volume in volumes])


def load_prepared(folder: Path, entry: ManifestEntry) -> PreparedVolume:
    """Read one volume of a prepared folder. Raises PreparedDataError when it is not readable."""
    path = folder / entry.file
    try:
        with np.load(path, allow_pickle=False) as stored:
            kind = str(stored["kind"])
            image, labels, spacing = stored["image"], stored["labels"], stored["spacing"]
            mri, structures = (
                stored[name] if name in stored.files else None for name in ("mri", "structures")
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise PreparedDataError(f"{path} is not a prepared volume: {error}") from error
    if kind != entry.kind:
        raise PreparedDataError(f"{path} holds kind {kind!r}, the manifest says {entry.kind!r}.")
    return PreparedVolume(entry, image, labels, spacing, mri, structures)


def load_all(folder: Path) -> list[PreparedVolume]:
    """Read every volume that the folder's manifest lists, in its order."""
    return [load_prepared(folder, entry) for entry in read_manifest(folder)]


def read_manifest(folder: Path) -> list[ManifestEntry]:
    """Read `folder`/manifest.toml. Raises PreparedDataError when it is missing or malformed."""
    path = folder / MANIFEST_NAME
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("volume", [])
        return [_entry_from_table(table) for table in tables]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise PreparedDataError(f"{path} is not a manifest: {error}") from error


def update_manifest(folder: Path, entries: Iterable[ManifestEntry]) -> None:
    """Put `entries` into the folder's manifest, replacing those of the same name."""
    known = read_manifest(folder) if (folder / MANIFEST_NAME).exists() else []
    merged = {entry.name: entry for entry in known} | {entry.name: entry for entry in entries}
    write_manifest(folder, merged.values())


def write_manifest(folder: Path, entries: Iterable[ManifestEntry]) -> None:
    """Write `folder`/manifest.toml with exactly these entries."""
    text = "\n".join(_entry_as_toml(entry) for entry in entries)
    temporary = _temporary_beside(folder / MANIFEST_NAME)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / MANIFEST_NAME)


def _entry_from_table(table: dict[str, Any]) -> ManifestEntry:
    frames = {split: tuple(int(k) for k in ks) for split, ks in table.get("frames", {}).items()}
    texts = {key: str(table[key]) for key in _TEXT_FIELDS}
    return ManifestEntry(**texts, frames=frames, region=str(table.get("region", "head")))


def _entry_as_toml(entry: ManifestEntry) -> str:
    lines = ["[[volume]]"]
    lines += [f"{key} = {_quoted(getattr(entry, key))}" for key in _TEXT_FIELDS]
    lines.append(f"region = {_quoted(entry.region)}")
    if entry.frames:
        parts = [f"{split} = {list(ks)}" for split, ks in entry.frames.items()]
        lines.append("frames = {" + ", ".join(parts) + "}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """TOML basic string; control characters are written as \\uXXXX."""
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in body) + '"'


def _write_npz(volume: PreparedVolume, path: Path) -> None:
    temporary = _temporary_beside(path)
    both = {"mri": volume.mri, "structures": volume.structures}
    further: dict[str, Any] = {name: array for name, array in both.items() if array is not None}
    with temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            image=volume.image,
            labels=volume.labels,
            spacing=volume.spacing,
            kind=np.asarray(volume.entry.kind),
            **further,
        )
    temporary.replace(path)


def _temporary_beside(path: Path) -> Path:
    """A name of this process in the same folder, so that the rename is atomic."""
    return path.with_name(f".{path.stem}-{os.getpid()}.part")
