"""The dual-decoder generator: a grey MRI slice in, a cryosection's colours out.

After Mathur et al., "Structurally Consistent MRI Colorization using Cross-modal Fusion Learning"
(ISBI 2025, arXiv 2412.10452). One encoder sees the slice at three resolutions; the semantic decoder
paints a pseudo-cryosection; the colour decoder paints the colourised MRI and leans on the semantic
one; compression-and-activation (squeeze-and-excitation) gates sit on the skip connections.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import lab_to_rgb
from ..errors import ModelError
from ..tissue import PALETTE_LAB
from .config import GeneratorConfig
from .layers import Block, BodyWeights, Gate, make_conv, make_norm


class GeneratorOutput(NamedTuple):
    """What one forward pass gives, all (B, ?, H, W).

    color, pseudo_cryosection: RGB in [0, 1]. logits: (B, classes, H, W) tissue scores, or None.
    palette_lab: Lab of the pseudo-cryosection before any residual; residual: the colour decoder's
    bounded Lab residual; both None with the rgb head. A single decoder makes the two pictures one.
    """

    color: Tensor
    pseudo_cryosection: Tensor
    logits: Tensor | None = None
    palette_lab: Tensor | None = None
    residual: Tensor | None = None


class PaintedLab(NamedTuple):
    """What colouring a volume needs of one forward pass of a palette head, all (B, ?, H, W).

    lab: CIELAB colours, residual included. logits, probabilities: of the tissues. residual: what
    the colour decoder adds to the palette's colours; 0 with a single decoder.
    """

    lab: Tensor
    logits: Tensor
    probabilities: Tensor
    residual: Tensor

    def part(self, images: slice) -> PaintedLab:
        """Some of the images."""
        return PaintedLab(*(each[images] for each in self))


class Encoder(nn.Module):
    """The slice at three resolutions (1, 1/2, 1/4), fused at a quarter of its size."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        w, b = config.width, config.branch_width
        self.config = config
        self.stem = make_conv(config, config.in_channels, w, kernel=7, reflect=True)
        self.down1 = make_conv(config, w, 2 * w, stride=2)
        self.down2 = make_conv(config, 2 * w, 4 * w, stride=2)
        if config.multi_scale:
            self.half_branch = self._branch(config.in_channels, b, 2 * w, stride=2)
            self.quarter_branch = self._branch(config.in_channels, b, 2 * w, stride=1)
            if config.fusion == "concat":
                self.fuse = make_conv(config, 8 * w, 4 * w, kernel=1)
        self.blocks = nn.ModuleList(
            Block(config, 4 * w, config.dilations[index % len(config.dilations)])
            for index in range(config.blocks)
        )

    @staticmethod
    def _branch(inputs: int, width: int, outputs: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, outputs, 3, stride, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor, body: BodyWeights | None) -> tuple[Tensor, Tensor, Tensor]:
        """Features at full, half and quarter resolution: w, 2w and 4w channels."""
        full = self.stem(x)  # (B, w, H, W)
        half = self.down1(full)  # (B, 2w, H/2, W/2)
        features = self.down2(half)  # (B, 4w, H/4, W/4)
        if self.config.multi_scale:
            small = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
            tiny = F.interpolate(x, scale_factor=0.25, mode="bilinear", align_corners=False)
            branches = torch.cat((self.half_branch(small), self.quarter_branch(tiny)), dim=1)
            if self.config.fusion == "add":
                features = features + branches
            else:
                features = self.fuse(torch.cat((features, branches), dim=1))
        for block in self.blocks:
            features = block(features, body)
        return full, half, features


class DecoderStage(nn.Module):
    """Double the size, then mix in whatever comes over the skips."""

    def __init__(self, config: GeneratorConfig, inputs: int, outputs: int, skips: int) -> None:
        super().__init__()
        self.transposed = config.upsample == "transposed"
        if self.transposed:
            self.up = nn.ConvTranspose2d(inputs, outputs, 3, 2, padding=1, output_padding=1)
            self.norm = make_norm(config, outputs)
        else:
            # A 1x1 convolution commutes with the resize and is four times cheaper before it.
            self.up = nn.Conv2d(inputs, outputs, 1)
        self.gates = nn.ModuleList(Gate(config, outputs) for _ in range(skips))
        needs_mix = skips or not self.transposed
        self.mix = make_conv(config, outputs * (1 + skips), outputs) if needs_mix else None

    def forward(self, features: Tensor, skips: list[Tensor], body: BodyWeights | None) -> Tensor:
        features = self.up(features)
        if self.transposed:
            features = torch.relu(self.norm(features))
        else:
            features = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
        gated = [gate(skip, body) for gate, skip in zip(self.gates, skips, strict=True)]
        if self.mix is None:
            return features
        return self.mix(torch.cat((features, *gated), dim=1) if gated else features)


