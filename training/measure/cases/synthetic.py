"""The MRI that a cryosection or a label map is measured through: one fixed recipe a contrast.

Deliberately not the training's randomised synthesis: the same pictures whatever a model was trained
with. Class intensities are set by hand to the textbook appearance at 1.5 T; then partial volume, a
share of the picture's own fine structure, a weak bias field and Rician noise. The labels are also
the truth's, so colour errors found in this way are optimistic.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.color import rgb2lab

from MRIColorizeLib.tissue import CLASSES, Tissue

T = Tissue
INTENSITIES = {
    "T1": {
        T.SKIN: 0.45, T.FAT: 0.95, T.MUSCLE: 0.42, T.BONE: 0.12, T.MARROW: 0.72,
        T.GREY_MATTER: 0.48, T.WHITE_MATTER: 0.72, T.CSF: 0.16, T.AIR: 0.04, T.LUNG: 0.14,
        T.BLOOD: 0.52, T.OTHER: 0.45,
    },
    "T2": {
        T.SKIN: 0.30, T.FAT: 0.62, T.MUSCLE: 0.20, T.BONE: 0.08, T.MARROW: 0.45,
        T.GREY_MATTER: 0.55, T.WHITE_MATTER: 0.36, T.CSF: 1.00, T.AIR: 0.04, T.LUNG: 0.16,
        T.BLOOD: 0.28, T.OTHER: 0.42,
    },
    "FLAIR": {
        T.SKIN: 0.35, T.FAT: 0.70, T.MUSCLE: 0.32, T.BONE: 0.08, T.MARROW: 0.45,
        T.GREY_MATTER: 0.70, T.WHITE_MATTER: 0.55, T.CSF: 0.12, T.AIR: 0.04, T.LUNG: 0.14,
        T.BLOOD: 0.40, T.OTHER: 0.50,
    },
}  # fmt: skip
PARTIAL_VOLUME = 0.6  # sigma in pixels, within the slice
DETAIL = 0.3  # share of the picture's own fine structure
FINE = 9  # pixels: what differs from the mean of such a square is fine
BIAS = 0.10  # standard deviation of the logarithm
NOISE = 0.02  # sigma over the brightest class


def synthetic_mri(labels: np.ndarray, contrast: str, detail: np.ndarray, name: str) -> np.ndarray:
    """An MRI (K, H, W) float32, not negative, 0 outside the body.

    labels: (K, H, W) tissue codes; contrast: a key of INTENSITIES; detail: (K, H, W) from
    `fine_structure`; name: seeds the noise, so that the same name gives the same bytes.
    """
    return rendered_mri(labels, INTENSITIES[contrast], detail, f"{name} {contrast}")


def rendered_mri(
    labels: np.ndarray, intensities: Mapping[Tissue, float], detail: np.ndarray, seed: str
) -> np.ndarray:
    """The same from intensities of one's own, in [0, 1]; a tissue that is not named has none."""
    generator = torch.Generator().manual_seed(zlib.crc32(seed.encode()))
    table = np.zeros(CLASSES, dtype=np.float32)
    for tissue, intensity in intensities.items():
        table[tissue] = intensity
    image = gaussian_filter(table[labels], (0, PARTIAL_VOLUME, PARTIAL_VOLUME))
    image = np.maximum(image + DETAIL * detail, 0)
    coarse = torch.randn(1, 1, 4, 4, 4, generator=generator)
    bias = F.interpolate(coarse, labels.shape, mode="trilinear", align_corners=True)[0, 0]
    image = image * np.exp(BIAS * bias.numpy())
    real, imaginary = NOISE * torch.randn(2, *labels.shape, generator=generator).numpy()
    noisy = np.hypot(image + real, imaginary)
    return np.where(labels > 0, noisy, 0).astype(np.float32)


def fine_structure(picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What lies above or below its surroundings: (K, H, W), about [-0.2, 0.2].

    picture: (K, H, W, 3) RGB in [0, 1], of which the lightness counts, or (K, H, W) in [0, 1].
    Surroundings are the body pixels of a square of 9 x 9.
    """
    values = rgb2lab(picture)[..., 0] / 100 if picture.ndim == 4 else picture
    body = (labels > 0).astype(np.float32)
    size = (1, FINE, FINE)
    mean = uniform_filter(values * body, size) / np.maximum(uniform_filter(body, size), 1e-3)
    return ((values - mean) * body).astype(np.float32)
