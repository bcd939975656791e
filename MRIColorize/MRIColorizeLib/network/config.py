"""The generator's architecture as one frozen configuration."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..errors import ModelError
from ..tissue import CLASSES, HEAD_CLASSES

# Smallest and largest value of every number that a model's card may ask for.
LIMITS: Mapping[str, tuple[float, float]] = {
    "in_channels": (1, 1),  # of a model with a card: an MRI has one
    "width": (1, 512),
    "branch_width": (1, 512),
    "blocks": (0, 64),
    "dilations": (1, 64),
    "reduction": (1, 1024),
    "output_kernel": (1, 15),
    "classes": (HEAD_CLASSES, CLASSES),
    "lightness_bound": (0, 100),
    "chroma_bound": (0, 100),
}


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

    @classmethod
    def checked(cls, settings: Mapping[str, Any]) -> GeneratorConfig:
        """The configuration that a model's card asks for; lists become tuples.

        Raises ModelError for a field that is unknown, of another type or outside LIMITS: a card may
        come from anywhere, and nothing shall be built from it before it makes sense.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise ModelError(
                f"The card asks for {reprlib.repr(unknown)}, which this version does not know; "
                "update MRIColorize."
            )
        hints = get_type_hints(cls)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
        }
        for name, value in values.items():
            known_classes = name != "classes" or value in (HEAD_CLASSES, CLASSES)
            if not known_classes or not _makes_sense(name, value, hints[name]):
                raise ModelError(
                    f"The card asks for {name} = {reprlib.repr(value)[:60]}, which no model here "
                    "can have; get the model again."
                )
        return cls(**values)


def _makes_sense(name: str, value: object, hint: Any) -> bool:
    """Whether a value has its field's type and lies within its limits."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is bool:
        return isinstance(value, bool)
    numbers = value if isinstance(value, tuple) else (value,)
    if isinstance(value, tuple) != (get_origin(hint) is tuple) or not 0 < len(numbers) <= 16:
        return False
    kinds = (int, float) if hint is float else (int,)
    low, high = LIMITS[name]
    if name == "output_kernel" and value not in range(1, 16, 2):
        return False  # an even kernel would move the picture
    return all(
        isinstance(number, kinds) and not isinstance(number, bool) and low <= number <= high
        for number in numbers
    )
