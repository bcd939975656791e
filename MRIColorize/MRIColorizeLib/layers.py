"""The generator's building blocks: norm, convolution, gate, residual block."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .generator_config import GeneratorConfig


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


class CompressionActivation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018): mean over the body, squeeze, sigmoid gate."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.linear1 = nn.Linear(channels, hidden)
        self.linear2 = nn.Linear(hidden, channels)

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """features (B, C, h, w); mask (B, 1, H, W) weights of the pooling, or None for all."""
        if mask is None:
            pooled = features.mean(dim=(2, 3))
        else:
            weight = F.adaptive_avg_pool2d(mask, features.shape[-2:]).flatten(1)[:, None]
            weight = weight / weight.sum(dim=2, keepdim=True).clamp_min(1e-3)  # (B, 1, hw)
            pixels = features.permute(0, 2, 3, 1).flatten(
                1, 2
            )  # (B, hw, C), a view when channels last
            pooled = torch.bmm(weight.to(pixels.dtype), pixels)[:, 0]
        gate = torch.sigmoid(self.linear2(torch.relu(self.linear1(pooled))))
        return features * gate[:, :, None, None]


class Gate(nn.Module):
    """A skip connection, gated when the configuration asks for it."""

    def __init__(self, config: GeneratorConfig, channels: int) -> None:
        super().__init__()
        self.attention = (
            CompressionActivation(channels, config.reduction) if config.attention else None
        )

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        return features if self.attention is None else self.attention(features, mask)


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

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        return features + self.gate(self.convolutions(features), mask)
