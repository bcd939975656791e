"""SegNet: a plain U-Net from the colours of a cryosection to its tissues."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from MRIColorizeLib.tissue import CLASSES


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class SegNet(nn.Module):
    """U-Net (Ronneberger et al. 2015), `width` channels at the top, doubled at every level."""

    def __init__(self, width: int, levels: int, classes: int = CLASSES) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.down = nn.ModuleList(
            _convolutions(inputs, outputs)
            for inputs, outputs in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            _convolutions(below + beside, beside)
            for below, beside in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.output = nn.Conv2d(width, classes, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """picture: (B, 3, H, W) RGB in [0, 1]. (B, classes, H, W) logits; any size."""
        height, width = picture.shape[-2:]
        multiple = 2 ** len(self.up)
        x = F.pad(picture, (0, -width % multiple, 0, -height % multiple))
        beside = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            beside.append(x)
        beside.pop()
        for block in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat((x, beside.pop()), dim=1))
        return self.output(x)[..., :height, :width].float()
