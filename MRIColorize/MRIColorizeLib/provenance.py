"""How a colour volume was made, in words: the keys of files and nodes, the foot of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from . import __version__
from .options import ColorizeOptions

NOTICE = "Synthetic colours: not for diagnosis."
PLAIN = ColorizeOptions()
# What a result says of a palette that came without a name.
UNNAMED = "custom"
_NUMBERS = ("detail", "saturation", "blend")


@dataclass(frozen=True)
class Choices:
    """What a person chose of the look; see ColorizeOptions.

    palette: its name, "" for the model's own. masked: whether a mask said where to colour.
    """

    palette: str = ""
    detail: float = PLAIN.detail
    saturation: float = PLAIN.saturation
    blend: float = PLAIN.blend
    background: str = PLAIN.background
    masked: bool = False

    @classmethod
    def of(cls, options: ColorizeOptions) -> Choices:
        """The part of a run's options that its result tells."""
        return cls(
            palette="" if options.palette is None else options.palette_name or UNNAMED,
            detail=options.detail,
            saturation=options.saturation,
            blend=options.blend,
            background=options.background,
            masked=options.mask is not None,
        )


@dataclass(frozen=True)
class Provenance:
    """How a colour volume came to be.

    device, precision: what painted slices and in which number format, each once and in order:
    "cuda, cpu" when the card ran out of memory.
    """

    model_name: str
    model_version: str
    device: str
    precision: str
    plane: str
    mode: str
    slices: int
    seconds: float
    choices: Choices = Choices()


def provenance_fields(made: Provenance) -> dict[str, str]:
    """What files and nodes say of a result: the same keys and one line of text for each.

    Palette is "" for the model's own, Mask is "yes" or "no".
    """
    chosen = made.choices
    return {
        "Software": f"MRIColorize {__version__}",
        "Model": made.model_name,
        "ModelVersion": made.model_version,
        "Device": made.device,
        "Precision": made.precision,
        "Plane": made.plane,
        "Mode": made.mode,
        "Palette": " ".join(chosen.palette.split()),
        "Detail": str(chosen.detail),
        "Saturation": str(chosen.saturation),
        "Blend": str(chosen.blend),
        "Background": chosen.background,
        "Mask": "yes" if chosen.masked else "no",
        "Notice": NOTICE,
    }


def unusual_choices(made: Provenance) -> str:
    """What differs from a plain run, as in "palette Vivid, saturation 1.5"; "" when nothing does.

    Detail does nothing in structure mode, and is not told there.
    """
    chosen, plain = made.choices, Choices()
    told = [f"palette {' '.join(chosen.palette.split())}"] if chosen.palette else []
    for name in ("saturation", "blend") if made.mode == "structure" else _NUMBERS:
        if getattr(chosen, name) != getattr(plain, name):
            told.append(f"{name} {getattr(chosen, name):g}")
    if chosen.background != plain.background:
        told.append(f"background {chosen.background}")
    if chosen.masked:
        told.append("inside a mask")
    return ", ".join(told)
