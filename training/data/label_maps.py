"""Prepared labels as files for 3D Slicer: segmentations with names and colours, and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES, Tissue
from training.data.prepared import PreparedVolume, load_prepared, read_manifest
from training.errors import TrainingError

TABLE_NAME = "tissues.ctbl"
COMPRESSION = 4


class LabelMapError(TrainingError):
    """A volume to write is not there."""


def write_label_maps(prepared: Path, out: Path, names: Sequence[str] = ()) -> list[Path]:
    """Write the label maps of a prepared folder to `out`; returns the files.

    Each volume becomes NAME.seg.nrrd, NAME.nrrd with its image where it has one, and NAME_mri.nrrd
    with the MRI registered to it; tissues.ctbl is the colour table. names: which of the volumes,
    all by default. Raises LabelMapError, PreparedDataError and OutputError.
    """
    entries = read_manifest(prepared)
    for name in names:
        if not any(entry.name == name for entry in entries):
            known = ", ".join(entry.name for entry in entries)
            raise LabelMapError(f"{prepared} holds no volume {name}; it holds {known}.")
    written = [write_color_table(out / TABLE_NAME)]
    for entry in entries:
        if not names or entry.name in names:
            volume = load_prepared(prepared, entry)
            written.append(write_segmentation(volume, out / f"{entry.name}.seg.nrrd"))
            written += _write_images(volume, out)
    return written


def write_segmentation(volume: PreparedVolume, path: Path) -> Path:
    """Write the labels to `.seg.nrrd`: a segment for each tissue that occurs.

    Slicer opens it as a segmentation; to every other program it is a label map of Tissue codes.
    """
    last = [size - 1 for size in volume.labels.shape[::-1]]
    fields = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
        "Source": volume.entry.source,
        "Licence": volume.entry.licence,
    }
    present = [Tissue(code) for code in np.unique(volume.labels) if code != Tissue.BACKGROUND]
    for number, tissue in enumerate(present):
        color = DISPLAY_RGB[tissue] / 255
        segment = {
            "ID": tissue.name,
            "Name": NAMES[tissue].capitalize(),
            "Color": " ".join(f"{value:.6f}" for value in color),
            "LabelValue": str(int(tissue)),
            "Layer": "0",
            "Extent": f"0 {last[0]} 0 {last[1]} 0 {last[2]}",
        }
        fields |= {f"Segment{number}_{key}": text for key, text in segment.items()}
    _write_nrrd(volume.labels, _directions(volume), fields, path)
    return path


def write_color_table(path: Path) -> Path:
    """Write names and colours of all tissues in the text form that Slicer's Colors module opens."""
    lines = ["# MRIColorize tissues"]
    for tissue, color in zip(Tissue, DISPLAY_RGB, strict=True):
        # Slicer shows the underscores as spaces.
        name = NAMES[tissue].replace(" ", "_")
        opacity = 0 if tissue == Tissue.BACKGROUND else 255
        lines.append(" ".join((str(int(tissue)), name, *map(str, color), str(opacity))))
    with atomic(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _write_images(volume: PreparedVolume, out: Path) -> list[Path]:
    images = {"": volume.image if volume.image.any() else None, "_mri": volume.mri}
    written = []
    for ending, image in images.items():
        if image is not None:
            path = out / f"{volume.entry.name}{ending}.nrrd"
            _write_nrrd(image, _directions(volume), {"Licence": volume.entry.licence}, path)
            written.append(path)
    return written


def _directions(volume: PreparedVolume) -> np.ndarray:
    """Steps along i, j, k in LPS mm, (3, 3): cryosections are seen from above, MRI from below."""
    signs = (-1, 1, -1) if volume.entry.kind == "cryosection" else (1, 1, 1)
    return np.diag(signs * volume.spacing[::-1].astype(float))


def _write_nrrd(
    array: np.ndarray, directions: np.ndarray, fields: Mapping[str, str], path: Path
) -> None:
    """Write (K, J, I) or (K, J, I, 3), its first voxel in the world's origin."""
    import nrrd

    rgb = array.ndim == 4
    header = {
        "space": "left-posterior-superior",
        "space directions": np.vstack((np.full(3, np.nan), directions)) if rgb else directions,
        "space origin": np.zeros(3),
        "kinds": [*(["RGB-color"] if rgb else []), "domain", "domain", "domain"],
        "encoding": "gzip",
        **fields,
    }
    with atomic(path) as temporary, temporary.open("wb") as stream:
        # (K, J, I, 3) in C order is what NRRD calls sizes 3 I J K.
        nrrd.write(stream, array, header, index_order="C", compression_level=COMPRESSION)
