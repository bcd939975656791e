"""Everything of a head but the brain: air, bone, marrow, fat, muscle, skin, by a few rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data import mri_morphology as morph


@dataclass(frozen=True)
class HeadContrast:
    """Brightness borders between tissues outside the brain, as shares of white matter.

    air: below it is nothing but air; dark: below it bone or air; fat: the border between muscle
    and fat; fat_is_bright: which side of it fat lies on (a water-excited or fat-suppressed scan
    has dark fat); blood: above it inflowing blood, or None. reach_mm: how far above the base of
    the skull the brain may lie outside the atlas brain laid over it. diploe: below it what touches
    the tables is marrow, for contrasts whose scalp is brighter than that; None where diploe can
    only be told by the table outside it.
    """

    air: float
    dark: float
    fat: float
    fat_is_bright: bool = True
    blood: float | None = None
    reach_mm: float = 4.0
    diploe: float | None = None


def outside_brain(
    bright: np.ndarray,
    spacing: np.ndarray,
    body: np.ndarray,
    cranial: np.ndarray,
    contrast: HeadContrast,
) -> np.ndarray:
    """Air, bone, fat, muscle and blood of everything outside the cranial cavity."""
    fat = bright > contrast.fat if contrast.fat_is_bright else bright < contrast.fat
    labels = np.where(fat, Tissue.FAT, Tissue.MUSCLE).astype(np.uint8)
    if contrast.blood is not None:
        labels[bright > contrast.blood] = Tissue.BLOOD
    dark = bright < contrast.dark
    labels[dark] = Tissue.BONE
    labels[_air(bright, spacing, body, cranial, contrast)] = Tissue.AIR
    labels[~body] = Tissue.BACKGROUND
    return labels


def _air(
    bright: np.ndarray,
    spacing: np.ndarray,
    body: np.ndarray,
    cranial: np.ndarray,
    contrast: HeadContrast,
) -> np.ndarray:
    """Cavities: bone is as dark, but dark parts thicker than bone ever is are air."""
    dark = (bright < contrast.dark) & body & ~cranial
    far = morph.distance_outside(cranial, spacing) > 11.0
    wide = morph.opened(dark, spacing, 4.5) | (morph.opened(dark, spacing, 2.8) & far)
    empty = morph.opened((bright < contrast.air) & dark, spacing, 2.5)
    return morph.dilate(wide | empty, spacing, 1.5) & dark & (bright < 0.8 * contrast.dark)


def skull(
    bright: np.ndarray,
    spacing: np.ndarray,
    body: np.ndarray,
    cranial: np.ndarray,
    air: np.ndarray,
    contrast: HeadContrast,
) -> np.ndarray:
    """Bone next to the brain, 0 elsewhere: uint8 (K, J, I) of BONE, MARROW and CSF.

    Above the brow it is everything from the cranial cavity to the outer table: the dark layers
    are tables, what is bright between them diploe, and what is bright on the brain's side of the
    inner table still belongs to the cavity. Below the brow only what is dark counts.
    """
    beyond = morph.distance_outside(cranial, spacing)
    depth = morph.distance_inside(body, spacing)
    shell = (beyond > 0) & (beyond < 14.0) & (depth > 3.5) & ~air
    dark = (bright < contrast.dark) & shell
    # Chemical shift draws a dark line between skin and fat: too thin for a table.
    tables = morph.opened(dark, spacing, 1.2)
    if contrast.diploe is None:
        vault = morph.close(tables | cranial, spacing, 3.0) & shell & (beyond < 11.0)
    else:
        dim = (bright < contrast.diploe) & shell & (beyond < 8.0)
        vault = morph.opened(cranial | dim, spacing, 1.5) & dim
    found = np.where(dark & vault, Tissue.BONE, Tissue.BACKGROUND).astype(np.uint8)
    bright_parts = vault & ~dark
    found[bright_parts] = Tissue.MARROW
    if contrast.diploe is None:
        inner = cranial | (bright_parts & (beyond < 4.0))
        found[ndimage.binary_propagation(cranial, mask=inner) & ~cranial] = Tissue.CSF
    base = _vault_base(cranial)
    low = np.where(dark, Tissue.BONE, Tissue.BACKGROUND)[:base]
    if contrast.diploe is not None:
        low[(dim & ~dark & (beyond < 4.0))[:base]] = Tissue.MARROW
    found[:base] = low
    return found


def put_skull(labels: np.ndarray, bone: np.ndarray, cranial: np.ndarray) -> None:
    """Lay the skull over the labels; dark lines in the scalp above the brow are fat, not bone."""
    base = _vault_base(cranial)
    scalp = labels[base:]
    scalp[scalp == Tissue.BONE] = Tissue.FAT
    labels[bone > 0] = bone[bone > 0]


def put_skin(
    labels: np.ndarray, spacing: np.ndarray, body: np.ndarray, cranial: np.ndarray
) -> None:
    """The outer 2 mm, at least a voxel, and up to 5.5 mm of what is no fat on the scalp.

    Where the field of view cuts the body off there is no skin.
    """
    depth = morph.distance_inside(body, spacing)
    skin = depth <= max(2.0, float(np.median(spacing)))
    base = _vault_base(cranial)
    skin[base:] |= (depth[base:] <= 5.5) & (labels[base:] == Tissue.MUSCLE)
    labels[body & skin & ~cranial] = Tissue.SKIN


def _vault_base(cranial: np.ndarray) -> int:
    """Index along k above which the skull is a plain shell, about the level of the brow."""
    return level_of(cranial, 0.45)


def level_of(mask: np.ndarray, share: float) -> int:
    """Index along k at a share of the mask's height."""
    occupied = np.flatnonzero(mask.any(axis=(1, 2)))
    return int(occupied[0] + share * (occupied[-1] - occupied[0]))
