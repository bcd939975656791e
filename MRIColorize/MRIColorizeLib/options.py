"""What a person may choose for a run: each option once, with all that is to be known of it.

The command's flags, what results tell of themselves, a batch's recipe, the panel's parameters and
its request are made from the fields of ColorizeOptions; a test holds the panel's widgets against
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from .errors import InputError
from .tissue import CLASSES, HEAD_CLASSES

PLANES: tuple[str, ...] = ("auto", "axial", "sagittal", "coronal", "consensus")
MODES: tuple[str, ...] = ("natural", "structure")
BACKGROUNDS: tuple[str, ...] = ("black", "white", "mri")
DEVICES: tuple[str, ...] = ("auto", "cuda", "mps", "cpu")
PRECISIONS: tuple[str, ...] = ("auto", "float32", "bfloat16", "float16")

# Where a flag stands in the command's help.
Place = Literal["", "where", "colours", "results"]


@dataclass(frozen=True)
class Option:
    """What is known of one field of ColorizeOptions.

    default: its value in a plain run. words: the values it may have, () for any. low, high: its
    range, None for no end. place: where the command's help has its flag, "" when it has none. help:
    what is said there, which may name {low}, {high} and {default}. told: what results call it, ""
    when they do not tell it. parameter: its name in the panel, "" when the panel does not offer it
    as it is. only_in: the mode in which it does something, "" for both. decides: whether the voxels
    of a result depend on it. before: the value that a version without the option had, None for the
    default.
    """

    default: Any
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    place: Place = ""
    help: str = ""
    told: str = ""
    parameter: str = ""
    only_in: str = ""
    decides: bool = True
    before: Any = None

    def check(self, name: str, value: Any) -> None:
        """Raise InputError for a value outside of the words or the range."""
        if isinstance(self.default, bool) and not isinstance(value, (bool, np.bool_)):
            raise InputError(f"{name} is {value!r}; choose True or False.")
        if self.words and value not in self.words:
            raise InputError(f"{name} is {value!r}; choose one of {', '.join(self.words)}.")
        if self.low is None or (value is None and self.default is None):
            return
        high = float("inf") if self.high is None else self.high
        try:
            inside = bool(self.low <= value <= high)  # of NaN False
        except (TypeError, ValueError):  # a text, an array
            inside = False
        if not inside:
            rule = f"{self.low:g} or more"
            if self.high is not None:
                rule = f"a number from {self.low:g} to {self.high:g}"
            raise InputError(f"{name} is {value}; choose {rule}.")


def _option(default: Any, **known: Any) -> Any:
    """A field of ColorizeOptions."""
    return field(default=default, metadata={"option": Option(default, **known)})


@dataclass(frozen=True)
class ColorizeOptions:
    """Options of one run.

    plane: slicing plane; "consensus" looks along all three, takes the mean of what they say of the
    tissues and paints once; "auto" takes the acquisition plane of thick slices, else all three.
    fast: one plane where "auto" would take three, in a third of the time.
    mode: "natural" gives the tissue's colour and lightness, "structure" the MRI's lightness.
    palette: float (20, 3) or (13, 3), the CIELAB colours (D65) of the tissues in the order of
    `tissue.Tissue`; None takes the model's own. palette_name: what the result says of it.
    detail: 0 to 1, how much of the MRI's fine detail is added to the lightness (natural mode).
    saturation: 0 to 2, factor on chroma; 1 is the cadaver's own.
    blend: 0 to 1, how much of the colour shows; 0 is the grey MRI as the network sees it.
    background: what lies outside the body, "black", "white" or the grey "mri".
    mask: bool (K, J, I) on the input's grid, where to colour; None finds the body.
    confidence: also give the probability of the most probable tissue.
    slice_index: colour this slice of the plane alone, counted from 0 along the grid axis that the
    slices follow; it comes out as in the volume coloured in that plane alone. None colours all.
    precision: number format of the network; "auto" takes the fastest safe one of the device.
    batch_size: slices at once; None lets the engine choose. The CPU takes at least the up to eight
    that it always paints together, and other numbers change no byte there.
    editable: keep what `recoloring.recolor` needs, about 17 bytes for each voxel of the body.

    Raises InputError for a value outside these ranges.
    """

    plane: str = _option(
        "auto",
        words=PLANES,
        place="where",
        help="slicing plane (default: all three, or that of thick slices)",
        parameter="plane",  # a result tells the plane that was taken
    )
    # The panel offers the planes one by one.
    fast: bool = _option(
        False,
        place="where",
        help="one plane instead of three, in a third of the time",
        before=True,
    )
    mode: str = _option(
        "natural",
        words=MODES,
        place="colours",
        help="tissue's lightness, or the MRI's",
        told="Mode",
        parameter="mode",
    )
    # The panel has it as a text and the command as a name, which become these two.
    palette: np.ndarray | None = _option(None)
    palette_name: str = _option("", told="Palette", decides=False)
    detail: float = _option(
        0.5,
        low=0.0,
        high=1.0,
        place="colours",
        help="fine detail of the MRI, {low:g} to {high:g} (default: {default:g})",
        told="Detail",
        parameter="detail",
        only_in="natural",
    )
    saturation: float = _option(
        1.0,
        low=0.0,
        high=2.0,
        place="colours",
        help="of the colours, {low:g} to {high:g} (default: {default:g})",
        told="Saturation",
        parameter="saturation",
    )
    blend: float = _option(
        1.0,
        low=0.0,
        high=1.0,
        place="colours",
        help="{low:g} the grey MRI to {high:g} the colours (default: {default:g})",
        told="Blend",
        parameter="blend",
    )
    background: str = _option(
        "black",
        words=BACKGROUNDS,
        place="colours",
        help="what lies outside the body",
        told="Background",
        parameter="background",
    )
    # A file of the command's or a node of the panel's, laid on the grid of each volume.
    mask: np.ndarray | None = _option(None, decides=False)
    confidence: bool = _option(
        False,
        place="results",
        help="also write how sure the model is, 0 to 255",
        parameter="makeConfidence",
    )
    slice_index: int | None = _option(None)
    precision: str = _option("auto", words=PRECISIONS)
    batch_size: int | None = _option(None, low=1, decides=False)
    editable: bool = _option(False, decides=False)

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            option.check(name, getattr(self, name))
        if self.palette is not None:
            object.__setattr__(self, "palette", check_palette(self.palette))
        if self.fast and self.plane == "consensus":
            raise InputError("fast takes one plane and consensus all three; leave one of them out.")


# Every field of ColorizeOptions by its name, in order.
OPTIONS: Mapping[str, Option] = MappingProxyType(
    {one.name: one.metadata["option"] for one in fields(ColorizeOptions)}
)
DEFAULTS = ColorizeOptions()
# Those that the panel offers as they are: the parameter's name, then the option's.
PARAMETERS: Mapping[str, str] = MappingProxyType(
    {option.parameter: name for name, option in OPTIONS.items() if option.parameter}
)


def check_palette(lab: np.ndarray) -> np.ndarray:
    """Return the palette as float32 (20, 3) CIELAB, or raise InputError with what is wrong.

    One of 13 colours, as models had them that know heads alone, comes back as it is too.
    """
    lab = np.asarray(lab)
    if lab.shape not in ((CLASSES, 3), (HEAD_CLASSES, 3)) or lab.dtype.kind not in "iuf":
        raise InputError(
            f"The palette is {lab.dtype} {lab.shape}; give {CLASSES} tissues by 3 CIELAB numbers."
        )
    lightness, chroma = lab[:, 0], lab[:, 1:]
    # Written so that NaN fails too; white computed from sRGB may be a hair above 100.
    if (
        not ((lightness >= -0.01) & (lightness <= 100.01)).all()
        or not (np.abs(chroma) <= 150).all()
    ):
        raise InputError("The palette leaves CIELAB; keep L in 0 to 100, a and b in -150 to 150.")
    return np.array(lab, dtype=np.float32, order="C")
