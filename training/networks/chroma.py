"""What predictors of chroma have in common: the input's lightness is kept, a and b are painted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from MRIColorizeLib.color import lab_to_rgb, rgb_to_lab
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.tissue import PALETTE_LAB

AB_BOUND = 64.0  # of a and b, CIELAB: tissue has neither beyond 45


class ChromaOutput(NamedTuple):
    """What a chroma predictor gives, all (B, ?, H, W) but `classes`.

    color, pseudo_cryosection: the same RGB in [0, 1]. ab: (B, 2, H, W) CIELAB. classes: (B, C)
    scores of the share that each tissue has of the body, or None. logits, palette_lab and residual
    are None: there is no tissue map.
    """

    color: Tensor
    pseudo_cryosection: Tensor
    ab: Tensor
    classes: Tensor | None = None
    logits: None = None
    palette_lab: None = None
    residual: None = None


class ChromaPredictor(nn.Module, ABC):
    """Base of networks that paint a and b; stands wherever a generator with an rgb head does.

    A subclass says `multiple`, of which the sides have to be, and `predict`.
    """

    multiple = 1
    palette_lab: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        # A generator's; here it only tells the engine on which device the network is.
        palette = torch.from_numpy(PALETTE_LAB.copy())
        self.register_buffer("palette_lab", palette, persistent=False)

    @abstractmethod
    def predict(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """x, mask: (B, 1, H, W). Unbounded (B, 2, H, W), and the tissues' shares or None."""

    def forward(
        self, x: Tensor, mask: Tensor | None = None, temperature: float = 1.0
    ) -> ChromaOutput:
        """x: (B, 1, H, W) grey in [0, 1]; mask: (B, 1, H, W) the body, default x > 0.

        Sides are padded to a multiple of `multiple` and cropped back; temperature has no effect.
        """
        height, width = x.shape[-2:]
        mask = (x > 0).to(x.dtype) if mask is None else mask
        padding = (0, -width % self.multiple, 0, -height % self.multiple)
        painted, classes = self.predict(F.pad(x, padding), F.pad(mask, padding))
        ab = torch.tanh(painted.float())[..., :height, :width] * AB_BOUND
        with torch.autocast(x.device.type, enabled=False):  # Lab needs float32
            lightness = rgb_to_lab(x.float().expand(-1, 3, -1, -1))[:, :1]
            color = lab_to_rgb(torch.cat((lightness, ab), dim=1))
        return ChromaOutput(color, color, ab, classes)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def pooled_over_body(features: Tensor, mask: Tensor) -> Tensor:
    """Mean of (B, C, h, w) over the body's share of each coefficient, (B, C)."""
    weight = F.adaptive_avg_pool2d(mask, features.shape[-2:])
    total = weight.sum(dim=(2, 3)).clamp_min(1e-3)
    return (features * weight.to(features.dtype)).sum(dim=(2, 3)) / total


def doubled(features: Tensor) -> Tensor:
    """Twice the rows and columns, bilinear."""
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
