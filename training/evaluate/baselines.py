"""Trivial colourings that a model has to beat, and what they learn from the training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from training.data.prepared import PreparedVolume
from training.evaluate.measures import colorfulness

BINS = 64
# A frame of a cryosection counts as a head when at least this share of its body is brain.
HEAD_SHARE = 0.02
BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
_PIXELS_PER_FRAME = 50_000  # taken at even steps; more would change no statistic


@dataclass(frozen=True)
class ColorStatistics:
    """What the baselines know of the training split, and nothing else.

    mean_lab, std_lab: (3,) CIELAB over the body of the cryosections' head frames (of all frames
    where no head is among them), each frame counting the same. table: (BINS, 3) mean CIELAB of the
    palette over the labelled MRI at each intensity from 0 to 1, each volume counting the same.
    frames, volumes: how many they come from. colorfulness: mean over those frames, in the body.
    """

    mean_lab: np.ndarray
    std_lab: np.ndarray
    table: np.ndarray
    frames: int
    volumes: int
    colorfulness: float


def learn_statistics(volumes: Sequence[PreparedVolume]) -> ColorStatistics:
    """Learn from the training split of prepared volumes.

    Raises ValueError when it has no cryosection or no labelled MRI.
    """
    photographs = _training_frames(volumes)
    tables = [
        _intensity_table(volume)
        for volume in volumes
        if volume.entry.kind == "mri" and volume.indices("train")
    ]
    if not photographs or not tables:
        raise ValueError("The baselines need a training cryosection and a labelled training MRI.")
    labs = [rgb2lab(_thin_out(image[mask]).astype(np.float64)) for image, mask in photographs]
    mean = np.mean([lab.mean(axis=0) for lab in labs], axis=0)
    square = np.mean([(lab**2).mean(axis=0) for lab in labs], axis=0)
    fullness = [colorfulness(image[None], mask[None])[0] for image, mask in photographs]
    return ColorStatistics(
        mean_lab=mean,
        std_lab=np.sqrt(np.maximum(square - mean**2, 0)),
        table=_mean_table(tables),
        frames=len(photographs),
        volumes=len(tables),
        colorfulness=float(np.mean(fullness)),
    )


def grey_copy(mri: np.ndarray, mask: np.ndarray, statistics: ColorStatistics) -> np.ndarray:
    """The MRI itself in three channels: perfect structure, no colour."""
    return _to_uint8(np.repeat(mri[..., None], 3, axis=-1), mask)


def constant_color(mri: np.ndarray, mask: np.ndarray, statistics: ColorStatistics) -> np.ndarray:
    """The mean colour of the training cryosections all over the body: no structure."""
    return _painted(np.broadcast_to(statistics.mean_lab, (*mri.shape, 3)), mask)


def intensity_table(mri: np.ndarray, mask: np.ndarray, statistics: ColorStatistics) -> np.ndarray:
    """Each intensity's mean colour in the labelled training MRI, all of them T1: a colour map."""
    centers = (np.arange(BINS) + 0.5) / BINS
    lab = np.stack([np.interp(mri, centers, column) for column in statistics.table.T], axis=-1)
    return _painted(lab, mask)


def reinhard(mri: np.ndarray, mask: np.ndarray, statistics: ColorStatistics) -> np.ndarray:
    """Reinhard et al. 2001 in CIELAB: the volume's mean and spread become the cryosections'.

    Done once a volume, over its body. A grey source has no spread in a and b to stretch, so these
    become the mean; lightness takes mean and spread.
    """
    lightness = rgb2lab(np.repeat(mri[..., None], 3, axis=-1))[..., 0]
    inside = lightness[mask]
    spread = max(float(inside.std()), 1e-6)
    lab = np.empty((*mri.shape, 3))
    lab[..., 0] = (lightness - inside.mean()) / spread * statistics.std_lab[0]
    lab[..., 0] = np.clip(lab[..., 0] + statistics.mean_lab[0], 0, 100)
    lab[..., 1:] = statistics.mean_lab[1:]
    return _painted(lab, mask)


# (S, H, W) float32 MRI and bool mask to (S, H, W, 3) uint8 RGB, black outside the body.
Baseline = Callable[[np.ndarray, np.ndarray, ColorStatistics], np.ndarray]
BASELINES: dict[str, Baseline] = {
    "grey copy": grey_copy,
    "intensity table": intensity_table,
    "Reinhard": reinhard,
    "constant colour": constant_color,
}


def _training_frames(volumes: Sequence[PreparedVolume]) -> list[tuple[np.ndarray, np.ndarray]]:
    """RGB in [0, 1] and body mask of every training frame of a head, or of every frame."""
    heads: list[tuple[np.ndarray, np.ndarray]] = []
    others: list[tuple[np.ndarray, np.ndarray]] = []
    for volume in volumes:
        if volume.entry.kind != "cryosection":
            continue
        for k in volume.indices("train"):
            mask = (volume.labels[k] != Tissue.BACKGROUND) & (volume.labels[k] != Tissue.AIR)
            if mask.any():
                brain = np.isin(volume.labels[k], BRAIN).sum() / mask.sum()
                frame = (volume.image[k].astype(np.float32) / 255, mask)
                (heads if brain >= HEAD_SHARE else others).append(frame)
    return heads or others


def _thin_out(pixels: np.ndarray) -> np.ndarray:
    return pixels[:: max(1, len(pixels) // _PIXELS_PER_FRAME)]


def _intensity_table(volume: PreparedVolume) -> np.ndarray:
    """Mean CIELAB of the palette at each intensity of one labelled MRI; NaN where none has it."""
    mri, mask = normalize(volume.image.astype(np.float32), volume.labels > 0)
    bins = np.minimum((mri[mask] * BINS).astype(int), BINS - 1)
    colors = PALETTE_LAB[volume.labels[mask]]
    count = np.bincount(bins, minlength=BINS).astype(np.float64)
    total = np.stack([np.bincount(bins, column, BINS) for column in colors.T], axis=-1)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)


def _mean_table(tables: list[np.ndarray]) -> np.ndarray:
    """Mean of the volumes' tables; intensities that no volume has are interpolated."""
    known = np.isfinite(tables)
    total = np.where(known, tables, 0).sum(axis=0)
    count = known.sum(axis=0)
    present = count[:, 0] > 0
    mean = total[present] / count[present]
    every, where = np.arange(BINS), np.flatnonzero(present)
    return np.stack([np.interp(every, where, column) for column in mean.T], axis=-1)


def _painted(lab: np.ndarray, mask: np.ndarray) -> np.ndarray:
    rgb = np.zeros(lab.shape, dtype=np.float32)
    if mask.any():
        rgb[mask] = lab2rgb(lab[mask])
    return _to_uint8(rgb, mask)


def _to_uint8(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Eight bits as the engine's output, black outside the body."""
    return (np.rint(rgb * 255) * mask[..., None]).astype(np.uint8)
