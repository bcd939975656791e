"""Other colours for a finished volume at once: what the network found, under another palette."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..errors import InputError
from ..options import check_palette
from ..tissue import fit_palette
from ..volume import ColorVolume
from .canvas import Finish, finish, to_bytes

# Voxels recoloured at once: bounds the memory.
CHUNK = 1 << 18


@dataclass(frozen=True)
class TissueMixture:
    """What every voxel of the body is made of, N voxels in the order of `array[mask]`.

    tissues: uint8 (N, KEPT), the most probable ones; weights: uint8 (N, KEPT), 0 to 255 for their
    probabilities of 0 to 1; lab: float16 (N, 3), the CIELAB colour before `finish`; mri: float16
    (N,), the grey MRI in [0, 1], or empty when `finish` has no use for it; palette: float32
    (classes, 3), the CIELAB colours of the run; finish: how the run finished its colours; own:
    float32 (classes, 3), the model's own colours. A voxel that was not coloured has weights of 0.
    """

    tissues: np.ndarray
    weights: np.ndarray
    lab: np.ndarray
    mri: np.ndarray
    palette: np.ndarray
    finish: Finish
    own: np.ndarray


@dataclass(frozen=True)
class Recolorable:
    """A finished volume in the compact form that is kept for recolouring: its body alone.

    shape: (K, J, I). body: the mask, a bit for each voxel. colors: uint8 (N, 3), those of the run
    for the N voxels of the body.
    """

    shape: tuple[int, ...]
    body: np.ndarray
    colors: np.ndarray
    mixture: TissueMixture

    @classmethod
    def of(cls, color: ColorVolume) -> Recolorable:
        """The compact form of a volume; raises InputError when it was not made editable."""
        mixture = _mixture_of(color)
        if not mixture.finish.uses_mri:
            mixture = replace(mixture, mri=np.empty(0, np.float16))
        return cls(color.mask.shape, np.packbits(color.mask), color.array[color.mask], mixture)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        mixture = self.mixture
        arrays = (self.body, self.colors, mixture.tissues, mixture.weights, mixture.lab)
        return sum(array.nbytes for array in (*arrays, mixture.mri))

    @property
    def tissue(self) -> np.ndarray:
        """The most probable tissue of each voxel, uint8 (K, J, I) of Tissue."""
        codes = np.zeros(self.shape, np.uint8)
        found = self.mixture.tissues[:, 0].copy()
        found[self.mixture.weights[:, 0] == 0] = 0
        codes[self._mask] = found
        return codes

    @property
    def _mask(self) -> np.ndarray:
        bits = np.unpackbits(self.body, count=int(np.prod(self.shape)))
        return bits.view(bool).reshape(self.shape)

    def paint(self, array: np.ndarray, palette_lab: np.ndarray) -> None:
        """Give the body in uint8 (K, J, I, 3) the colours of a palette; see `recolor`."""
        array[self._mask] = _recolored(self.colors, self.mixture, palette_lab)


def recolor(color: ColorVolume, palette_lab: np.ndarray) -> np.ndarray:
    """The colours under another palette, without the network: uint8 (K, J, I, 3).

    palette_lab: (20, 3) or (13, 3) CIELAB in the order of `tissue.Tissue`. Voxels without a changed
    tissue keep their bytes, so the palette of the run gives `color.array` again. Every other
    voxel's colour moves by its share of each changed tissue; the fine detail stays as it was.
    Raises InputError for a volume that was not made editable and for a wrong palette.
    """
    colors = _recolored(color.array[color.mask], _mixture_of(color), palette_lab)
    result = color.array.copy()
    result[color.mask] = colors
    return result


def _mixture_of(color: ColorVolume) -> TissueMixture:
    if color.mixture is None:
        raise InputError("This volume cannot be recoloured; colour it again with editable colours.")
    return color.mixture


def _recolored(colors: np.ndarray, mixture: TissueMixture, palette_lab: np.ndarray) -> np.ndarray:
    """The body's colours uint8 (N, 3) under another palette."""
    change = fit_palette(check_palette(palette_lab), len(mixture.palette)) - mixture.palette
    tissues = np.flatnonzero(change.any(axis=1))
    result = colors.copy()
    for start in range(0, len(colors), CHUNK):
        part = slice(start, start + CHUNK)
        changed = start + np.flatnonzero(_holds(mixture, part, tissues))
        if changed.size:
            result[changed] = _colors(mixture, changed, change)
    return result


def _holds(mixture: TissueMixture, part: slice, tissues: np.ndarray) -> np.ndarray:
    """bool (n,): which voxels of a part have some weight on any of these tissues."""
    wanted = np.zeros(len(mixture.palette), dtype=bool)
    wanted[tissues] = True
    return (wanted[mixture.tissues[part]] & (mixture.weights[part] > 0)).any(axis=1)


@torch.inference_mode()
def _colors(mixture: TissueMixture, voxels: np.ndarray, change: np.ndarray) -> np.ndarray:
    """uint8 (n, 3): these voxels under the run's palette plus `change` (classes, 3)."""
    weights = mixture.weights[voxels].astype(np.float32) / 255
    moved = np.einsum("nk,nkc->nc", weights, change[mixture.tissues[voxels]])
    lab = torch.from_numpy(mixture.lab[voxels].astype(np.float32) + moved)
    grey = mixture.mri[voxels] if mixture.finish.uses_mri else np.zeros(len(voxels))
    mri = torch.from_numpy(grey.astype(np.float32))
    # (1, 3, n, 1) and (1, 1, n, 1): a picture one pixel wide.
    rgb = finish(lab.T[None, :, :, None], mri[None, None, :, None], mixture.finish)
    return to_bytes(rgb)[0, :, :, 0].T.numpy()
