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
    confidence: mean probability of the voxels' winning tissues, 0 to 1; unsure: the share of voxels
    where it is below one half. None for a model without tissues.
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
    confidence: float | None = None
    unsure: float | None = None

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
    Confidence and Unsure are "" for a model without tissues.
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
        "Confidence": "" if made.confidence is None else f"{made.confidence:.2f}",
        "Unsure": "" if made.unsure is None else f"{made.unsure:.2f}",
        "Notice": NOTICE,
    }


def _text(value: Any) -> str:
    """One line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


def told_certainty(made: Provenance) -> str:
    """How sure the model was, as in "Mean confidence 0.87, 3 % of the voxels below 0.5."; or ""."""
    if made.confidence is None or made.unsure is None:
        return ""
    share = f"{100 * made.unsure:.0f} %"
    return f"Mean confidence {made.confidence:.2f}, {share} of the voxels below 0.5."


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
