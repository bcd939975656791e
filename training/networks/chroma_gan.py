"""A chroma predictor after ChromaGAN: local features told by a branch that knows what is in them.

Vitoria, Raad and Ballester, "ChromaGAN: Adversarial Picture Colorization with Semantic Class
Distribution" (WACV 2020), in small and without its pretrained VGG-16. Classes are our tissues: the
branch predicts the share of each in the body instead of ImageNet's distribution. Its losses are
the trainer's `chroma` (squared), `classes` and, with a patch discriminator instead of the
Wasserstein critic, `adversarial`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from MRIColorizeLib.network.config import GeneratorConfig
from training.networks.chroma import ChromaPredictor, conv, doubled, pooled_over_body


class ChromaGanGenerator(ChromaPredictor):
    """Trunk to an eighth of the size, class branch, fusion of both, decoder without skips."""

    multiple = 32

    def __init__(self, config: GeneratorConfig) -> None:
        """config: width (channels at full resolution) and classes count."""
        super().__init__(config)
        w = config.width
        self.trunk = nn.Sequential(
            conv(1, w),
            conv(w, 2 * w, stride=2),
            conv(2 * w, 4 * w, stride=2),
            conv(4 * w, 8 * w, stride=2),
        )
        self.middle = nn.Sequential(conv(8 * w, 8 * w), conv(8 * w, 4 * w))
        self.whole = nn.Sequential(conv(8 * w, 8 * w, stride=2), conv(8 * w, 8 * w, stride=2))
        self.known = nn.Sequential(nn.Linear(8 * w, 4 * w), nn.ReLU(inplace=True))
        self.classes = nn.Linear(4 * w, config.classes)
        self.fuse = conv(8 * w, 4 * w, kernel=1)
        self.decoder = nn.ModuleList((conv(4 * w, 4 * w), conv(4 * w, 2 * w), conv(2 * w, w)))
        self.output = nn.Conv2d(w, 2, 3, padding=1)

    def predict(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.trunk(x)  # (B, 8w, H/8, W/8)
        known = self.known(pooled_over_body(self.whole(features), mask))  # (B, 4w)
        local = self.middle(features)
        everywhere = known[:, :, None, None].expand(-1, -1, *local.shape[-2:])
        features = self.fuse(torch.cat((local, everywhere.to(local.dtype)), dim=1))
        for stage in self.decoder:
            features = stage(doubled(features))
        return self.output(features), self.classes(known)
