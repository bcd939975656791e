"""What noise, bias, lost resolution and another plane do to the colours of an MRI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from training.measure.cases.cases import MRI, Case
from training.measure.colorings.degradations import (
    Change,
    bias_field,
    coarser,
    rician_noise,
    thick_slices,
    thin_case,
)
from training.measure.colorings.scores import mean_confidence, unit_rgb
from training.measure.colorings.stacks import NATURAL, ColoredStack, paint_case, silent
from training.measure.metrics import measures

THICK_MM = 5.0
UNDISTURBED = "as it is"
PLANES = ("sagittal", "coronal")


def _of_slices(change: Change) -> Callable[[ColoredStack], Case | None]:
    """A change of a stack's measured slices alone."""
    return lambda stack: change(thin_case(stack), 1.0)


# The case to colour, or None where a volume cannot be disturbed so.
DISTURBANCES: dict[str, Callable[[ColoredStack], Case | None]] = {
    UNDISTURBED: thin_case,
    **{f"Rician noise {share} %": _of_slices(rician_noise(share)) for share in (3, 6, 9)},
    **{f"bias field {share} %": _of_slices(bias_field(share)) for share in (20, 40)},
    **{f"pixels {factor} times as wide": _of_slices(coarser(factor)) for factor in (2, 4)},
    f"slices of {THICK_MM:g} mm, to a fifth": lambda stack: thick_slices(stack, THICK_MM),
}


@dataclass(frozen=True)
class Worst:
    """The slice that a disturbance changed most: MRI (H, W), colours (H, W, 3), tissue (H, W).

    place: among the stack's slices; same: share of the body whose tissue stayed.
    """

    place: int
    mri: np.ndarray
    picture: np.ndarray
    tissue: np.ndarray
    same: float


@dataclass(frozen=True)
class Disturbed:
    """A volume under a condition, compared with the same slices undisturbed, in the body: (S,).

    same: share with the same tissue; away: CIEDE2000; labelled: share whose tissue is the label's,
    NaN without labels; ncc2: of the lightness and the undisturbed MRI; confidence: 0 to 1.
    """

    stack: ColoredStack
    condition: str
    same: np.ndarray
    away: np.ndarray
    labelled: np.ndarray
    ncc2: np.ndarray
    confidence: np.ndarray
    worst: Worst | None


def disturb(stack: ColoredStack, colorizer: Colorizer) -> Iterator[Disturbed]:
    """A scanned MRI under every condition and in the other planes; nothing for other cases."""
    if stack.case.kind != MRI or stack.case.synthetic:
        return
    if stack.tissue is None:
        return
    before: ColoredStack | None = None
    for name, change in DISTURBANCES.items():
        if (case := change(stack)) is None:
            continue
        painted = paint_case(case, colorizer, progress=silent, modes=(NATURAL,))
        before = before or painted
        yield _compare(stack, name, painted, before)
    for plane in PLANES:
        if plane != stack.provenance.plane:
            yield _compare(stack, f"{plane} slices", _in_plane(stack, colorizer, plane), stack)


def _in_plane(stack: ColoredStack, colorizer: Colorizer, plane: str) -> ColoredStack:
    """The same slices cut out of the volume coloured along another plane."""
    options = ColorizeOptions(plane=plane, mask=stack.case.mask, confidence=True)
    colored = colorizer.colorize(stack.case.volume, options)

    def chosen(array: np.ndarray) -> np.ndarray:
        return array.transpose(*stack.order, *range(3, array.ndim))[stack.index]

    tissue, confidence = colored.tissue, colored.confidence
    return replace(
        stack,
        pictures={NATURAL: chosen(colored.array)},
        tissue=None if tissue is None else chosen(tissue),
        confidence=None if confidence is None else chosen(confidence),
    )


def _compare(
    stack: ColoredStack, name: str, painted: ColoredStack, before: ColoredStack
) -> Disturbed:
    mask, tissue = stack.mask, _tissue(painted)
    same = measures.tissue_agreement(tissue, _tissue(before), mask).share
    rgb = unit_rgb(painted.pictures[NATURAL])
    away = measures.color_distance(rgb, unit_rgb(before.pictures[NATURAL]), mask).ciede2000
    labelled = np.full(len(mask), np.nan)
    if stack.labels is not None:
        labelled = measures.tissue_agreement(tissue, stack.labels, mask).share
    worst = int(np.nanargmin(same))
    return Disturbed(
        stack=stack,
        condition=name,
        same=same,
        away=away,
        labelled=labelled,
        ncc2=measures.squared_ncc(measures.lightness(rgb), stack.mri, mask),
        confidence=mean_confidence(painted),
        worst=Worst(
            worst,
            painted.mri[worst],
            painted.pictures[NATURAL][worst],
            tissue[worst],
            float(same[worst]),
        ),
    )


def _tissue(stack: ColoredStack) -> np.ndarray:
    if stack.tissue is None:
        raise ValueError("The model names no tissues, so their agreement cannot be measured.")
    return stack.tissue
