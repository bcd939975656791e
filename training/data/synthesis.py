"""Synthetic MRI from labels: what a scanner would have seen, as batched tensor operations.

After SynthSeg (Billot et al. 2023): intensities with jitter, texture, partial volume, bias field,
loss of resolution, Rician noise. Unlike there the intensities come from signal equations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.tissue import Tissue
from training.config import SynthesisConfig
from training.data.contrast import Signals, draw_signals
from training.data.structures import CODES, STRUCTURES

ORGAN_SIZES = (6, 12, 24)  # regions a side of a slice
# How much one region of a structure differs from the next: of those that hold several things.
_APART = torch.zeros(CODES)
for _code, _structure in STRUCTURES.items():
    _APART[_code] = min(max((_structure.spread - 0.8) / 1.5, 0), 1)
_APART[[Tissue.CSF, Tissue.GREY_MATTER, Tissue.WHITE_MATTER]] = 0
_APART[Tissue.FAT] = 0.5  # yellow marrow is darker than the fat below the skin


class Random:
    """A seeded source of numbers on one device."""

    def __init__(self, seed: int, device: str = "cpu") -> None:
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """One number, evenly between two."""
        return float(self.uniform(1, low=low, high=high))

    def integer(self, high: int) -> int:
        """A whole number from 0 to high - 1."""
        return int(torch.randint(high, (1,), generator=self.generator, device=self.device))

    def choice(self, weights: Tensor, count: int) -> Tensor:
        """`count` indices drawn with replacement in proportion to `weights`."""
        return torch.multinomial(weights, count, replacement=True, generator=self.generator)

    def chance(self, probability: float) -> bool:
        return float(self.uniform(1)) < probability


@dataclass
class SoftLabels:
    """The structures of a crop: codes (K,) and how much of each pixel they are, soft (K, H, W).

    The first code is the background's. around: codes that the whole volume shows.
    """

    codes: Tensor
    soft: Tensor
    around: Tensor

    @property
    def body(self) -> Tensor:
        """How much of each pixel is body, (H, W)."""
        return 1 - self.soft[0]


def draw_contrasts(count: int, config: SynthesisConfig, strength: float, rng: Random) -> Signals:
    """Signals of every structure for each sample, with jitter, some from nowhere."""
    shares = torch.tensor(config.shares, device=rng.device)
    signals = draw_signals(rng.choice(shares, count), config, strength, rng)
    water = signals.water + config.class_jitter * strength * rng.normal(*signals.water.shape)
    anything = rng.uniform(*water.shape)
    at_random = rng.uniform(count, 1) < config.random_contrast * strength
    water = torch.where(at_random, anything, water).clamp(0, 1.2)
    fat = torch.where(at_random, 0.0, signals.fat)
    water[:, Tissue.BACKGROUND] = 0
    return Signals(water, fat, signals.opposed & ~at_random[:, 0])


def smooth_field(count: int, size: tuple[int, int], cells: int, rng: Random) -> Tensor:
    """Smooth normal noise (count, 1, H, W), about `cells` bumps a side."""
    coarse = rng.normal(count, 1, cells, cells)
    return F.interpolate(coarse, size, mode="bicubic", align_corners=True)


def synthesize(
    labels: Sequence[SoftLabels],
    detail: Tensor | None,
    config: SynthesisConfig,
    strength: float,
    rng: Random,
) -> tuple[Tensor, Tensor]:
    """An MRI slice for each of some label slices of one size.

    detail: (B, 1, H, W) fine structure of the photograph or the real MRI, about [-0.2, 0.2], or
    None. strength: 0 to 1, the ramp. Returns (B, 1, H, W) in arbitrary units, not negative, and
    (B,) the brightest structure that the whole volume is expected to have.
    """
    count = len(labels)
    height, width = (int(side) for side in labels[0].soft.shape[-2:])
    size = (height, width)
    signals = draw_contrasts(count, config, strength, rng)
    level = (config.organ_texture * strength) * smooth_field(
        count, size, ORGAN_SIZES[rng.integer(len(ORGAN_SIZES))], rng
    )
    image = torch.stack([_mixed(each, signals, b, level[b, 0]) for b, each in enumerate(labels)])[
        :, None
    ]
    cells = [max(2, max(size) // step) for step in (3, 16)]  # fine, and as large as gyri
    texture = sum(smooth_field(count, size, number, rng) for number in cells)
    texture = 0.5 * texture + 0.4 * rng.normal(count, 1, height, width)
    amplitude = config.texture * strength * rng.uniform(count, 1, 1, 1)
    image = image * (1 + amplitude * texture)
    if detail is not None:
        amount = config.photo_texture * (0.5 + rng.normal(count, 1, 1, 1))
        image = image + amount * detail * (image > 0.02)
    brightest = torch.stack(
        [whole[each.around].amax() for whole, each in zip(signals.whole, labels, strict=True)]
    )
    body = torch.stack([each.body for each in labels])[:, None]
    image = image * bias_field(body, config, strength, rng)
    image = _lose_resolution(image, config.blur, rng)
    sigma = config.noise * strength * rng.uniform(count, 1, 1, 1) ** 2
    real = image + sigma * rng.normal(count, 1, height, width)
    imaginary = sigma * rng.normal(count, 1, height, width)
    return torch.sqrt(real**2 + imaginary**2), brightest  # Rician


def bias_field(body: Tensor, config: SynthesisConfig, strength: float, rng: Random) -> Tensor:
    """Uneven reception, (B, 1, H, W) around 1: smooth, and in a share of them a coil's.

    body: (B, 1, H, W) how much of each pixel is body. Under coils brightness falls by factors of up
    to config.coil_range: from one side of the slice to the other, from a place along its rows or
    columns, or from the rim of the body to its middle.
    """
    count, _, height, width = body.shape
    field = config.bias * strength * 0.5 * smooth_field(count, (height, width), 4, rng)
    rows = torch.linspace(-0.5, 0.5, height, device=rng.device)[:, None]
    columns = torch.linspace(-0.5, 0.5, width, device=rng.device)[None]
    for fall in (_one_sided, _from_a_place, _from_the_rim):
        near = rng.uniform(count, 1, 1) < config.surface_coil
        steep = near * rng.uniform(count, 1, 1, high=math.log(config.coil_range))
        field = field - strength * (steep * fall(body[:, 0], rows, columns, rng))[:, None]
    return torch.exp(field.clamp(-4, 4))


def _one_sided(body: Tensor, rows: Tensor, columns: Tensor, rng: Random) -> Tensor:
    """A ramp across the slice, (B, H, W), about -0.5 to 0.5."""
    angle = rng.uniform(len(body), 1, 1, high=2 * math.pi)
    return torch.cos(angle) * columns + torch.sin(angle) * rows


def _from_a_place(body: Tensor, rows: Tensor, columns: Tensor, rng: Random) -> Tensor:
    """Distance from a row or a column, squared: 0 there, about 1 at the far end."""
    upright = (rng.uniform(len(body), 1, 1) < 0.5).float()
    along = upright * rows + (1 - upright) * columns
    return 1.8 * (along - rng.uniform(len(body), 1, 1, low=-0.3, high=0.3)) ** 2


def _from_the_rim(body: Tensor, rows: Tensor, columns: Tensor, rng: Random) -> Tensor:
    """Depth in the body: 0 at its rim, about 1 in its middle."""
    coarse = F.adaptive_avg_pool2d(body[:, None], 24)
    for _ in range(3):
        coarse = F.avg_pool2d(coarse, 5, 1, 2)  # what lies outside counts as air
    depth = F.interpolate(coarse, body.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    return ((depth - 0.4) / 0.6).clamp_min(0)


def _mixed(labels: SoftLabels, signals: Signals, sample: int, level: Tensor) -> Tensor:
    """Intensities (H, W) of a crop: partial volume of water and of fat, regions set apart."""
    codes = labels.codes
    water = torch.einsum("khw,k->hw", labels.soft, signals.water[sample, codes])
    varied = signals.water[sample, codes] * _APART.to(water.device)[codes]
    water = water + torch.einsum("khw,k->hw", labels.soft, varied) * level.clamp(-0.8, 0.8)
    fat = torch.einsum("khw,k->hw", labels.soft, signals.fat[sample, codes])
    return (water - fat).abs() if bool(signals.opposed[sample]) else water + fat


def _lose_resolution(image: Tensor, largest: float, rng: Random) -> Tensor:
    """Half of the batches: fewer pixels along one or both axes, and back."""
    if rng.chance(0.5):
        return image
    height, width = image.shape[-2:]
    rows, columns = (rng.number(1, largest) for _ in range(2))
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
