"""Structures of a whole head from a CHARM label map, which comes without its scan."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data import mri_morphology as morph
from training.data.mri_codes import (
    CHARM_EYE,
    CHARM_SOFT,
    deep_from_freesurfer,
    tissues_from_charm,
)

# CHARM has one code for fat and muscle. Fat lies under the skin, over the vault of the skull alone,
# and around the eyes; the rest is mostly muscle.
FAT_UNDER_SKIN_MM = 3.5
SCALP_MM = 9.0  # between skin and skull: thinner than this is all fat
FAT_BEHIND_EYES_MM = 14.0


def label_charm_head(codes: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Structures of a head: codes (K, J, I) of CHARM, spacing (3,) mm. Returns uint8 (K, J, I).

    Holes that the codes leave inside the head are AIR.
    """
    labels = tissues_from_charm(codes)
    head = morph.largest(labels > 0)
    labels[~head] = Tissue.BACKGROUND
    soft = codes == CHARM_SOFT
    skin = morph.distance_outside(labels == Tissue.SKIN, spacing)
    bone = morph.distance_outside(labels == Tissue.BONE, spacing)
    eyes = morph.distance_outside(codes == CHARM_EYE, spacing)
    fat = (skin <= FAT_UNDER_SKIN_MM) | (skin + bone <= SCALP_MM) | (eyes <= FAT_BEHIND_EYES_MM)
    labels[soft & head & fat] = Tissue.FAT
    inside = ndimage.binary_fill_holes(head) | morph.fill_slices(morph.close(head, spacing, 3.0))
    labels[inside & (labels == Tissue.BACKGROUND)] = Tissue.AIR
    deep = deep_from_freesurfer(codes)
    return np.where((deep > 0) & (labels > 0), deep, labels)
