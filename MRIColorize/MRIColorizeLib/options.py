"""What a person may choose for a run; the panel, the command line and the console fill this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import InputError
from .tissue import CLASSES, HEAD_CLASSES

Plane = Literal["auto", "axial", "sagittal", "coronal", "consensus"]
Mode = Literal["natural", "structure"]
Background = Literal["black", "white", "mri"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]

PLANES: tuple[str, ...] = ("auto", "axial", "sagittal", "coronal", "consensus")
MODES: tuple[str, ...] = ("natural", "structure")
BACKGROUNDS: tuple[str, ...] = ("black", "white", "mri")
DEVICES: tuple[str, ...] = ("auto", "cuda", "mps", "cpu")
PRECISIONS: tuple[str, ...] = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class ColorizeOptions:
    """Options of one run.

    plane: slicing plane; "auto" takes the acquisition plane of thick slices, else axial;
    "consensus" colours along all three and takes the mean of their colours and tissues.
    mode: "natural" gives the tissue's colour and lightness, "structure" the MRI's lightness.
    detail: 0 to 1, how much of the MRI's fine detail is added to the lightness (natural mode).
    saturation: 0 to 2, factor on chroma; 1 is the cadaver's own.
    blend: 0 to 1, how much of the colour shows; 0 is the grey MRI as the network sees it.
    background: what lies outside the body, "black", "white" or the grey "mri".
    palette: float (20, 3) or (13, 3), the CIELAB colours (D65) of the tissues in the order of
    `tissue.Tissue`; None takes the model's own. palette_name: what the result says of it.
    editable: keep what `recoloring.recolor` needs, about 17 bytes for each voxel of the body.
    confidence: also give the probability of the most probable tissue.
    batch_size: slices at once; None lets the engine choose. The CPU takes at least the up to eight
    that it always paints together, and other numbers change no byte there.
    mask: bool (K, J, I) on the input's grid, where to colour; None finds the body.
    slice_index: colour this slice of the plane alone, counted from 0 along the grid axis that the
    slices follow; it comes out as in the whole volume. None colours all.
    precision: number format of the network; "auto" takes the fastest safe one of the device.

    Raises InputError for a value outside these ranges.
    """

    plane: str = "auto"
    mode: str = "natural"
    detail: float = 0.5
    saturation: float = 1.0
    batch_size: int | None = None
    mask: np.ndarray | None = None
    slice_index: int | None = None
    precision: str = "auto"
    blend: float = 1.0
    background: str = "black"
    palette: np.ndarray | None = None
    palette_name: str = ""
    editable: bool = False
    confidence: bool = False

    def __post_init__(self) -> None:
        _one_of("plane", self.plane, PLANES)
        _one_of("mode", self.mode, MODES)
        _one_of("precision", self.precision, PRECISIONS)
        _within("detail", self.detail, 0.0, 1.0)
        _one_of("background", self.background, BACKGROUNDS)
        _within("saturation", self.saturation, 0.0, 2.0)
        _within("blend", self.blend, 0.0, 1.0)
        if self.palette is not None:
            object.__setattr__(self, "palette", check_palette(self.palette))
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size is {self.batch_size}; choose 1 or more.")


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


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(allowed)}.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also catches NaN
        raise InputError(f"{name} is {value}; choose a number from {low:g} to {high:g}.")
