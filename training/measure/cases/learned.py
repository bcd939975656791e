"""What the trivial baselines learn from the training split: colours by region and by intensity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from skimage.color import rgb2lab

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from training.data.prepared import PreparedVolume
from training.measure.cases.synthetic import INTENSITIES, fine_structure, synthetic_mri
from training.measure.metrics.measures import colorfulness

BINS = 64
BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF)
# A slice counts as a head when at least this share of its body is grey or white matter.
HEAD_SHARE = 0.02
# A volume counts as a stripped brain when at least this share of its body is.
BRAIN_SHARE = 0.9
PIXELS = 4000  # of each frame, at even steps: frames count the same, more change no statistic
EVERY = 8  # of a labelled MRI's slices, one in this many is read for the tables


class Region(StrEnum):
    """What part of a person a picture shows: its colours are compared with that part's."""

    BRAIN = "brain"
    HEAD = "head"
    BODY = "body"


def region_of(labels: np.ndarray) -> Region:
    """Region of a labelled stack."""
    body = max(int((labels > 0).sum()), 1)
    if np.isin(labels, BRAIN).sum() >= BRAIN_SHARE * body:
        return Region.BRAIN
    return Region.HEAD if np.isin(labels, BRAIN[:2]).sum() >= HEAD_SHARE * body else Region.BODY


@dataclass(frozen=True)
class RegionColors:
    """The colours of one region in the training cryosections, each frame counting the same.

    mean_lab, std_lab: (3,) CIELAB. by_rank: (BINS, 3) mean CIELAB of the pixels between successive
    quantiles of lightness. tables: for each contrast (BINS, 3) mean CIELAB at each intensity.
    colorfulness: mean over frames, in the region. frames: how many.
    """

    mean_lab: np.ndarray
    std_lab: np.ndarray
    by_rank: np.ndarray
    tables: Mapping[str, np.ndarray]
    colorfulness: float
    frames: int


@dataclass(frozen=True)
class ColorStatistics:
    """What the baselines know. table: (BINS, 3) of all labelled training MRI, every one a T1."""

    regions: Mapping[Region, RegionColors]
    table: np.ndarray
    volumes: int


@dataclass(frozen=True)
class _Frame:
    """A training photograph: rgb (H, W, 3) uint8, labels (H, W), body (H, W) bool."""

    rgb: np.ndarray
    labels: np.ndarray
    body: np.ndarray
    name: str


def learn_statistics(volumes: Sequence[PreparedVolume]) -> ColorStatistics:
    """Learn from the training split of prepared volumes.

    A region without photographs gets those of the others. Raises ValueError when the split has no
    cryosection or no labelled MRI.
    """
    frames = [frame for volume in volumes for frame in _frames(volume)]
    scans = [v for v in volumes if v.entry.kind == "mri" and v.indices("train") and _is_t1(v)]
    if not frames or not scans:
        raise ValueError("The baselines need a training cryosection and a labelled training MRI.")
    heads = [frame for frame in frames if region_of(frame.labels) != Region.BODY]
    rest = [frame for frame in frames if region_of(frame.labels) == Region.BODY]
    brains = [_Frame(f.rgb, f.labels, np.isin(f.labels, BRAIN), f.name) for f in heads]
    return ColorStatistics(
        regions={
            Region.BRAIN: _learn_region(brains or frames, scans, Region.BRAIN),
            Region.HEAD: _learn_region(heads or frames, scans, Region.HEAD),
            Region.BODY: _learn_region(rest or frames, (), Region.BODY),
        },
        table=_mean_table([_real_table(volume) for volume in scans]),
        volumes=len(scans),
    )


def _is_t1(volume: PreparedVolume) -> bool:
    """Whether it is a T1 scan: not another contrast of the same person, nor labels without one."""
    return not volume.entry.name.endswith(("_t2", "_flair")) and bool(volume.image.any())


def _frames(volume: PreparedVolume) -> Iterator[_Frame]:
    if volume.entry.kind == "cryosection":
        for k in volume.indices("train"):
            labels = volume.labels[k]
            body = (labels != Tissue.BACKGROUND) & (labels != Tissue.AIR)
            if body.any():
                yield _Frame(volume.image[k], labels, body, f"{volume.entry.name} {k}")


def _learn_region(
    frames: Sequence[_Frame], scans: Sequence[PreparedVolume], region: Region
) -> RegionColors:
    lab = np.concatenate([_sample_lab(frame) for frame in frames])
    ordered = lab[np.argsort(lab[:, 0], kind="stable")]
    fullness = [colorfulness(f.rgb[None] / np.float32(255), f.body[None])[0] for f in frames]
    return RegionColors(
        mean_lab=lab.mean(axis=0),
        std_lab=lab.std(axis=0),
        by_rank=np.stack([part.mean(axis=0) for part in np.array_split(ordered, BINS)]),
        tables={name: _contrast_table(frames, scans, region, name) for name in INTENSITIES},
        colorfulness=float(np.mean(fullness)),
        frames=len(frames),
    )


def _sample_lab(frame: _Frame) -> np.ndarray:
    pixels = frame.rgb[frame.body]
    steps = np.linspace(0, len(pixels) - 1, PIXELS).astype(int)
    return rgb2lab(pixels[steps] / 255)


def _contrast_table(
    frames: Sequence[_Frame], scans: Sequence[PreparedVolume], region: Region, contrast: str
) -> np.ndarray:
    """Mean CIELAB at each intensity of a contrast: photographs, and palette on labelled MRI."""
    tables = [_frame_table(frame, contrast) for frame in frames]
    for scan in scans:
        labels = scan.labels[::EVERY]
        if region == Region.HEAD and region_of(labels) != Region.HEAD:
            continue
        made = synthetic_mri(labels, contrast, np.zeros(labels.shape), scan.entry.name)
        inside = np.isin(labels, BRAIN) if region == Region.BRAIN else labels > 0
        if not inside.any():
            continue
        scaled, _ = normalize(made, inside)
        tables.append(_table(scaled[inside], PALETTE_LAB[labels[inside]]))
    return _mean_table(tables)


def _frame_table(frame: _Frame, contrast: str) -> np.ndarray:
    labels = frame.labels[None]
    detail = fine_structure(frame.rgb[None] / 255, labels)
    scaled, _ = normalize(synthetic_mri(labels, contrast, detail, frame.name), frame.body[None])
    return _table(scaled[0][frame.body], rgb2lab(frame.rgb[frame.body] / 255))


def _real_table(volume: PreparedVolume) -> np.ndarray:
    mri, mask = normalize(volume.image.astype(np.float32), volume.labels > 0)
    return _table(mri[mask], PALETTE_LAB[volume.labels[mask]])


def _table(intensities: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """Mean CIELAB at each of BINS intensities from 0 to 1; NaN where none has it."""
    bins = np.minimum((intensities * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS).astype(np.float64)
    total = np.stack([np.bincount(bins, column, BINS) for column in lab.T], axis=-1)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)


def _mean_table(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of the sources' tables; intensities that none has are interpolated."""
    known = np.isfinite(tables)
    total = np.where(known, tables, 0).sum(axis=0)
    count = known.sum(axis=0)
    present = count[:, 0] > 0
    mean = total[present] / count[present]
    every, where = np.arange(BINS), np.flatnonzero(present)
    return np.stack([np.interp(every, where, column) for column in mean.T], axis=-1)
