"""How a colour volume was made, in words: the keys of files and nodes, the foot of a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from . import __version__
from .options import DEFAULTS, OPTIONS, ColorizeOptions

NOTICE = "Synthetic colours: not for diagnosis."
# What a result says of a palette that came without a name.
UNNAMED = "custom"


@dataclass(frozen=True)
class Provenance:
    """How a colour volume came to be.

    device, precision: what painted slices and in which number format, each once and in order:
    "cuda, cpu" when the card ran out of memory. plane: that of the slices, or "consensus".
    options: as `without_arrays` gives them. masked: whether a mask said where to colour.
    """

    model_name: str
    model_version: str
    device: str
    precision: str
    plane: str
    slices: int
    seconds: float
    options: ColorizeOptions = DEFAULTS
    masked: bool = False

    @property
    def mode(self) -> str:
        """How the lightness was made; see ColorizeOptions."""
        return self.options.mode


def without_arrays(options: ColorizeOptions) -> ColorizeOptions:
    """What a result keeps of its options: no mask, and of the palette the name."""
    name = "" if options.palette is None else options.palette_name or UNNAMED
    return replace(options, mask=None, palette=None, palette_name=name)


def provenance_fields(made: Provenance) -> dict[str, str]:
    """What files and nodes say of a result: the same keys and one line of text for each.

    Palette is "" for the model's own, Mask is "yes" or "no".
    """
    return {
        "Software": f"MRIColorize {__version__}",
        "Model": made.model_name,
        "ModelVersion": made.model_version,
        "Device": made.device,
        "Precision": made.precision,
        "Plane": made.plane,
        **{
            option.told: _text(getattr(made.options, name))
            for name, option in OPTIONS.items()
            if option.told
        },
        "Mask": _text(made.masked),
        "Notice": NOTICE,
    }


def _text(value: Any) -> str:
    """One line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def unusual_choices(made: Provenance) -> str:
    """What differs from a plain run, as in "palette Vivid, saturation 1.5"; "" when nothing does.

    The mode is told elsewhere, and what does nothing in it is not told.
    """
    unusual = []
    for name, option in OPTIONS.items():
        value = getattr(made.options, name)
        if not option.told or name == "mode" or value == option.default:
            continue
        if option.only_in in ("", made.mode):
            text = f"{value:g}" if isinstance(value, float) else _text(value)
            unusual.append(f"{option.told.lower()} {text}")
    if made.masked:
        unusual.append("inside a mask")
    return ", ".join(unusual)
