"""A chroma predictor after DDColor: learned colour queries that look at features of three scales.

Kang et al., "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders" (ICCV 2023), in
small and without its pretrained ConvNeXt: encoder, pixel decoder, a colour decoder whose queries
attend to the pixel decoder's features, and their product. Its losses are the trainer's `chroma`,
`colorfulness` and `adversarial`; the perceptual one needs ImageNet's weights and is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from MRIColorizeLib.network.config import GeneratorConfig
from training.networks.chroma import ChromaPredictor, conv, doubled

QUERIES = 32
HEADS = 4
SCALES = 3  # of the pixel decoder: 1/16, 1/8, 1/4


class QueryLayer(nn.Module):
    """Queries look at one scale's pixels, then at each other, then think (post-norm)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cross = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.own = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, pixels: Tensor) -> Tensor:
        """queries: (B, Q, C); pixels: (B, h * w, C)."""
        after_cross, after_own, after_feed = self.norms
        seen = self.cross(queries, pixels, pixels, need_weights=False)[0]
        queries = after_cross(queries + seen)
        said = self.own(queries, queries, queries, need_weights=False)[0]
        queries = after_own(queries + said)
        return after_feed(queries + self.feed(queries))


class ColorQueryGenerator(ChromaPredictor):
    """Encoder, pixel decoder with skips, colour decoder, and the maps of all queries mixed."""

    multiple = 16

    def __init__(self, config: GeneratorConfig) -> None:
        """config: width, channels at full resolution."""
        super().__init__(config)
        w = config.width
        widths = (w, 2 * w, 4 * w, 8 * w, 8 * w)  # at 1, 1/2, 1/4, 1/8, 1/16
        self.stem = conv(1, w)
        self.down = nn.ModuleList(
            nn.Sequential(conv(inputs, outputs, stride=2), conv(outputs, outputs))
            for inputs, outputs in zip(widths, widths[1:], strict=False)
        )
        self.up = nn.ModuleList(
            conv(below + beside, beside)
            for below, beside in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        dim = 4 * w
        self.queries = nn.Parameter(torch.randn(QUERIES, dim) * dim**-0.5)
        self.levels = nn.Parameter(torch.randn(SCALES, dim) * dim**-0.5)
        self.project = nn.ModuleList(nn.Conv2d(n, dim, 1) for n in (8 * w, 8 * w, 4 * w))
        self.layers = nn.ModuleList(QueryLayer(dim) for _ in range(SCALES))
        self.embed = nn.Linear(dim, w)
        self.mix = nn.Conv2d(QUERIES + 1, 2, 1)

    def predict(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        beside = [self.stem(x)]
        for stage in self.down:
            beside.append(stage(beside[-1]))
        features = beside.pop()
        scales = [features]
        for stage in self.up:
            features = stage(torch.cat((doubled(features), beside.pop()), dim=1))
            scales.append(features)
        queries = self.queries.expand(len(x), -1, -1)
        for project, layer, level, seen in zip(
            self.project, self.layers, self.levels, scales[:SCALES], strict=True
        ):
            pixels = project(seen).flatten(2).transpose(1, 2) + level  # (B, h * w, C)
            queries = layer(queries, pixels)
        maps = torch.einsum("bqc,bchw->bqhw", self.embed(queries), features)
        return self.mix(torch.cat((maps, x.to(maps.dtype)), dim=1)), None
