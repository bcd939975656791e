"""MS-SSIM of whole slices by pytorch-msssim, and the same averaged over the body alone.

Wang, Simoncelli and Bovik (Asilomar 2003): contrast and structure at five scales, luminance at the
coarsest, a product of powers. Constants as for SSIM: sigma 1.5, K1 0.01, K2 0.03, range 1.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_msssim import ms_ssim
from torch import Tensor

from training.measure.metrics.measures import K1, K2, SIGMA, WINDOW
from training.measure.metrics.window import gaussian_mean

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first
HALVINGS = len(WEIGHTS) - 1


def window_that_fits(side: int) -> int:
    """The odd window, at most 11, whose five scales fit a slice whose shorter side is `side`.

    11 needs more than 160 pixels; at 128 it is 7, at 64 it is 3: another measure, not to be
    compared with that of larger slices. Raises ValueError below 33 pixels.
    """
    largest = (side - 1) // 2**HALVINGS + 1
    window = min(WINDOW, largest - (largest + 1) % 2)
    if window < 3:
        raise ValueError("MS-SSIM needs slices of at least 33 pixels a side.")
    return window


def ms_ssim_whole(image: np.ndarray, mri: np.ndarray) -> np.ndarray:
    """MS-SSIM (S,) of whole slices (S, H, W), by pytorch-msssim, with `window_that_fits`."""
    window = window_that_fits(min(image.shape[-2:]))
    first, second = (torch.from_numpy(np.ascontiguousarray(a))[:, None] for a in (image, mri))
    values = [
        ms_ssim(a, b, 1, size_average=False, win_size=window, win_sigma=SIGMA, K=(K1, K2))
        for a, b in zip(first.split(8), second.split(8), strict=True)
    ]
    return torch.cat(values).numpy()


def ms_ssim_in_body(image: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The same product of means over the body: each scale's map, weighted by the pooled mask.

    Pictures and mask are halved by averaging, as pytorch-msssim does; borders are repeated, so
    that no slice is too small and the window is always 11. NaN without a body.
    """
    values = np.full(len(image), np.nan, dtype=np.float32)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        arrays = (image[index], mri[index], mask[index].astype(np.float32))
        values[index] = _in_body(*(torch.from_numpy(a.astype(np.float32)) for a in arrays))
    return values


def _in_body(first: Tensor, second: Tensor, weight: Tensor) -> float:
    first, second, weight = (x[None, None] for x in (first, second, weight))
    result = 1.0
    for scale, power in enumerate(WEIGHTS):
        luminance, structure = _maps(first, second)
        every = luminance * structure if scale == HALVINGS else structure
        mean = float((every * weight).sum() / weight.sum())
        result *= max(mean, 0.0) ** power
        first, second, weight = (
            F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            for x in (first, second, weight)
        )
    return result


def _maps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure maps of SSIM."""
    products = torch.cat((first, second, first**2, second**2, first * second))
    mean_1, mean_2, square_1, square_2, product = gaussian_mean(products, WINDOW, SIGMA)
    variances = square_1 - mean_1**2 + square_2 - mean_2**2
    luminance = (2 * mean_1 * mean_2 + K1**2) / (mean_1**2 + mean_2**2 + K1**2)
    return luminance, (2 * (product - mean_1 * mean_2) + K2**2) / (variances + K2**2)
