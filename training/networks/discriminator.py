"""The discriminators: does a patch look as if it came from this domain?"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from MRIColorizeLib.tissue import CLASSES
from training.config import CriticConfig


class Discriminator(nn.Module):
    """Five 4x4 convolutions, the last to one channel.

    patch: spectral norm (Miyato et al. 2018), one judgement a patch of 70 pixels, (B, 1, h, w).
    published: instance norm as in the authors' code, whose map is averaged, (B, 1, 1, 1).
    """

    def __init__(self, config: CriticConfig, in_channels: int) -> None:
        super().__init__()
        self.config = config
        w = config.width
        published = config.kind == "published"
        layers: list[nn.Module] = []
        widths = [in_channels + (CLASSES if config.conditioned else 0), w, 2 * w, 2 * w, 2 * w]
        for index, stride in enumerate((2, 2, 2, 1)):
            convolution = nn.Conv2d(widths[index], widths[index + 1], 4, stride, padding=1)
            layers.append(convolution if published else spectral_norm(convolution))
            if published and index:
                layers.append(nn.InstanceNorm2d(widths[index + 1]))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        last = nn.Conv2d(widths[-1], 1, 4, padding=1)
        self.layers = nn.Sequential(*layers, last if published else spectral_norm(last))

    def forward(self, picture: Tensor, labels: Tensor) -> Tensor:
        """picture: (B, C, H, W) of at least 24 pixels; labels: (B, H, W), seen when conditioned.

        In float32 whatever the autocast: the power iteration of spectral norm needs it.
        """
        with torch.autocast(picture.device.type, enabled=False):
            x = picture.float()
            if self.config.conditioned:
                tissue = F.one_hot(labels.long(), CLASSES).permute(0, 3, 1, 2)
                x = torch.cat((x, tissue.float()), dim=1)
            judged = cast(Tensor, self.layers(x))
        published = self.config.kind == "published"
        return judged.mean(dim=(2, 3), keepdim=True) if published else judged


class Critics(nn.Module):
    """The discriminators as one network: of cryosections, and of MRI where they are made too."""

    def __init__(self, config: CriticConfig, of_mri: bool = True) -> None:
        super().__init__()
        self.mri = Discriminator(config, 1) if of_mri else None
        self.cryosection = Discriminator(config, 3)

    def forward(
        self,
        mri: Tensor | None,
        mri_labels: Tensor,
        cryosection: Tensor,
        cryosection_labels: Tensor,
    ) -> tuple[Tensor, ...]:
        """The judgements of (B, 1, H, W) MRI, if any, and (B, 3, H, W) cryosections; 1 is real."""
        judged = self.cryosection(cryosection, cryosection_labels)
        if self.mri is None or mri is None:
            return (judged,)
        return self.mri(mri, mri_labels), judged
