"""Where our generator departs from the published one, and what is known about each departure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from MRIColorizeLib.generator_config import GeneratorConfig


@dataclass(frozen=True)
class Reason:
    """Why a field differs. measured: what was measured, with the numbers; None: nothing.

    arms: of the experiments, comparison and name, which have the published value or come near it.
    """

    why: str
    measured: str | None = None
    arms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Difference:
    """A field of GeneratorConfig with both values."""

    field: str
    ours: str
    published: str
    reason: Reason


# What can be said in general of a field that differs. "Prototype" is a run of 3 to 15 minutes on a
# processor, one seed, width 16: its ranking counts, its levels do not.
REASONS = {
    "width": Reason(
        "A slice must take well below a second on an ordinary processor, and the weights ship "
        "with the program.",
        "Network alone, one thread, 256 px: 60 ms beside 1322 ms for the published one with both "
        "its decoders (`Testing/benchmarks/run.py`). What width adds in quality: "
        "not measured yet.",
    ),
    "branch_width": Reason("Follows the width."),
    "blocks": Reason(
        "With convolutions in them eight blocks see far enough (last column of the layers)."
    ),
    "dilations": Reason(
        "Dilated convolutions see the surroundings of a tissue at no extra cost; the published "
        "blocks mix nothing in space.",
        "Field of view computed below; its effect on quality: not measured yet.",
    ),
    "residual_convs": Reason(
        "The published code stores the residual convolutions and never calls them.",
        "91 % of the stored weights do nothing there, and the field of view is 38 px instead of "
        "182 px (both computed below).",
    ),
    "norm": Reason(
        "Batch norm folds into the convolutions at use. Instance norm takes its means over the "
        "slice, so that colour leans on the field of view.",
        "Prototype: no clear winner. 64 px of padding changed colour by 15.5 CIEDE2000 with batch "
        "norm and 8.6 with instance norm (before `pool` was body); a gain of 0.85 by 2.8 and 0.4.",
        arms=(("norm", "instance_norm"),),
    ),
    "fusion": Reason(
        "The paper's text speaks of concatenating the branches, its code adds them; a 1x1 "
        "convolution after the concatenation can learn to add."
    ),
    "reduction": Reason(
        "A narrower network leaves fewer channels to squeeze.",
        arms=(("attention", "reduction_16"),),
    ),
    "pool": Reason(
        "A gate that takes its mean over the slice makes colour depend on how much background is "
        "in it.",
        "Prototype: 64 px of black padding changed colour by 8.6 CIEDE2000 with the mean over the "
        "slice, 4.4 with the mean over the body and random padding in training; the model that "
        "ships: see *Colour change where no tissue changed* in its evaluation.",
    ),
    "skips": Reason(
        "The paper describes gated skips from the encoder to the decoders; the published code has "
        "none."
    ),
    "cross_skips": Reason(
        "The colour decoder is to lean on what the semantic one knows, as the paper describes; in "
        "the published code the two are one.",
        arms=(("decoders", "no_cross_skips"),),
    ),
    "decoders": Reason(
        "The published code builds both decoders from the same modules.",
        "Both pictures are then identical to the bit (a test holds it), and the second pass costs "
        "the work of everything after the fusion once more.",
        arms=(("decoders", "single_decoder"),),
    ),
    "upsample": Reason(
        "A transposed convolution of 3x3 with stride 2 covers the places of its output unevenly "
        "and leaves checkerboards."
    ),
    "output_kernel": Reason("The skips bring full resolution; 7x7 would be the largest layer."),
    "head": Reason(
        "Tissue probabilities under a palette can be checked, edited and recoloured; colours "
        "cannot leave what a cryosection has.",
        arms=(("method", "rgb"),),
    ),
    "lightness_bound": Reason(
        "Room for the MRI's structure without a change of tissue.",
        "See the [page on structure losses](structure-trap.md): a structure term that may change "
        "more than this repaints tissues.",
    ),
    "chroma_bound": Reason(
        "Tissues keep the hue of their palette.",
        "6 in training and 3 at use, chosen on the validation part.",
    ),
    "dtype_safe_norm": Reason("Instance norm in half precision gives black output."),
}
NOT_MEASURED = "Not measured yet."
# An arm with the authors' value of several fields at once, against one with ours: see the manifest.
TOGETHER = ("network", "published_small")
TOGETHER_FIELDS = (
    *("blocks", "residual_convs", "fusion", "pool", "skips", "cross_skips", "decoders"),
    "upsample",
)
# Fields that mean nothing where the other network has no such part.
ONLY_PALETTE = ("lightness_bound", "chroma_bound")


def differences(ours: GeneratorConfig, published: GeneratorConfig) -> Iterator[Difference]:
    """Every field whose values differ, and the bounds that only a palette head has."""
    for field in dataclasses.fields(GeneratorConfig):
        mine, theirs = getattr(ours, field.name), getattr(published, field.name)
        bound = field.name in ONLY_PALETTE and ours.head != published.head
        if mine != theirs or bound:
            shown = "none" if bound else _shown(theirs)
            yield Difference(field.name, _shown(mine), shown, REASONS[field.name])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
