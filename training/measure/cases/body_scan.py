"""MRI that is made of a label map in three dimensions: fixed contrasts and seeds, for measuring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from MRIColorizeLib.tissue import Tissue
from MRIColorizeLib.volume import Volume
from training.data.contrast import spin_echo, spoiled
from training.data.prepared import PreparedVolume
from training.data.structures import CODES, STRUCTURES

Signal = Callable[[Tensor, Tensor, Tensor], Tensor]


def _t1(pd: Tensor, t1: Tensor, t2: Tensor) -> Tensor:
    return spin_echo(pd, t1, t2, torch.tensor(550.0), torch.tensor(12.0))


def _t2(pd: Tensor, t1: Tensor, t2: Tensor) -> Tensor:
    return spin_echo(pd, t1, t2, torch.tensor(5000.0), torch.tensor(95.0))


def _pd(pd: Tensor, t1: Tensor, t2: Tensor) -> Tensor:
    return spin_echo(pd, t1, t2, torch.tensor(3000.0), torch.tensor(20.0))


def _gradient_echo(pd: Tensor, t1: Tensor, t2: Tensor) -> Tensor:
    return spoiled(pd, t1, torch.tensor(6.0), torch.tensor(11.0))


# Signal of water and fat, and how much of the fat is left.
CONTRASTS: dict[str, tuple[Signal, float]] = {
    "T1": (_t1, 1.0),
    "T2": (_t2, 1.0),
    "PD": (_pd, 1.0),
    "T2, fat suppressed": (_t2, 0.1),
    "T1, Dixon water": (_gradient_echo, 0.03),
}
SPREAD = 0.06  # of the structures' properties, relative
TEXTURE = 0.05  # within a structure
BIAS = 0.2
NOISE = 0.02  # of the brightest structure


def scan_body(volume: PreparedVolume, contrast: str, seed: int = 0) -> Volume:
    """The MRI of a label map: one of CONTRASTS, on the map's grid, in RAS millimetres."""
    rng = np.random.default_rng([seed, *contrast.encode()])
    structures = volume.labels if volume.structures is None else volume.structures
    signal = _intensities(contrast, rng)
    image = ndimage.gaussian_filter(signal[structures], 0.5)  # partial volume
    shape = structures.shape
    image *= 1 + TEXTURE * ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 1) * 5
    cells = rng.standard_normal((4, 4, 4)).astype(np.float32)
    field = ndimage.zoom(cells, [n / 4 for n in shape], order=3)[: shape[0], : shape[1], : shape[2]]
    image *= np.exp(BIAS * field / max(float(field.std()), 1e-6) * 0.5)
    real, imaginary = NOISE * rng.standard_normal((2, *shape)).astype(np.float32)
    image = np.hypot(image + real, imaginary)
    k, j, i = (float(step) for step in volume.spacing)
    # Prepared maps run from inferior to superior, anterior to posterior, right to left.
    return Volume(image.astype(np.float32), np.diag([-i, -j, k, 1.0]))


def _intensities(contrast: str, rng: np.random.Generator) -> np.ndarray:
    """Signal of every structure, float32 (CODES,), the brightest at 1."""
    make, kept = CONTRASTS[contrast]
    table = np.zeros((CODES, 4), np.float32)
    for code, one in STRUCTURES.items():
        table[code] = (one.density, one.t1, one.t2, one.fat)
    table[:, :3] *= np.exp(SPREAD * rng.standard_normal((CODES, 3))).astype(np.float32)
    pd, t1, t2 = (torch.from_numpy(column).clamp_min(1e-3) for column in table[:, :3].T)
    signal = make(pd, t1, t2).numpy()
    fat = table[:, 3]
    mixed = signal * (1 - fat) + kept * fat * signal[Tissue.FAT]
    mixed[Tissue.BACKGROUND] = 0
    return (mixed / mixed.max()).astype(np.float32)
