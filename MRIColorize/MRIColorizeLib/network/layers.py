"""The generator's building blocks: norm, convolution, gate, residual block."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import GeneratorConfig


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm without parameters, computed in float32 (half precision turns it black)."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float()).to(input.dtype)


def make_norm(config: GeneratorConfig, channels: int) -> nn.Module:
    if config.norm == "batch":
        return nn.BatchNorm2d(channels)
    return InstanceNorm(channels) if config.dtype_safe_norm else nn.InstanceNorm2d(channels)


def make_conv(
    config: GeneratorConfig,
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    reflect: bool = False,
) -> nn.Sequential:
    """Convolution, norm, ReLU; same size for stride 1."""
    convolution = nn.Conv2d(
        inputs,
        outputs,
        kernel,
        stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        padding_mode="reflect" if reflect else "zeros",
    )
    return nn.Sequential(convolution, make_norm(config, outputs), nn.ReLU(inplace=True))


class BodyWeights:
    """The body's weight at each pixel of each resolution, made once for a pass through a network.

    mask: (B, 1, H, W), how much of each pixel is body.
    """

    def __init__(self, mask: Tensor) -> None:
        self._mask = mask
        self._weights: dict[tuple[int, int], Tensor] = {}

    def at(self, height: int, width: int) -> Tensor:
        """Weights (B, 1, height * width) that sum to 1 over the body."""
        size = (height, width)
        if size not in self._weights:
            weight = F.adaptive_avg_pool2d(self._mask, size).flatten(1)[:, None]
            self._weights[size] = weight / weight.sum(dim=2, keepdim=True).clamp_min(1e-3)
        return self._weights[size]


class CompressionActivation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018): mean over the body, squeeze, sigmoid gate."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)

    def forward(self, features: Tensor, body: BodyWeights | None) -> Tensor:
        """features (B, C, h, w); body: weights of the pooling, or None for all pixels alike."""
        return features * self.gate(features, body)

    def gate(self, features: Tensor, body: BodyWeights | None) -> Tensor:
        """What every channel is multiplied with: (B, C, 1, 1) in [0, 1]."""
        if body is None:
            pooled = features.mean(dim=(2, 3))
        else:
            weight = body.at(int(features.shape[-2]), int(features.shape[-1]))  # (B, 1, hw)
            pixels = features.permute(0, 2, 3, 1).flatten(
                1, 2
            )  # (B, hw, C), a view when channels last
            pooled = torch.bmm(weight.to(pixels.dtype), pixels)[:, 0]
        gate = torch.sigmoid(self.linear2(torch.relu(self.linear1(pooled))))
        return gate[:, :, None, None]


class Gate(nn.Module):
    """A skip connection, gated when the configuration asks for it."""

    def __init__(self, config: GeneratorConfig, channels: int) -> None:
        super().__init__()
        self.attention = (
            CompressionActivation(channels, config.reduction) if config.attention else None
        )

    def forward(self, features: Tensor, body: BodyWeights | None) -> Tensor:
        return features if self.attention is None else self.attention(features, body)


class Block(nn.Module):
    """x + gate(convolutions(x)); published: x + gate(x)."""

    def __init__(self, config: GeneratorConfig, channels: int, dilation: int) -> None:
        super().__init__()
        self.convolutions = (
            nn.Sequential(
                make_conv(config, channels, channels, dilation=dilation, reflect=False),
                nn.Conv2d(channels, channels, 3, padding=1),
                make_norm(config, channels),
            )
            if config.residual_convs
            else nn.Identity()
        )
        self.gate = Gate(config, channels)

    def forward(self, features: Tensor, body: BodyWeights | None) -> Tensor:
        return features + self.gate(self.convolutions(features), body)
