"""Label recipes for scans that hold a brain without its skull."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data import mri_morphology as morph
from training.data.mri_brain import brain_tissues
from training.data.mri_codes import deep_from_freesurfer, tissues_from_freesurfer


def labels_from_mixture(
    image: np.ndarray,
    spacing: np.ndarray,
    close_mm: float,
    vessel: float | None = None,
    grey_odds: float = 1.0,
    prior: np.ndarray | None = None,
) -> np.ndarray:
    """CSF, grey and white matter of a stripped T1 brain, by mixture.

    The brain is what is brighter than zero, closed by `close_mm` so that sulci and ventricles
    that the stripping blackened count as CSF. Voxels brighter than `vessel` times white matter
    are BLOOD that flows in. `grey_odds` and `prior` are those of `brain_tissues`.
    Returns uint8 (K, J, I).
    """
    tissue = morph.largest(image > 0.02 * np.percentile(image, 99.5))
    mask = ndimage.binary_fill_holes(morph.close(tissue, spacing, close_mm))
    labels = brain_tissues(image, mask, spacing, grey_odds=grey_odds, prior=prior)
    if vessel is not None:
        white = float(np.median(image[labels == Tissue.WHITE_MATTER]))
        labels[mask & (image > vessel * white)] = Tissue.BLOOD
    return labels


def labels_from_freesurfer(image: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Tissues of FreeSurfer codes, with what they leave of the brain mask filled in.

    FreeSurfer does not label sulcal CSF: unlabelled voxels darker than half the way from CSF to
    grey matter are CSF, brighter ones are GREY_MATTER where they touch it, else OTHER (meninges).
    """
    labels = tissues_from_freesurfer(codes)
    csf = float(np.median(image[labels == Tissue.CSF]))
    grey = float(np.median(image[labels == Tissue.GREY_MATTER]))
    solid = ndimage.binary_fill_holes(ndimage.binary_closing((image > 0) | (labels > 0)))
    rest = solid & (labels == Tissue.BACKGROUND)
    dark = image < 0.5 * (csf + grey)
    touching = ndimage.binary_dilation(labels == Tissue.GREY_MATTER)
    labels[rest] = Tissue.OTHER
    labels[rest & touching] = Tissue.GREY_MATTER
    labels[rest & dark] = Tissue.CSF
    return labels


def structures_from_freesurfer(image: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`labels_from_freesurfer` with the deep structures told apart: uint8 (K, J, I)."""
    deep = deep_from_freesurfer(codes)
    return np.where(deep > 0, deep, labels_from_freesurfer(image, codes))
