"""Other colours for a finished volume at once: what the network found, under another palette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .errors import InputError
from .finishing import Finish, finish, to_bytes
from .options import check_palette
from .tissue import fit_palette
from .volume import ColorVolume

# Tissues kept for each voxel; what a fifth one would add is below a grey level nearly everywhere.
KEPT = 4
# Voxels recoloured at once: bounds the memory.
CHUNK = 1 << 18


@dataclass(frozen=True)
class TissueMixture:
    """What every voxel of the body is made of, N voxels in the order of `array[mask]`.

    tissues: uint8 (N, KEPT), the most probable ones; weights: uint8 (N, KEPT), 0 to 255 for their
    probabilities of 0 to 1; lab: float16 (N, 3), the CIELAB colour before `finish`; mri: float16
    (N,), the grey MRI in [0, 1]; palette: float32 (classes, 3), the CIELAB colours of the run;
    finish: how the run finished its colours; own: float32 (classes, 3), the model's own colours. A
    voxel that was not coloured has weights of 0.
    """

    tissues: np.ndarray
    weights: np.ndarray
    lab: np.ndarray
    mri: np.ndarray
    palette: np.ndarray
    finish: Finish
    own: np.ndarray


def recolor(color: ColorVolume, palette_lab: np.ndarray) -> np.ndarray:
    """The colours under another palette, without the network: uint8 (K, J, I, 3).

    palette_lab: (20, 3) or (13, 3) CIELAB in the order of `tissue.Tissue`. Voxels without a changed
    tissue keep their bytes, so the palette of the run gives `color.array` again. Every other
    voxel's colour moves by its share of each changed tissue; the fine detail stays as it was.
    Raises InputError for a volume that was not made editable and for a wrong palette.
    """
    mixture = color.mixture
    if mixture is None:
        raise InputError("This volume cannot be recoloured; colour it again with editable colours.")
    wanted = fit_palette(check_palette(palette_lab), len(mixture.palette))
    change = wanted - mixture.palette
    result = color.array.copy()
    changed = np.flatnonzero(_holds(mixture, np.flatnonzero(change.any(axis=1))))
    if changed.size:
        places = np.flatnonzero(color.mask)[changed]
        flat = result.reshape(-1, 3)
        for start in range(0, changed.size, CHUNK):
            part = slice(start, start + CHUNK)
            flat[places[part]] = _colors(mixture, changed[part], change)
    return result


def _holds(mixture: TissueMixture, tissues: np.ndarray) -> np.ndarray:
    """bool (N,): voxels with some weight on any of these tissues."""
    wanted = np.zeros(len(mixture.palette), dtype=bool)
    wanted[tissues] = True
    return (wanted[mixture.tissues] & (mixture.weights > 0)).any(axis=1)


@torch.inference_mode()
def _colors(mixture: TissueMixture, voxels: np.ndarray, change: np.ndarray) -> np.ndarray:
    """uint8 (n, 3): these voxels under the run's palette plus `change` (classes, 3)."""
    weights = mixture.weights[voxels].astype(np.float32) / 255
    moved = np.einsum("nk,nkc->nc", weights, change[mixture.tissues[voxels]])
    lab = torch.from_numpy(mixture.lab[voxels].astype(np.float32) + moved)
    mri = torch.from_numpy(mixture.mri[voxels].astype(np.float32))
    # (1, 3, n, 1) and (1, 1, n, 1): a picture one pixel wide.
    rgb = finish(lab.T[None, :, :, None], mri[None, None, :, None], mixture.finish)
    return to_bytes(rgb)[0, :, :, 0].T.numpy()
