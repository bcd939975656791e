"""The volumes of an evaluation: found, read, coloured by the engine and by the baselines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files import read_volume, stem, suffix
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Provenance, check_volume, slice_order
from training.evaluate.baselines import BASELINES, ColorStatistics

# The test part: never trained on, no setting chosen on it. Three contrasts of one person, and the
# sample that ships.
TEST_VOLUMES = (
    "head_t1_seg3d_defaced",
    "brain_stroke_t1",
    "brain_stroke_t2",
    "brain_stroke_flair",
)
CONTRASTS = ("t1", "t2", "flair", "pd")
NATURAL, STRUCTURE = "natural", "structure-locked"
MODES = {NATURAL: "natural", STRUCTURE: "structure"}  # row of the tables -> option of the engine
METHODS = (*MODES, *BASELINES)
# Slices with less body than this share of the fullest slice's are left out of the measures.
SMALLEST_BODY = 0.05


@dataclass(frozen=True)
class ColoredStack:
    """One volume as slices of the plane that the engine chose, with every colouring of it.

    mri (S, H, W) float32 in [0, 1], as the network sees it; mask (S, H, W) bool, the body; tissue
    (S, H, W) uint8 codes or None; pictures: (S, H, W, 3) uint8 by method, in the order of METHODS.
    order: array axes of the volume in the order slice, row, column.
    """

    name: str
    contrast: str
    subject: str
    mri: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray | None
    pictures: dict[str, np.ndarray]
    order: tuple[int, int, int]
    ijk_to_ras: np.ndarray
    provenance: Provenance

    @property
    def slices(self) -> np.ndarray:
        """Indices of the slices that enter the measures."""
        return slices_with_body(self.mask)

    def same_grid(self, other: ColoredStack) -> bool:
        """Whether both lie voxel on voxel and were sliced in the same plane."""
        return (
            self.mri.shape == other.mri.shape
            and self.order == other.order
            and np.allclose(self.ijk_to_ras, other.ijk_to_ras, atol=1e-3)
        )


def slices_with_body(mask: np.ndarray) -> np.ndarray:
    """Indices of slices whose body is at least SMALLEST_BODY of the fullest slice's."""
    area = mask.sum(axis=(1, 2))
    return np.flatnonzero((area > 0) & (area >= SMALLEST_BODY * area.max()))


def color_stack(
    path: Path,
    colorizer: Colorizer,
    statistics: ColorStatistics,
    progress: Callable[[str], None],
) -> ColoredStack:
    """Read a volume and colour it in both modes and with every baseline.

    Raises InputError when the file is no usable volume.
    """
    volume = check_volume(read_volume(path))
    pictures = {}
    for method, mode in MODES.items():
        progress(f"{stem(path)}: {method}")
        color = colorizer.colorize(volume, ColorizeOptions(mode=mode))
        order = slice_order(volume, color.provenance.plane)
        pictures[method] = color.array.transpose(*order, 3)
    # The engine's own normalisation, on the body that it found.
    mri = normalize(volume.array, color.mask)[0].transpose(order)
    mask = color.mask.transpose(order)
    for method, baseline in BASELINES.items():
        pictures[method] = baseline(mri, mask, statistics)
    contrast, subject = contrast_and_subject(stem(path))
    return ColoredStack(
        name=stem(path),
        contrast=contrast,
        subject=subject,
        mri=np.ascontiguousarray(mri),
        mask=np.ascontiguousarray(mask),
        tissue=None if color.tissue is None else color.tissue.transpose(order),
        pictures=pictures,
        order=order,
        ijk_to_ras=volume.ijk_to_ras,
        provenance=color.provenance,
    )


def contrast_and_subject(name: str) -> tuple[str, str]:
    """Parse a name: `brain_stroke_t2` is contrast T2 of subject `brain_stroke`.

    A name without a contrast is its own subject, contrast "?".
    """
    parts = name.split("_")
    found = [part for part in parts if part.lower() in CONTRASTS]
    if not found:
        return "?", name
    rest = [part for part in parts if part != found[0]]
    return found[0].upper(), "_".join(rest) or name


def find_volumes(data: Path, names: Collection[str]) -> list[Path]:
    """Files of the named volumes in `data`/mri or `data`; a name may also be a path.

    Raises InputError for a name that no file, or more than one, has.
    """
    return [_find(data, name) for name in names]


def _find(data: Path, name: str) -> Path:
    if Path(name).is_file():
        return Path(name)
    for folder in (data / "mri", data):
        if folder.is_dir():
            found = [
                path for path in sorted(folder.iterdir()) if suffix(path) and stem(path) == name
            ]
            if len(found) > 1:
                raise InputError(f"{folder} has {len(found)} volumes {name}; give one by its path.")
            if found:
                return found[0]
    raise InputError(f"There is no volume {name} in {data} or {data / 'mri'}.")
