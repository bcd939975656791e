"""Conditions of measurement: the MRI as it is, degraded, of fewer pixels, or of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from training.measure.cases.cases import MRI, Case
from training.measure.cases.contrasts import UNSEEN, unseen_contrast
from training.measure.colorings.degradations import (
    bias_field,
    coarser,
    field_of_view,
    rician_noise,
    unchanged,
)

# (a case of few slices, the card's mm a pixel) -> the case to colour, or None to leave it out
Change = Callable[[Case, float], Case | None]
PLAIN = "plain"
NOISE = "Rician noise, %"
LESIONS = ("ms", "stroke")  # in the names of brains that have some


@dataclass(frozen=True)
class Condition:
    """How the MRI differs from the one that is measured plainly.

    against: whether structure is compared with the changed MRI that was coloured ("input"), or
    with the unchanged one ("clean"), as a claim to suppress noise asks for; then there is no
    structure-locked row. plane: of the slices;
    photographs are axial, so another plane has MRI alone. recipe: goes up when the numbers would
    come out otherwise for the same weights. axis: what a curve over conditions is drawn against,
    and this one's place on it. square: whether slices are a square around the body, whatever border
    they came with, so that measures of whole slices mean something. base: the condition whose
    difference to this one is asked for. all_trivial: whether every trivial colouring is measured.
    """

    name: str
    title: str
    change: Change
    against: Literal["input", "clean"] = "input"
    plane: Literal["axial", "coronal", "sagittal"] = "axial"
    recipe: int = 1
    axis: tuple[str, float] | None = None
    square: bool = False
    base: str | None = None
    all_trivial: bool = False


def scans_of(contrast: str) -> Change:
    """Real scans of one contrast alone."""

    def change(case: Case, spacing_mm: float) -> Case | None:
        return case if (case.kind, case.contrast) == (MRI, contrast) else None

    return change


def with_lesions(case: Case, spacing_mm: float) -> Case | None:
    """Real scans of brains with lesions, which no training label knows."""
    real = case.kind == MRI and not case.synthetic
    pieces = case.name.split("_")
    ill = any(piece.rstrip("0123456789") in LESIONS for piece in pieces)
    return case if real and ill else None


def _all() -> tuple[Condition, ...]:
    noise = (
        Condition(
            f"noise-{percent}",
            f"Rician noise of {percent} %",
            rician_noise(percent),
            "clean",
            axis=(NOISE, percent),
            base=PLAIN,
        )
        for percent in (3, 6, 9)
    )
    fields = (
        Condition(
            f"{'raw' if raw else 'engine'}-{side}",
            f"{side} px, {'fed as they are' if raw else 'resampled by the engine'}",
            field_of_view(side, raw),
            recipe=2,
            axis=(f"pixels a side, {'raw' if raw else 'through the engine'}", side),
            square=True,
            base=None if side == 256 else f"{'raw' if raw else 'engine'}-256",
            all_trivial=side == 256 and not raw,
        )
        for raw in (True, False)
        for side in (256, 128, 64)
    )
    contrasts = (
        Condition(f"contrast-{name}", f"unseen contrast: {unseen.title}", unseen_contrast(unseen))
        for name, unseen in UNSEEN.items()
    )
    scans = (
        Condition(f"scan-{contrast.lower()}", f"real {contrast} scans", scans_of(contrast))
        for contrast in ("T1", "T2", "FLAIR")
    )
    return (
        Condition(PLAIN, "as it is", unchanged, axis=(NOISE, 0), all_trivial=True),
        *noise,
        *fields,
        *scans,
        Condition("lesions", "real scans of brains with lesions", with_lesions),
        *contrasts,
        Condition("coronal", "coronal slices", unchanged, plane="coronal"),
        Condition("sagittal", "sagittal slices", unchanged, plane="sagittal"),
        Condition("bias-40", "bias field of 40 %", bias_field(40), "clean", base=PLAIN),
        Condition("resolution-2", "pixels twice as wide", coarser(2), "clean", base=PLAIN),
        Condition("resolution-4", "pixels four times as wide", coarser(4), "clean", base=PLAIN),
    )


CONDITIONS: Mapping[str, Condition] = {condition.name: condition for condition in _all()}
