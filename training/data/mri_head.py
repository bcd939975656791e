"""Tissue labels of a whole head: the brain's recipe and the scalp's, put together."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data import mri_morphology as morph
from training.data.mri_brain import T1_ORDER, brain_tissues
from training.data.mri_codes import GIF_BRAIN_STEM, GIF_OUTER_CSF, tissues_from_gif
from training.data.mri_cord import spinal_cord
from training.data.mri_cranium import body_mask, flatten_bias, intracranial
from training.data.mri_eyes import find_eyes
from training.data.mri_scalp import (
    HeadContrast,
    level_of,
    outside_brain,
    put_skin,
    put_skull,
    skull,
)

# The vitreous is darker than these shares of white matter.
_VITREOUS_T1, _VITREOUS_FLAIR = 0.5, 0.25


def label_head(
    image: np.ndarray,
    spacing: np.ndarray,
    warped: np.ndarray,
    prior: np.ndarray,
    contrast: HeadContrast,
) -> np.ndarray:
    """Tissue codes of a T1 head, uint8 (K, J, I).

    image: (K, J, I) of any number type; spacing: (3,) mm; warped: codes of an atlas brain laid
    over it; prior: log probabilities (3, K, J, I) of the brain's tissues.
    """
    body = body_mask(image, spacing, warped)
    bright = flatten_bias(image, spacing, body, warped)
    soft = ndimage.gaussian_filter(bright, 0.6 / spacing)
    cranial = intracranial(soft, spacing, warped, contrast)
    labels = outside_brain(soft, spacing, body, cranial, contrast)
    bone = skull(soft, spacing, body, cranial, labels == Tissue.AIR, contrast)
    put_skull(labels, bone, cranial)
    put_skin(labels, spacing, body, cranial)
    cord, canal = spinal_cord(soft, spacing, cranial, body)
    labels[canal] = Tissue.CSF
    labels[cord] = Tissue.WHITE_MATTER
    for eye in find_eyes(soft, spacing, body & ~cranial, warped, _VITREOUS_T1):
        labels[eye] = Tissue.CSF
    inner = brain_tissues(bright, cranial, spacing, T1_ORDER, prior=prior)
    labels[cranial] = inner[cranial]
    return labels


def label_flair_head(
    image: np.ndarray, spacing: np.ndarray, gif: np.ndarray, contrast: HeadContrast
) -> np.ndarray:
    """Tissue codes of a FLAIR head whose GIF parcellation is known: uint8 (K, J, I).

    image: (K, J, I); gif: GIF codes on its grid. GIF's outer CSF holds much cortex where slices
    are thick: its voxels brighter than half way from fluid to cortex are GREY_MATTER.
    """
    brain = tissues_from_gif(gif)
    white = np.median(image[brain == Tissue.WHITE_MATTER])
    bright = (image / white).astype(np.float32)
    grey = float(np.median(bright[brain == Tissue.GREY_MATTER]))
    fluid = float(np.median(bright[brain == Tissue.CSF]))
    outer = (gif == GIF_OUTER_CSF) & morph.close(brain > 0, spacing, 4.0)
    brain[outer] = np.where(bright[outer] > 0.5 * (grey + fluid), Tissue.GREY_MATTER, Tissue.CSF)
    cranial = morph.fill_slices((brain > 0) | _cistern(bright, spacing, brain, gif))
    brain[cranial & (brain == Tissue.BACKGROUND)] = Tissue.CSF
    body = body_mask(image, spacing, brain)
    soft = ndimage.gaussian_filter(bright, 0.6 / spacing)
    labels = outside_brain(soft, spacing, body, cranial, contrast)
    put_skull(labels, skull(soft, spacing, body, cranial, labels == Tissue.AIR, contrast), cranial)
    put_skin(labels, spacing, body, cranial)
    for eye in find_eyes(soft, spacing, body & ~cranial, brain, _VITREOUS_FLAIR):
        labels[eye] = Tissue.CSF
    labels[cranial] = brain[cranial]
    return labels


def _cistern(
    bright: np.ndarray, spacing: np.ndarray, brain: np.ndarray, gif: np.ndarray
) -> np.ndarray:
    """The dark fluid behind the brain stem and under the cerebellum, that GIF leaves out."""
    stem = np.argwhere(np.isin(gif, GIF_BRAIN_STEM))
    if not stem.size:
        return np.zeros(brain.shape, bool)
    _, behind, middle = np.median(stem, axis=0).astype(int)
    aside = round(16.0 / float(spacing[2]))
    place = np.zeros(brain.shape, bool)
    place[: level_of(brain > 0, 0.3), behind:, middle - aside : middle + aside] = True
    hull = morph.close(brain > 0, spacing, 11.0)
    return morph.opened(hull & place & (bright < 0.25) & (brain == 0), spacing, 1.5)
