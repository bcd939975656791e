"""The body, the bias field and the cranial cavity of a whole T1 head."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data import mri_morphology as morph
from training.data.mri_brain import estimate_bias
from training.data.mri_scalp import HeadContrast, level_of

_N4_SPACING_MM = 5.0
# Bridges from brain to scalp (nerves, dura, thin bone) are narrower than twice this.
_BRIDGE_MM = 2.3


def body_mask(image: np.ndarray, spacing: np.ndarray, warped: np.ndarray) -> np.ndarray:
    """Everything inside the skin, cavities included: bool (K, J, I)."""
    white = np.median(image[warped == Tissue.WHITE_MATTER])
    soft = ndimage.gaussian_filter(image.astype(np.float32), 0.8 / spacing)
    solid = morph.opened(soft > 0.15 * white, spacing, 1.0)
    # Closed first: dark bone parts the scalp from the brain.
    return morph.fill_slices(morph.largest(morph.close(solid, spacing, 5.0)))


def flatten_bias(
    image: np.ndarray, spacing: np.ndarray, body: np.ndarray, warped: np.ndarray
) -> np.ndarray:
    """The image without its bias field, white matter at 1: float32 (K, J, I).

    N4 on a thinned copy of the body first, then what the tissues of the brain still show.
    """
    step = [max(1, round(_N4_SPACING_MM / float(s))) for s in spacing]
    thin = tuple(slice(None, None, n) for n in step)
    white = np.median(image[warped == Tissue.WHITE_MATTER])
    coarse = sitk.GetImageFromArray(image[thin].astype(np.float32))
    coarse.SetSpacing([float(s) * n for s, n in zip(spacing, step, strict=True)][::-1])
    inside = sitk.GetImageFromArray((body & (image > 0.15 * white))[thin].astype(np.uint8))
    inside.CopyInformation(coarse)
    method = sitk.N4BiasFieldCorrectionImageFilter()
    method.SetNumberOfThreads(1)
    method.SetMaximumNumberOfIterations([30, 30, 20])
    method.Execute(coarse, inside)
    log_field = sitk.GetArrayFromImage(method.GetLogBiasFieldAsImage(coarse))
    grow = [full / small for full, small in zip(image.shape, log_field.shape, strict=True)]
    field = np.exp(ndimage.zoom(log_field, grow, order=1, grid_mode=True, mode="nearest"))
    flat = (image / field).astype(np.float32)
    flat /= estimate_bias(flat, warped > 0, spacing)[0]
    return (flat / np.median(flat[warped == Tissue.WHITE_MATTER])).astype(np.float32)


def intracranial(
    bright: np.ndarray, spacing: np.ndarray, warped: np.ndarray, contrast: HeadContrast
) -> np.ndarray:
    """Brain and the CSF around it, up to the skull: bool (K, J, I).

    Brain tissue is what is bright near the atlas brain and hangs together after thin bridges
    (dura, nerves, marrow) are cut; its closed hull and a rim of it hold the CSF.
    """
    near = morph.dilate(warped > 0, spacing, 3.0)
    upper = level_of(warped > 0, 0.33)
    near[upper:] = morph.dilate(warped > 0, spacing, contrast.reach_mm)[upper:]
    tissue = (bright > 0.42) & near
    core = morph.largest(morph.erode(tissue, spacing, _BRIDGE_MM))
    brain = morph.dilate(core, spacing, _BRIDGE_MM + 0.7) & tissue
    fluid = morph.erode(warped > 0, spacing, 3.0) & (bright < 0.5)
    hull = morph.close(brain, spacing, 9.0) | fluid
    rim = morph.dilate(brain, spacing, 2.0) & near
    bone = morph.opened(bright < contrast.dark, spacing, 1.2)
    # Muscle and marrow under the skull base; above it there is nothing foreign inside the bone.
    foreign = tissue & ~morph.dilate(brain, spacing, 1.0)
    foreign[upper:] = False
    inside = (hull | rim) & ~(bone & ~morph.dilate(core, spacing, 1.0)) & ~foreign
    kept = morph.largest(morph.opened(inside, spacing, 2.0))
    return morph.fill_slices(morph.close(kept, spacing, 2.0))
