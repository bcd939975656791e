"""What a person may choose for a run; the panel, the command line and the console fill this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import InputError

Plane = Literal["auto", "axial", "sagittal", "coronal"]
Mode = Literal["natural", "structure"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]

PLANES: tuple[str, ...] = ("auto", "axial", "sagittal", "coronal")
MODES: tuple[str, ...] = ("natural", "structure")
DEVICES: tuple[str, ...] = ("auto", "cuda", "mps", "cpu")
PRECISIONS: tuple[str, ...] = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class ColorizeOptions:
    """Options of one run.

    plane: slicing plane; "auto" takes the acquisition plane of thick slices, else axial.
    mode: "natural" gives the tissue's colour and lightness, "structure" the MRI's lightness.
    detail: 0 to 1, how much of the MRI's fine detail is added to the lightness (natural mode).
    saturation: 0 to 2, factor on chroma; 1 is the cadaver's own.
    batch_size: slices at once; None lets the engine choose.
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

    def __post_init__(self) -> None:
        _one_of("plane", self.plane, PLANES)
        _one_of("mode", self.mode, MODES)
        _one_of("precision", self.precision, PRECISIONS)
        _within("detail", self.detail, 0.0, 1.0)
        _within("saturation", self.saturation, 0.0, 2.0)
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size is {self.batch_size}; choose 1 or more.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(allowed)}.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also catches NaN
        raise InputError(f"{name} is {value}; choose a number from {low:g} to {high:g}.")