class Decoder(nn.Module):
    """Two stages up to full resolution and an output convolution."""

    def __init__(self, config: GeneratorConfig, outputs: int, skips: int) -> None:
        super().__init__()
        w = config.width
        self.stage1 = DecoderStage(config, 4 * w, 2 * w, skips)
        self.stage2 = DecoderStage(config, 2 * w, w, skips)
        self.output = nn.Conv2d(
            w,
            outputs,
            config.output_kernel,
            padding=config.output_kernel // 2,
            padding_mode="reflect" if config.output_kernel > 3 else "zeros",
        )

    def forward(
        self, features: Tensor, skips: list[tuple[Tensor, Tensor]], body: BodyWeights | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """skips: (half, full) features of each source. Returns the output and its (half, full)."""
        half = self.stage1(features, [skip[0] for skip in skips], body)
        full = self.stage2(half, [skip[1] for skip in skips], body)
        return self.output(full), (half, full)


class DualDecoderGenerator(nn.Module):
    """Encoder, semantic decoder and colour decoder; see GeneratorConfig for what each part does."""

    palette_lab: Tensor

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeneratorConfig()
        encoder_skips = int(config.skips)
        semantic_outputs = config.classes if config.head == "palette" else 3
        self.encoder = Encoder(config)
        self.semantic = Decoder(config, semantic_outputs, encoder_skips)
        if config.decoders == "tied":
            if config.head == "palette" or config.cross_skips:
                raise ModelError("Tied decoders need the rgb head and no cross skips.")
            self.color = self.semantic
        elif config.decoders == "dual":
            self.color = Decoder(config, 3, encoder_skips + int(config.cross_skips))
        palette = torch.from_numpy(PALETTE_LAB[: config.classes].copy())
        self.register_buffer("palette_lab", palette, persistent=True)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, temperature: float = 1.0
    ) -> GeneratorOutput:
        """x: (B, in_channels, H, W) in [0, 1]; mask: (B, 1, H, W) body weights, default x > 0.

        temperature below 1 sharpens the tissue probabilities. Any H and W of at least 4: sides are
        padded to a multiple of 4 and cropped back.
        """
        size = x.shape[-2:]
        semantic, painted = self._decode(x, mask)
        if self.config.head == "rgb":
            pseudo = torch.sigmoid(semantic.float())
            color = pseudo if painted is None else torch.sigmoid(painted.float())
            return GeneratorOutput(_crop(color, size), _crop(pseudo, size))
        logits, probabilities = _tissues(semantic, temperature)
        palette_lab = mix_palette(probabilities, self.palette_lab)
        color = pseudo = lab_to_rgb(palette_lab)
        residual = None
        if painted is not None:
            residual = self._residual(painted, probabilities)
            color = lab_to_rgb(palette_lab + residual)
            residual = _crop(residual, size)
        return GeneratorOutput(
            _crop(color, size),
            _crop(pseudo, size),
            _crop(logits, size),
            _crop(palette_lab, size),
            residual,
        )

    def paint(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        temperature: float = 1.0,
        palette_lab: Tensor | None = None,
    ) -> PaintedLab:
        """The part of `forward` that colouring a volume needs; palette head only.

        palette_lab: (classes, 3) CIELAB colours to paint with instead of the network's own.
        """
        semantic, painted = self._decode(x, mask)
        logits, probabilities = _tissues(semantic, temperature)
        lab = mix_palette(probabilities, self.palette_lab if palette_lab is None else palette_lab)
        residual = torch.zeros_like(lab)
        if painted is not None:
            residual = self._residual(painted, probabilities)
            lab = lab + residual
        parts = (lab, logits, probabilities, residual)
        return PaintedLab(*(_crop(part, x.shape[-2:]) for part in parts))

    def _decode(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Both decoders' outputs, on sides padded to multiples of 4."""
        height, width = x.shape[-2:]
        padding = (0, -width % 4, 0, -height % 4)
        if mask is None and self.config.pool == "body":
            mask = (x[:, :1] > 0).to(x.dtype)
        if any(padding):
            x = F.pad(x, padding)
            mask = None if mask is None else F.pad(mask, padding)
        body = None if self.config.pool == "slice" or mask is None else BodyWeights(mask)
        full, half, features = self.encoder(x, body)
        skips = [(half, full)] if self.config.skips else []
        semantic, semantic_features = self.semantic(features, skips, body)
        if self.config.decoders != "dual":
            return semantic, None
        cross = [semantic_features] if self.config.cross_skips else []
        return semantic, self.color(features, skips + cross, body)[0]

    def _residual(self, painted: Tensor, probabilities: Tensor) -> Tensor:
        """The colour decoder's bounded change of CIELAB; it may not argue about what is body."""
        bounds = painted.new_tensor(
            (self.config.lightness_bound, self.config.chroma_bound, self.config.chroma_bound),
            dtype=torch.float32,
        )
        body = 1 - probabilities[:, :1].detach()
        return torch.tanh(painted.float()) * bounds[:, None, None] * body


def _tissues(semantic: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Scores and probabilities of the tissues, (B, classes, H, W) float32."""
    logits = semantic.float()
    sharpened = logits if temperature == 1 else logits / temperature
    return logits, torch.softmax(sharpened, dim=1)


def mix_palette(probabilities: Tensor, palette_lab: Tensor) -> Tensor:
    """Every pixel's mean colour: (B, classes, H, W) by (classes, 3) gives (B, 3, H, W) CIELAB."""
    with torch.autocast(probabilities.device.type, enabled=False):  # Lab needs float32
        return F.conv2d(probabilities, palette_lab.float().T[:, :, None, None])


def _crop(image: Tensor, size: torch.Size) -> Tensor:
    return image[..., : size[0], : size[1]]
