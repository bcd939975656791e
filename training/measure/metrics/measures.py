"""Measures of a coloured MRI: structure kept, colourfulness, colour and tissue distance, flicker.

A stack is one volume's slices: mri (S, H, W) float32 in [0, 1], normalised as the network sees it;
rgb (S, H, W, 3) float32 in [0, 1], sRGB; mask (S, H, W) bool, the body; tissue (S, H, W) codes.
Measures of single slices come back as (S,) float32, NaN where a slice leaves them undefined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pytorch_msssim import ssim
from scipy.ndimage import binary_erosion, correlate1d
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from MRIColorizeLib.tissue import Tissue

WINDOW, SIGMA = 11, 1.5  # of SSIM's Gaussian (Wang et al. 2004)
K1, K2 = 0.01, 0.03
NCC_RADIUS = 4  # 9 x 9 window, the same sigma
# Half a grey level of eight bits: what varies less, within a window or a pixel, is rounding.
FLAT_VARIANCE = (0.5 / 255) ** 2


def grey(rgb: np.ndarray) -> np.ndarray:
    """Mean of R, G and B: what structural similarity compares with the MRI."""
    return rgb.mean(axis=-1, dtype=np.float32)


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIELAB lightness over 100, in [0, 1]."""
    return (rgb2lab(rgb)[..., 0] / 100).astype(np.float32)


def ssim_whole(image: np.ndarray, mri: np.ndarray) -> np.ndarray:
    """SSIM of whole slices (Wang et al. 2004), background included, by pytorch-msssim.

    Gaussian 11 x 11, sigma 1.5, K1 0.01, K2 0.03, range 1, windows inside the slice only.
    Raises ValueError when a side is shorter than the window.
    """
    if min(image.shape[-2:]) < WINDOW:
        raise ValueError(f"SSIM needs slices of at least {WINDOW} pixels a side.")
    first, second = (torch.from_numpy(np.ascontiguousarray(a))[:, None] for a in (image, mri))
    values = [
        ssim(a, b, data_range=1, size_average=False, win_size=WINDOW, win_sigma=SIGMA, K=(K1, K2))
        for a, b in zip(first.split(16), second.split(16), strict=True)
    ]
    return torch.cat(values).numpy()


