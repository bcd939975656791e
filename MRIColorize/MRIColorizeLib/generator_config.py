"""The generator's architecture as one frozen configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .tissue import CLASSES


@dataclass(frozen=True)
class GeneratorConfig:
    """Every choice of the architecture; `published()` is the authors' network to the letter."""

    in_channels: int = 1
    width: int = 16  # channels at full resolution; twice and four times that below
    branch_width: int = 8  # first layer of the half- and quarter-resolution branches
    blocks: int = 8  # residual blocks at a quarter of the resolution
    dilations: tuple[int, ...] = (1, 2, 4)  # cycled over the blocks: far context at low cost
    residual_convs: bool = True  # off in the published code, where nothing mixes in space there
    norm: Literal["batch", "instance"] = "batch"  # batch norm folds away at use
    multi_scale: bool = True  # the half- and quarter-resolution branches
    fusion: Literal["concat", "add"] = "concat"  # the paper's text says concatenate, its code adds
    attention: bool = True  # compression-and-activation
    reduction: int = 8  # of channels inside it
    pool: Literal["body", "slice"] = "body"  # over the slice, colour depends on the field of view
    skips: bool = True  # encoder to decoders
    cross_skips: bool = True  # semantic to colour decoder
    decoders: Literal["dual", "tied", "single"] = "dual"
    upsample: Literal["resize", "transposed"] = "resize"  # transposed leaves checkerboards
    output_kernel: int = 3
    head: Literal["palette", "rgb"] = "palette"
    classes: int = CLASSES
    lightness_bound: float = 12.0  # of the colour decoder's residual, CIELAB
    chroma_bound: float = 10.0
    dtype_safe_norm: bool = True  # instance norm in float32 under half precision

    @classmethod
    def published(cls) -> GeneratorConfig:
        """The network of the authors' public code, its two tied decoders included."""
        return cls(
            width=128,
            branch_width=64,
            blocks=9,
            dilations=(1,),
            residual_convs=False,
            norm="instance",
            fusion="add",
            reduction=16,
            pool="slice",
            skips=False,
            cross_skips=False,
            decoders="tied",
            upsample="transposed",
            output_kernel=7,
            head="rgb",
        )
