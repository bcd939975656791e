"""The back generator: a picture in a cryosection's colours in, a grey MRI out."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import Decoder, Encoder
from MRIColorizeLib.network.layers import BodyWeights


class BackGenerator(nn.Module):
    """The generator's encoder with one decoder, 3 channels to 1; closes the cycle."""

    def __init__(self, config: GeneratorConfig, width: int = 0) -> None:
        """config: the generator's; width: channels at full resolution, 0 for as many as there."""
        super().__init__()
        self.config = dataclasses.replace(
            config, in_channels=3, decoders="single", head="rgb", width=width or config.width
        )
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config, 1, skips=int(self.config.skips))

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """picture: (B, 3, H, W) in [0, 1]; mask: (B, 1, H, W), the body. (B, 1, H, W) in [0, 1].

        Sides are padded to a multiple of 4 and cropped back; outside the mask the result is 0.
        """
        height, width = picture.shape[-2:]
        padding = (0, -width % 4, 0, -height % 4)
        body = F.pad(mask, padding)
        weights = BodyWeights(body) if self.config.pool == "body" else None
        full, half, features = self.encoder(F.pad(picture, padding), weights)
        skips = [(half, full)] if self.config.skips else []
        grey, _ = self.decoder(features, skips, weights)
        return (torch.sigmoid(grey.float()) * body)[..., :height, :width]
