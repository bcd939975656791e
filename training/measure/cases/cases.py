"""What is measured: the volumes and slabs of a split, before anything is coloured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from skimage.color import lab2rgb

from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.kinds import stem, suffix
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.tissue import PALETTE_LAB
from MRIColorizeLib.volume import Volume
from training.data.prepared import PreparedVolume
from training.measure.cases.learned import Region, region_of
from training.measure.cases.origins import region_of_source
from training.measure.cases.synthetic import INTENSITIES, fine_structure, synthetic_mri

# The test part: never trained on, no setting chosen on it; opened for reports. Three contrasts of
# one person, and a fourth volume of the same one; the sample that ships; necks; a fetal atlas.
TEST_VOLUMES = (
    "head_t1_seg3d_defaced",
    "brain_stroke_t1",
    "brain_stroke_t2",
    "brain_stroke_flair",
    "brain_t2_m2208",
    "neck_t1_crop",
    "neck_t2_crop",
    "fetal_t2_atlas_testonly",
)
SAME_PERSON = {"brain_t2_m2208": "brain_stroke"}  # volumes whose names tell two persons
CONTRASTS = ("t1", "t2", "flair", "pd")
SLAB, MRI = "cryosection", "MRI"  # kinds of cases
SYNTHETIC = "synthetic "  # before the contrast of an MRI made of labels
GAP = 2  # least distance, in frames, of a measured frame from a frame of the training


@dataclass(frozen=True)
class Case:
    """One MRI to colour.

    kind: SLAB or MRI. unit: slab or person, what counts as one in the statistics: several volumes
    of one person, scanned or made of one label map, do not speak for several. subject: cases of
    one subject on one grid are compared with each other. mask, labels, truth: on the volume's
    grid, or None: the body, tissue codes, RGB uint8 (K, J, I, 3). photograph: whether the truth is
    one, and not the palette painted on the labels. first: number of the first slice in its source.
    path: the file that was read, if one was.
    """

    name: str
    unit: str
    kind: str
    contrast: str
    subject: str
    region: Region
    volume: Volume
    plane: str = "auto"
    mask: np.ndarray | None = None
    labels: np.ndarray | None = None
    truth: np.ndarray | None = None
    photograph: bool = False
    first: int = 0
    path: Path | None = None

    @property
    def synthetic(self) -> bool:
        """Whether it is a contrast made of the labels of an MRI."""
        return self.contrast.startswith(SYNTHETIC)

    @property
    def weighting(self) -> str:
        """The contrast, whether scanned or synthetic."""
        return self.contrast.removeprefix(SYNTHETIC)


def slab_cases(volumes: Sequence[PreparedVolume], split: str) -> Iterator[Case]:
    """Every cryosection slab of a split in every contrast of `synthetic`.

    A slab is a run of neighbouring frames. Raises ValueError when one lies beside a frame of the
    training, whose picture would give it away.
    """
    for volume in volumes:
        if volume.entry.kind != "cryosection":
            continue
        for frames in slabs(volume.indices(split)):
            _refuse_neighbours(volume, frames, split)
            yield from _slab(volume, frames)


def slabs(indices: Sequence[int]) -> list[list[int]]:
    """Runs of successive numbers."""
    runs: list[list[int]] = []
    for k in sorted(indices):
        if runs and runs[-1][-1] == k - 1:
            runs[-1].append(k)
        else:
            runs.append([k])
    return runs


def labelled_cases(volumes: Sequence[PreparedVolume], split: str) -> Iterator[Case]:
    """Labelled MRI of a split: its own contrast, and the contrasts of `synthetic` from its labels.

    The truth is the palette painted on the labels. All cases of a volume, and the other contrasts
    of the same person, are one subject's. A label map without a scan has synthetic contrasts only.
    """
    for volume in volumes:
        if volume.entry.kind != "mri" or not volume.indices(split):
            continue
        name = volume.entry.name
        contrast, _ = contrast_and_subject(name)
        image = volume.image.astype(np.float32)
        if image.any():
            yield _labelled(volume, image, contrast, name)
        if contrast not in ("T1", "?"):
            continue  # the labels are those of the T1
        detail = fine_structure(np.clip(image / max(float(image.max()), 1e-6), 0, 1), volume.labels)
        for made in INTENSITIES:
            array = synthetic_mri(volume.labels, made, detail, name)
            yield _labelled(volume, array, f"{SYNTHETIC}{made}", f"{name}_synthetic_{made.lower()}")


def only_slices(case: Case, index: np.ndarray) -> Case:
    """The slices `index` (S,) of a case alone; they lie along the first axis of its arrays."""

    def kept(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.ascontiguousarray(array[index])

    volume = Volume(np.ascontiguousarray(case.volume.array[index]), case.volume.ijk_to_ras)
    return replace(
        case, volume=volume, mask=kept(case.mask), labels=kept(case.labels), truth=kept(case.truth)
    )


def file_cases(data: Path, names: Sequence[str]) -> Iterator[Case]:
    """MRI files of `data`/mri or `data`; a name may also be a path. Their truth is unknown.

    Raises InputError for a name that no file, or more than one, has, before the first is read.
    """
    paths = [_find(data, name) for name in names]
    return (_file(path) for path in paths)


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


def _file(path: Path) -> Case:
    name = stem(path)
    contrast, subject = contrast_and_subject(name)
    person = SAME_PERSON.get(name, subject)
    # Of a volume in no list, its name may tell.
    words = re.findall("[a-z]+", (region_of_source(name) or name).lower())
    region = next((Region(word) for word in words if word in ("brain", "head")), Region.BODY)
    return Case(name, person, MRI, contrast, subject, region, read_volume(path), path=path)


def _slab(volume: PreparedVolume, frames: list[int]) -> Iterator[Case]:
    labels, truth = volume.labels[frames], volume.image[frames]
    detail = fine_structure(truth / np.float32(255), labels)
    unit = f"{volume.entry.name}_{frames[0]:03d}"
    body = labels > 0
    for contrast in INTENSITIES:
        yield Case(
            name=f"{unit}_{contrast.lower()}",
            unit=unit,
            kind=SLAB,
            contrast=contrast,
            subject=unit,
            region=region_of(labels),
            volume=Volume(synthetic_mri(labels, contrast, detail, unit), _affine(volume)),
            plane="axial",
            mask=body,
            labels=labels,
            truth=truth * body[..., None],
            photograph=True,
            first=frames[0],
        )


def _labelled(volume: PreparedVolume, array: np.ndarray, contrast: str, name: str) -> Case:
    labels, subject = volume.labels, contrast_and_subject(volume.entry.name)[1]
    painted = np.rint(lab2rgb(PALETTE_LAB) * 255).astype(np.uint8)
    painted[0] = 0
    return Case(
        name=name,
        unit=subject,
        kind=MRI,
        contrast=contrast,
        subject=subject,
        region=region_of(labels),
        volume=Volume(array, _affine(volume)),
        mask=labels > 0,
        labels=labels,
        truth=painted[labels],
    )


def _affine(volume: PreparedVolume) -> np.ndarray:
    """Prepared arrays run to superior, posterior and left along k, j and i."""
    k, j, i = (float(step) for step in volume.spacing)
    return np.diag([-i, -j, k, 1.0])


def _refuse_neighbours(volume: PreparedVolume, frames: Sequence[int], split: str) -> None:
    near = [t for t in volume.indices("train") for k in frames if abs(t - k) < GAP]
    if near:
        raise ValueError(
            f"{volume.entry.name}: frames {frames} of {split} lie beside training frames {near}; "
            "leave a gap in the manifest."
        )


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
