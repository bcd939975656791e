"""Synthetic MRI from tissue labels: what a scanner would have seen, as batched tensor operations.

After SynthSeg (Billot et al. 2023): class intensities with jitter, texture, partial volume, bias
field, loss of resolution, Rician noise. Unlike there the intensities come from signal equations.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.tissue import Tissue
from training.config import SynthesisConfig
from training.data.contrast import draw_intensities

BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF)
ORGAN_SIZES = (6, 12)  # regions a side of a slice


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
    """Mean intensity of every class for each sample, (count, classes) in [0, 1.2]."""
    shares = torch.tensor(config.shares, device=rng.device)
    means = draw_intensities(rng.choice(shares, count), config, strength, rng)
    means = means + config.class_jitter * strength * rng.normal(*means.shape)
    anything = rng.uniform(*means.shape)
    random_contrast = rng.uniform(count, 1) < config.random_contrast * strength
    means = torch.where(random_contrast, anything, means).clamp(0, 1.2)
    means[:, Tissue.BACKGROUND] = 0
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
) -> tuple[Tensor, Tensor]:
    """An MRI slice for each label slice.

    probabilities: (B, classes, H, W), soft labels (partial volume). detail: (B, 1, H, W) fine
    structure of the photograph or the real MRI, about [-0.2, 0.2], or None. strength: 0 to 1, the
    ramp. Returns (B, 1, H, W) in arbitrary units, not negative, and (B,) the brightest class that
    the whole volume is expected to have.
    """
    count, _, height, width = probabilities.shape
    size = (height, width)
    means = class_intensities(count, config, strength, rng)
    image = torch.einsum("bkhw,bk->bhw", probabilities, means)[:, None]
    if config.organ_texture:
        image = image + _organs_apart(probabilities, means, config.organ_texture * strength, rng)
    cells = [max(2, max(size) // step) for step in (3, 16)]  # fine, and as large as gyri
    texture = sum(smooth_field(count, size, number, rng) for number in cells)
    texture = 0.5 * texture + 0.4 * rng.normal(count, 1, height, width)
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
    return torch.sqrt(real**2 + imaginary**2), _brightest(probabilities, means)  # Rician


def _organs_apart(probabilities: Tensor, means: Tensor, spread: float, rng: Random) -> Tensor:
    """What sets one organ apart from the next in one class: (B, 1, H, W) to be added."""
    count, size = len(means), (probabilities.shape[-2], probabilities.shape[-1])
    cells = ORGAN_SIZES[rng.integer(len(ORGAN_SIZES))]
    level = smooth_field(count, size, cells, rng)
    organ = probabilities[:, Tissue.ORGAN, None] * means[:, Tissue.ORGAN, None, None, None]
    return organ * (spread * level).clamp(-0.8, 0.8)


def _brightest(probabilities: Tensor, means: Tensor) -> Tensor:
    """(B,): intensity of the brightest class in the slice; where there is brain, CSF is near."""
    present = probabilities.mean(dim=(2, 3)) > 0.002  # (B, classes)
    present[:, Tissue.CSF] |= present[:, list(BRAIN)].any(dim=1)
    return (means * present).amax(dim=1)


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
    image: Tensor,
    mask: Tensor,
    brightest: Tensor,
    config: SynthesisConfig,
    strength: float,
    rng: Random,
) -> Tensor:
    """To [0, 1] by an upper percentile as at use, with jitter of gain and gamma.

    image, mask: (B, 1, H, W). brightest: (B,) what the percentile of the whole volume would be. At
    use the percentile is the volume's; a crop's own stands for volumes that are as small as a crop:
    half of the samples each. Outside the mask the result is 0.
    """
    count = image.shape[0]
    inside = torch.where(mask > 0.5, image, image.new_tensor(float("nan"))).flatten(1)
    own = torch.nanquantile(inside.float(), 0.99, dim=1).nan_to_num(1.0)
    whole = torch.maximum(own, brightest)
    upper = torch.where(rng.uniform(count) < 0.5, own, whole).clamp_min(1e-3)
    gain = 1 + config.gain * (2 * rng.uniform(count) - 1.3)
    scaled = (image * (gain / upper)[:, None, None, None]).clamp(0, 1)
    gamma = torch.exp(config.gamma * strength * (2 * rng.uniform(count, 1, 1, 1) - 1))
    return (scaled**gamma) * (mask > 0.5)
