"""Synthetic MRI from tissue labels: what a scanner would have seen, as batched tensor operations.

After SynthSeg (Billot et al. 2023): class intensities with jitter, texture, partial volume, bias
field, loss of resolution, Rician noise. Contrasts are drawn around T1, T2, PD, FLAIR and GRE.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config import SynthesisConfig

# Rows T1, T2, PD, FLAIR, GRE; columns in the order of tissue.Tissue, background first.
CONTRASTS = ("T1", "T2", "PD", "FLAIR", "GRE")
CONTRAST_SHARES = (0.32, 0.38, 0.08, 0.14, 0.08)  # real T1 images come on top
INTENSITIES = torch.tensor(
    [
        (0, 0.45, 0.95, 0.42, 0.12, 0.72, 0.48, 0.72, 0.16, 0.04, 0.14, 0.52, 0.45),
        (0, 0.30, 0.62, 0.20, 0.08, 0.45, 0.55, 0.36, 1.00, 0.04, 0.16, 0.28, 0.42),
        (0, 0.45, 0.75, 0.50, 0.14, 0.55, 0.85, 0.68, 0.92, 0.05, 0.18, 0.55, 0.60),
        (0, 0.35, 0.70, 0.32, 0.08, 0.45, 0.70, 0.55, 0.12, 0.04, 0.14, 0.40, 0.50),
        (0, 0.55, 0.62, 0.60, 0.22, 0.50, 0.62, 0.60, 0.45, 0.08, 0.15, 0.40, 0.58),
    ]
)


class Random:
    """A seeded source of numbers on one device."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def integer(self, high: int) -> int:
        """A whole number from 0 to high - 1."""
        return int(torch.randint(high, (1,), generator=self.generator, device=self.device))

    def choice(self, weights: Tensor, count: int) -> Tensor:
        """`count` indices drawn with replacement in proportion to `weights`."""
        return torch.multinomial(weights, count, replacement=True, generator=self.generator)

    def chance(self, probability: float) -> bool:
        return float(self.uniform(1)) < probability


def class_intensities(count: int, config: SynthesisConfig, strength: float, rng: Random) -> Tensor:
    """Mean intensity of every class for each sample, (count, classes) in [0, 1]."""
    shares = torch.tensor(CONTRAST_SHARES, device=rng.device)
    means = INTENSITIES.to(rng.device)[rng.choice(shares, count)]
    # Two contrasts mixed now and then: real sequences lie between the textbook's.
    other = INTENSITIES.to(rng.device)[rng.choice(shares, count)]
    mix = (rng.uniform(count, 1) < 0.3) * rng.uniform(count, 1, high=0.3 * strength)
    means = means * (1 - mix) + other * mix
    means = means + config.class_jitter * strength * rng.normal(*means.shape)
    means = means * (1 + 0.5 * config.class_jitter * rng.normal(*means.shape))
    anything = rng.uniform(*means.shape)
    random_contrast = rng.uniform(count, 1) < config.random_contrast * strength
    means = torch.where(random_contrast, anything, means).clamp(0, 1.2)
    means[:, 0] = 0
    return means


def smooth_field(count: int, size: tuple[int, int], cells: int, rng: Random) -> Tensor:
    """Smooth normal noise (count, 1, H, W), about `cells` bumps a side."""
    coarse = rng.normal(count, 1, cells, cells)
    return F.interpolate(coarse, size, mode="bicubic", align_corners=True)


def synthesize(
    probabilities: Tensor,
    detail: Tensor | None,
    config: SynthesisConfig,
    strength: float,
    rng: Random,
) -> Tensor:
    """An MRI slice for each label slice.

    probabilities: (B, classes, H, W), soft labels (partial volume). detail: (B, 1, H, W) fine
    lightness of the photograph, about [-0.2, 0.2], or None. strength: 0 to 1, the ramp.
    Returns (B, 1, H, W) in arbitrary units, not negative.
    """
    count, _, height, width = probabilities.shape
    size = (height, width)
    means = class_intensities(count, config, strength, rng)
    image = torch.einsum("bkhw,bk->bhw", probabilities, means)[:, None]
    texture = smooth_field(count, size, max(height, width) // 3, rng)
    texture = 0.6 * texture + 0.4 * rng.normal(count, 1, height, width)
    amplitude = config.texture * strength * rng.uniform(count, 1, 1, 1)
    image = image * (1 + amplitude * texture)
    if detail is not None:
        amount = config.photo_texture * (0.5 + rng.normal(count, 1, 1, 1))
        image = image + amount * detail * (image > 0.02)
    image = image * torch.exp(config.bias * strength * 0.5 * smooth_field(count, size, 4, rng))
    image = _lose_resolution(image, config.blur, rng)
    sigma = config.noise * strength * rng.uniform(count, 1, 1, 1) ** 2
    real = image + sigma * rng.normal(count, 1, height, width)
    imaginary = sigma * rng.normal(count, 1, height, width)
    return torch.sqrt(real**2 + imaginary**2)  # Rician


def _lose_resolution(image: Tensor, largest: float, rng: Random) -> Tensor:
    """Half of the batches: fewer pixels along one or both axes, and back."""
    if rng.chance(0.5):
        return image
    height, width = image.shape[-2:]
    rows, columns = (float(rng.uniform(1, low=1, high=largest)) for _ in range(2))
    if rng.chance(0.5):
        rows = 1.0
    small = (max(4, round(height / rows)), max(4, round(width / columns)))
    shrunk = F.interpolate(image, small, mode="bilinear", align_corners=False, antialias=True)
    return F.interpolate(shrunk, (height, width), mode="bilinear", align_corners=False)


def scale_like_the_engine(
    image: Tensor, mask: Tensor, config: SynthesisConfig, strength: float, rng: Random
) -> Tensor:
    """To [0, 1] by the body's upper percentile as at use, with jitter of gain and gamma.

    image, mask: (B, 1, H, W). At use the percentile is the volume's, not the slice's: hence the
    jitter. Outside the mask the result is 0.
    """
    count = image.shape[0]
    inside = torch.where(mask > 0.5, image, image.new_tensor(float("nan"))).flatten(1)
    upper = torch.nanquantile(inside.float(), 0.99, dim=1).nan_to_num(1.0).clamp_min(1e-3)
    gain = 1 + config.gain * (2 * rng.uniform(count) - 1.3)
    scaled = (image * (gain / upper)[:, None, None, None]).clamp(0, 1)
    gamma = torch.exp(config.gamma * strength * (2 * rng.uniform(count, 1, 1, 1) - 1))
    return (scaled**gamma) * (mask > 0.5)
