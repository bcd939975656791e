"""Losses of structure: SSIM over several windows, multi-scale SSIM, local correlation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from pytorch_msssim import ms_ssim
from torch import Tensor

from MRIColorizeLib.color import lab_to_rgb
from MRIColorizeLib.network.generator import GeneratorOutput
from training.data.slices import Batch
from training.parallel import world_mean

K1, K2 = 0.01, 0.03  # of SSIM (Wang et al. 2004), for a range of 1
SIGMA = 1.5 / 11  # of the window's side, as in the common window of 11 pixels


def body_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of (B, C, H, W) over channels and over the pixels of mask (B, 1, H, W)."""
    inside = (values * mask).sum() / values.shape[1]
    return inside / world_mean(mask.sum()).clamp_min(1)


def gaussian_blur(image: Tensor, size: int, sigma: float) -> Tensor:
    """Gaussian mean of (B, C, H, W) over windows of size x size (odd), borders repeated.

    Both axes are matrix products: on a CPU a convolution of a single channel, and above all its
    gradient, takes many times as long.
    """
    rows, columns = (
        _blur_matrix(length, size, sigma, image.dtype, image.device) for length in image.shape[-2:]
    )
    return rows @ image @ columns.T


@lru_cache(maxsize=64)
def _blur_matrix(
    length: int, size: int, sigma: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """(length, length): what every pixel of a line gives to every pixel of the blurred line."""
    with torch.inference_mode(False):  # what validation was the first to need, training uses too
        reach = size // 2
        offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
        weights = torch.exp(-(offsets**2) / (2 * sigma**2))
        blurred = torch.arange(length)[:, None].expand(-1, size)
        seen = (blurred + torch.arange(-reach, reach + 1)).clamp(0, length - 1)
        matrix = torch.zeros(length, length, dtype=torch.float64)
        share = (weights / weights.sum()).expand(length, -1)
        matrix.index_put_((blurred, seen), share, accumulate=True)
        return matrix.to(device, dtype)


def ssim_map(first: Tensor, second: Tensor, window: int) -> Tensor:
    """SSIM of every pixel, (B, C, H, W) each in [0, 1]; sigma grows with the window."""

    def smooth(image: Tensor) -> Tensor:
        return gaussian_blur(image, window, SIGMA * window)

    mean_1, mean_2 = smooth(first), smooth(second)
    variance_1 = smooth(first**2) - mean_1**2
    variance_2 = smooth(second**2) - mean_2**2
    covariance = smooth(first * second) - mean_1 * mean_2
    light = (2 * mean_1 * mean_2 + K1**2) / (mean_1**2 + mean_2**2 + K1**2)
    return light * (2 * covariance + K2**2) / (variance_1 + variance_2 + K2**2)


def ssim_loss(first: Tensor, second: Tensor, mask: Tensor, windows: Sequence[int]) -> Tensor:
    """Sum over the windows of 1 - SSIM, each averaged over the body.

    first, second: (B, C, H, W) in [0, 1]; mask: (B, 1, H, W).
    """
    losses = [body_mean(1 - ssim_map(first, second, window), mask) for window in windows]
    return torch.stack(losses).sum()


def ms_ssim_loss(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """1 - multi-scale SSIM (Wang et al. 2003, five scales), over the share of the body.

    What lies outside the mask is made equal in both; the division keeps a small body from counting
    less. The window of 11 pixels shrinks for sides of at most 160, to 3 for sides of 33 to 64.
    Raises ValueError for smaller sides.
    """
    side = min(first.shape[-2:])
    window = next((size for size in (11, 9, 7, 5, 3) if (size - 1) * 16 < side), None)
    if window is None:
        raise ValueError(f"Multi-scale SSIM needs crops of more than 32 pixels, not {side}.")
    similar = ms_ssim(
        first * mask,
        second * mask,
        data_range=1.0,
        win_size=window,
        win_sigma=SIGMA * window,
        size_average=False,
    )
    return (1 - similar).mean() / world_mean(mask.mean()).clamp_min(1e-3)


def lightness_picture(output: GeneratorOutput) -> Tensor:
    """The colours, (B, 3, H, W), with a gradient to the lightness residual and to no tissue score.

    Were it to reach tissues or chroma, the network would repaint tissues to please the MRI. The
    layers that lead to the residual get it, and the tissue scores share most of those.
    """
    if output.palette_lab is None or output.residual is None:
        raise ValueError("Lightness is apart only with the palette head and two decoders.")
    residual = torch.cat((output.residual[:, :1], output.residual[:, 1:].detach()), dim=1)
    return lab_to_rgb(output.palette_lab.detach() + residual)


def lightness_structure(output: GeneratorOutput, batch: Batch) -> Tensor:
    """1 - NCC^2 of lightness and MRI, with the gradient of `lightness_picture`."""
    grey = lightness_picture(output).mean(1, keepdim=True)
    return 1 - squared_ncc(grey, batch.real_A, batch.mask)


def squared_ncc(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """Squared local normalised cross-correlation (9x9 Gaussian, sigma 1.5), mean over the mask.

    first, second, mask: (B, 1, H, W). Blind to a reversal of contrast; 1 is the same structure.
    """

    def smooth(image: Tensor) -> Tensor:
        return gaussian_blur(image, 9, 1.5)

    mean_1, mean_2 = smooth(first), smooth(second)
    variance_1 = (smooth(first**2) - mean_1**2).clamp_min(0)
    variance_2 = (smooth(second**2) - mean_2**2).clamp_min(0)
    covariance = smooth(first * second) - mean_1 * mean_2
    ncc = (covariance**2 + 1e-6) / (variance_1 * variance_2 + 1e-6)
    return body_mean(ncc.clamp(max=1), mask)
