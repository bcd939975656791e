"""Scans of people that were not trained on: flesh of a belly, deep nuclei, one person twice.

The files lie in DATA/body and DATA/mri; their licences stand in the sources.toml beside them. The
abdomen and the neck are of the test part: for reports alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import NAMES, Tissue
from MRIColorizeLib.volume import ColorVolume
from training.data.mri_read import read_scan, resample_labels
from training.measure.report.regions import tissue_shares

FLESH = (
    *(Tissue.MUSCLE, Tissue.BLOOD, Tissue.HEART, Tissue.LIVER, Tissue.KIDNEY, Tissue.SPLEEN),
    *(Tissue.BOWEL, Tissue.GLAND, Tissue.OTHER),
)
BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
# Codes of labels_deep_grey_cit168_mni2009c.nii.gz, one for each side: their middles lie 26, 14, 9
# and, of both parts of the pallidum, 19 and 17 mm from the midline.
NUCLEI = {"putamen": (1, 2), "caudate": (3, 4), "accumbens": (5, 6), "pallidum": (9, 10, 11, 12)}
# One person in two contrasts on one grid: the reference, the others.
PERSONS = {
    "mri/brain_ms26_t1.nii.gz": ("mri/brain_ms26_t2.nii.gz", "mri/brain_ms26_flair.nii.gz"),
    "body/mri_neck_axial_t1.nii.gz": ("body/mri_neck_axial_mt0.nii.gz",),
}


@dataclass(frozen=True)
class Finding:
    """One number of one scan."""

    scan: str
    what: str
    value: float


def measure_scans(colorizer: Colorizer, data: Path, plane: str = "auto") -> Iterator[Finding]:
    """Colour the scans in `data` along a plane and measure them; raises InputError for a lack."""

    def colored(path: Path) -> ColorVolume:
        return colorizer.colorize(read_volume(path), ColorizeOptions(plane=plane))

    yield from _belly(colored(data / "body/mri_abdomen_dixon_fat_totalseg.nii.gz"), data)
    yield from _nuclei(colored(data / "mri/brain_t1_cit168.nii.gz"), data)
    for reference, others in PERSONS.items():
        first = colored(data / reference)
        for other in others:
            second = colored(data / other)
            name = Path(other).name.removesuffix(".nii.gz")
            yield Finding(name, f"CIEDE2000 to {Path(reference).name}", difference(first, second))


def _belly(color: ColorVolume, data: Path) -> Iterator[Finding]:
    labels = read_volume(data / "body/labels_abdomen_fine.nii.gz").array.astype(np.uint8)
    name, tissue = "abdomen, Dixon fat image", _tissue(color)
    yield from (
        Finding(name, what, share)
        for what, share in {
            "flesh as flesh": _share(tissue, FLESH, np.isin(labels, FLESH)),
            "brain in the belly": _share(tissue, BRAIN, labels > 0),
        }.items()
    )
    for code, share in tissue_shares(tissue, labels).items():
        yield Finding(name, NAMES[code], share)


def _nuclei(color: ColorVolume, data: Path) -> Iterator[Finding]:
    scan = read_scan(data / "mri/brain_t1_cit168.nii.gz")
    codes = resample_labels(read_scan(data / "body/labels_deep_grey_cit168_mni2009c.nii.gz"), scan)
    # From the axes that `read_scan` turns the image to, to those of the file, which colours keep.
    matrix = np.linalg.inv(color.ijk_to_ras)[[2, 1, 0, 3]] @ scan.kji_to_ras
    places = np.indices(scan.array.shape).reshape(3, -1)
    stored = np.rint(matrix[:3, :3] @ places + matrix[:3, 3:]).astype(int)
    tissue = _tissue(color)[tuple(stored)].reshape(scan.array.shape)
    for name, members in NUCLEI.items():
        inside = np.isin(codes, members)
        yield Finding(
            "brain_t1_cit168",
            f"{name} as grey matter",
            _share(tissue, (Tissue.GREY_MATTER,), inside),
        )


def difference(first: ColorVolume, second: ColorVolume, step: int = 4) -> float:
    """Mean CIEDE2000 between two colourings on one grid, of every step-th slice, in both bodies."""
    both = first.mask[::step] & second.mask[::step]
    colors = (rgb2lab(color.array[::step][both]) for color in (first, second))
    return float(deltaE_ciede2000(*colors).mean())


def _tissue(color: ColorVolume) -> np.ndarray:
    if color.tissue is None:
        raise ValueError("This model tells no tissues apart.")
    return color.tissue


def _share(tissue: np.ndarray, members: tuple[int, ...], inside: np.ndarray) -> float:
    return float(np.isin(tissue[inside], members).mean())