def ssim_in_body(image: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """scikit-image's full SSIM map with the same constants, averaged over the body."""
    values = np.full(len(image), np.nan, dtype=np.float32)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        _, full = structural_similarity(
            image[index],
            mri[index],
            data_range=1,
            gaussian_weights=True,
            sigma=SIGMA,
            use_sample_covariance=False,
            K1=K1,
            K2=K2,
            full=True,
        )
        values[index] = full[mask[index]].mean()
    return values


def squared_ncc(image: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Squared local normalised cross-correlation, averaged over the body; blind to reversal.

    Within a 9 x 9 Gaussian window (sigma 1.5), of which only body pixels count:
    covariance^2 / (variance of image * variance of MRI). 0 where the image is flat (a standard
    deviation below half a grey level of 255); pixels where the MRI itself is flat are left out.
    """
    weights = mask.astype(np.float32)
    total = np.maximum(_window(weights), 1e-6)

    def mean(values: np.ndarray) -> np.ndarray:
        return _window(values * weights) / total

    # Deviations from the slice's mean: squares of large numbers would lose the small differences.
    first, second = (_centered(array, mask) for array in (image, mri))
    mean_1, mean_2 = mean(first), mean(second)
    variance_1 = np.maximum(mean(first**2) - mean_1**2, 0)
    variance_2 = np.maximum(mean(second**2) - mean_2**2, 0)
    covariance = mean(first * second) - mean_1 * mean_2
    flat_1, flat_2 = variance_1 < FLAT_VARIANCE, variance_2 < FLAT_VARIANCE
    ncc = covariance**2 / np.maximum(variance_1 * variance_2, FLAT_VARIANCE**2)
    ncc = np.where(flat_1, 0, np.minimum(ncc, 1))
    return mean_inside(ncc, mask & ~flat_2)


def colorfulness(rgb: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Colourfulness of each slice (Hasler and Suesstrunk 2003) on [0, 1], signed opponents.

    rg = R - G, yb = (R + G) / 2 - B;
    sqrt(var rg + var yb) + 0.3 sqrt(mean rg ^2 + mean yb ^2), over the slice or over `mask`.
    """
    values = np.full(len(rgb), np.nan, dtype=np.float32)
    for index, image in enumerate(rgb):
        pixels = image.reshape(-1, 3) if mask is None else image[mask[index]]
        if len(pixels):
            red, green, blue = pixels.astype(np.float64).T
            opponents = np.stack((red - green, (red + green) / 2 - blue))
            spread = np.sqrt(opponents.var(axis=1).sum())
            values[index] = spread + 0.3 * np.sqrt((opponents.mean(axis=1) ** 2).sum())
    return values


def flicker(
    rgb: np.ndarray, mri: np.ndarray, mask: np.ndarray, index: np.ndarray | None = None
) -> np.ndarray:
    """How much the colours change from slice to slice, in units of the MRI's own change: (S,).

    |difference to the next slice|, mean over R, G, B and the pixels in the body of both, over the
    mean of the same of the MRI over all neighbours; so the mean of the result is the ratio of the
    means, and a grey copy has 1. index: (S,) the slices' numbers, when not all are given: only
    neighbours are compared. NaN for a slice without a next one, or when the MRI does not change.
    """
    values = np.full(len(rgb), np.nan, dtype=np.float32)
    numbers = np.arange(len(rgb)) if index is None else index
    both = mask[1:] & mask[:-1]
    pairs = np.flatnonzero((np.diff(numbers) == 1) & both.any(axis=(1, 2)))
    of_mri = [np.abs(mri[k + 1] - mri[k])[both[k]].mean() for k in pairs]
    scale = float(np.mean(of_mri)) if of_mri else 0.0
    for k in pairs if scale > 0 else ():
        values[k] = np.abs(rgb[k + 1] - rgb[k])[both[k]].mean() / scale
    return values


def color_distance(first: np.ndarray, second: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """CIEDE2000 (Sharma et al. 2005) of two coloured stacks, by scikit-image: (S,), over `mask`."""
    values = np.zeros(mask.shape, dtype=np.float32)
    values[mask] = deltaE_ciede2000(rgb2lab(first[mask]), rgb2lab(second[mask]))
    return mean_inside(values, mask)


@dataclass(frozen=True)
class TissueAgreement:
    """How far two tissue maps of one body agree.

    share: (S,), of each slice's body pixels with the same tissue; by_chance: the share that two
    unrelated maps with the same class sizes would have.
    """

    share: np.ndarray
    by_chance: float


def tissue_agreement(first: np.ndarray, second: np.ndarray, mask: np.ndarray) -> TissueAgreement:
    """Compare two stacks of tissue codes over `mask`."""
    a, b = first[mask], second[mask]
    sizes_a, sizes_b = (np.bincount(codes, minlength=len(Tissue)) for codes in (a, b))
    by_chance = float((sizes_a / a.size) @ (sizes_b / b.size)) if a.size else float("nan")
    return TissueAgreement(mean_inside(first == second, mask), by_chance)


def _window(stack: np.ndarray) -> np.ndarray:
    """Mean under the 9 x 9 Gaussian, slice by slice; outside the slice there is nothing."""
    offsets = np.arange(-NCC_RADIUS, NCC_RADIUS + 1)
    line = np.exp(-(offsets**2) / (2 * SIGMA**2))
    line = (line / line.sum()).astype(np.float32)
    rows = correlate1d(stack, line, axis=1, mode="constant")
    return correlate1d(rows, line, axis=2, mode="constant")


def _centered(stack: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return stack - mean_inside(stack, mask, empty=0)[:, None, None]


def mean_inside(stack: np.ndarray, mask: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """Mean of each slice over its mask, `empty` where the mask has no pixel."""
    count = mask.sum(axis=(1, 2))
    total = np.where(mask, stack, 0).sum(axis=(1, 2), dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), empty).astype(np.float32)


def eroded(mask: np.ndarray, radius: int) -> np.ndarray:
    """Pixels whose square of the given radius lies in the mask and in the slice."""
    square = np.ones((1, 2 * radius + 1, 2 * radius + 1), dtype=bool)
    return binary_erosion(mask, square)
