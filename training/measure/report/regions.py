"""How many voxels of each tissue get their tissue, in bodies that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import NAMES
from MRIColorizeLib.volume import Volume
from training.data.prepared import PreparedVolume
from training.measure.cases.body_scan import CONTRASTS, scan_body

FEWEST = 200  # voxels of a tissue that are worth a share
PLANES = ("axial", "coronal")


@dataclass(frozen=True)
class RegionShares:
    """Shares of the labelled voxels that got their tissue, by tissue code, in one colouring."""

    volume: str
    contrast: str
    plane: str
    shares: dict[int, float]


def measure_regions(
    colorizer: Colorizer, volumes: Sequence[PreparedVolume], planes: Sequence[str] = PLANES
) -> Iterator[RegionShares]:
    """Colour bodies of the validation part: maps through synthetic MRI, scans as they are."""
    for volume in volumes:
        if volume.entry.region != "body" or volume.entry.kind != "mri" or not volume.indices("val"):
            continue
        name = volume.entry.name
        if volume.image.any():
            k, j, i = (float(step) for step in volume.spacing)
            scan = Volume(volume.image.astype(np.float32), np.diag([-i, -j, k, 1.0]))
            yield _measured(colorizer, scan, volume, name, "as scanned", "auto")
            continue
        for contrast in CONTRASTS:
            scan = scan_body(volume, contrast)
            for plane in planes:
                yield _measured(colorizer, scan, volume, name, contrast, plane)


def _measured(
    colorizer: Colorizer,
    scan: Volume,
    volume: PreparedVolume,
    name: str,
    contrast: str,
    plane: str,
) -> RegionShares:
    tissue = colorizer.colorize(scan, ColorizeOptions(plane=plane)).tissue
    if tissue is None:
        raise ValueError("This model tells no tissues apart.")
    return RegionShares(name, contrast, plane, tissue_shares(tissue, volume.labels))


def tissue_shares(tissue: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """How much of each labelled tissue got its tissue, by code; both uint8 (K, J, I).

    Background, what has no label (255), and tissues of few voxels are left out.
    """
    counts = np.bincount(labels.ravel(), minlength=256)
    right = np.bincount(labels[tissue == labels].ravel(), minlength=256)
    return {
        code: float(right[code] / counts[code])
        for code in range(1, len(NAMES))
        if counts[code] >= FEWEST
    }
