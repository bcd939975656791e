"""The failures of an evaluation in pictures, each with how a user recognises it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.files.picture import compose
from MRIColorizeLib.provenance import NOTICE
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES
from MRIColorizeLib.volume import bounding_box
from training.measure.cases.cases import MRI, SLAB
from training.measure.cases.origins import NO_FINDING, UNKNOWN, origin_of
from training.measure.colorings.scores import mean_confidence, unit_rgb
from training.measure.colorings.stacks import NATURAL, STRUCTURE, TRUTH, ColoredStack
from training.measure.evaluation.blocks import Block, Heading, Picture, Text
from training.measure.evaluation.disturbances import UNDISTURBED, Disturbed
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.montage import (
    BORDER,
    groups_on_one_grid,
    may_show,
    slice_tile,
    with_legend,
    write_group,
)
from training.measure.metrics import measures

RECOGNISED = {
    "Rician noise": "the tissue map is speckled, thin fluid vanishes and colours turn to one "
    "mixture. Denoise the MRI first.",
    "bias field": "one tissue changes its colour from one side of the picture to the other, with "
    "the brightness of the MRI. Correct the field first (N4, for example).",
    "pixels": "borders are round and broad; layers thinner than a pixel (skin, skull, fluid "
    "between the gyri) are missing or painted as a neighbour.",
    "slices of": "a band of a third tissue runs along borders that lie oblique to the slice: there "
    "the MRI shows the mean of two.",
}
HEALTHY = (NO_FINDING, UNKNOWN)


def write_gallery(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """Write the pictures, the worst slice of every kind of failure that the cases allow."""
    for kind in (_contrasts, _disease, _unsure, _photograph, _structure_mode):
        yield from kind(evaluation, out)
    for start in ("Rician noise", "bias field", "pixels", "slices of"):
        yield from _disturbance(evaluation, start, out)


def _contrasts(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """The two contrasts of one person whose colours lie furthest apart."""
    found = []
    for group in groups_on_one_grid(_scanned(evaluation)):
        for first, second in itertools.combinations(group, 2):
            mask = first.mask & second.mask
            one, other = (unit_rgb(stack.pictures[NATURAL]) for stack in (first, second))
            away = measures.color_distance(one, other, mask).ciede2000
            found.append((away, [first, second]))
    if (worst := _worst(found)) is None:
        return
    value, place, (first, second) = worst
    what = f"CIEDE2000 of {value:.1f} between the contrasts"
    yield Heading("One tissue in two colours", 3)
    yield Text(
        f"{first.case.subject}, {first.case.contrast} and {second.case.contrast}: {what}. "
        f"{_sure_where_agreed(first, second, place)} How to recognise it: colour another contrast "
        "of the same person; where one place has two colours, at least one is wrong. With one "
        "contrast alone, look at the confidence volume and at tissues in places where they cannot "
        "be, such as white matter in the cortex."
    )
    yield _grouped([first, second], place, what, out / "failure_contrasts.png")


def _disease(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """The least sure slice of a person with a known disease."""
    ill = [s for s in _scanned(evaluation) if origin_of(s.case).finding not in HEALTHY]
    found = [(1 - mean_confidence(stack), [stack]) for stack in ill]
    if (worst := _worst(found)) is None:
        return
    value, place, (stack,) = worst
    what = f"{origin_of(stack.case).finding}, mean confidence {1 - value:.2f}"
    yield Heading("Disease", 3)
    yield Text(
        f"{stack.case.name}: {what}. No lesion was labelled in training, so a lesion gets the "
        "colour of what it resembles: fluid, grey matter or muscle. How to recognise it: a patch "
        "of another tissue inside one that should be whole, with the outline of the lesion in the "
        "MRI; the tissue map shows it as an island. Never read a finding from the colours."
    )
    yield _grouped([stack], place, what, out / "failure_disease.png")


def _unsure(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """The slice that the model itself is least sure of, of people without a known disease."""
    others = [s for s in _scanned(evaluation) if origin_of(s.case).finding in HEALTHY]
    found = [(1 - mean_confidence(stack), [stack]) for stack in others]
    if (worst := _worst(found)) is None:
        return
    value, place, (stack,) = worst
    what = f"mean confidence {1 - value:.2f}"
    yield Heading("Far from what was trained on", 3)
    yield Text(
        f"{stack.case.name}, {stack.case.contrast}: {what}, the least where no disease is "
        "known. How to recognise it: the confidence volume (`--confidence`) is dark over whole "
        "regions, the colours are dull mixtures, and the tissue map has stripes or speckles that "
        "anatomy does not have."
    )
    yield _grouped([stack], place, what, out / "failure_unsure.png")


def _photograph(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """The slab that is furthest from its photograph, and the tissue that is most to blame."""
    slabs = [s for s in evaluation.stacks if s.case.kind == SLAB and s.truth is not None]
    found = []
    for stack in slabs:
        pictures = unit_rgb(stack.pictures[NATURAL]), unit_rgb(stack.pictures[TRUTH])
        away = measures.color_distance(*pictures, stack.mask).ciede2000
        found.append((away, [stack]))
    if (worst := _worst(found)) is None:
        return
    value, place, (stack,) = worst
    what = f"CIEDE2000 of {value:.1f} to the photograph"
    blamed = _furthest_tissue(evaluation, stack, place)
    yield Heading("Furthest from the photograph", 3)
    yield Text(
        f"{stack.case.name}: {what}{blamed}. How to recognise it: organs and muscle share one "
        "colour, cortical bone is coloured although it is black in every MRI contrast, marrow and "
        "fat change places. Outside the head the tissue map is a guess."
    )
    yield _grouped([stack], place, what, out / "failure_photograph.png")


def _structure_mode(evaluation: Evaluation, out: Path) -> Iterator[Block]:
    """Where structure mode departs most from natural colours."""
    found = []
    for stack in _scanned(evaluation):
        natural, locked = (unit_rgb(stack.pictures[mode]) for mode in (NATURAL, STRUCTURE))
        away = measures.color_distance(natural, locked, stack.mask).ciede2000
        found.append((away, [stack]))
    if (worst := _worst(found)) is None:
        return
    value, place, (stack,) = worst
    what = f"CIEDE2000 of {value:.1f} between the modes"
    yield Heading("Structure mode where contrast is reversed", 3)
    yield Text(
        f"{stack.case.name}, {stack.case.contrast}: {what}. How to recognise it: fluid is bright, "
        "or white matter darker than grey matter, as no cryosection has them. The tissue map is "
        "the same in both modes; natural mode shows what it says."
    )
    yield _grouped([stack], place, what, out / "failure_structure_mode.png")


def _disturbance(evaluation: Evaluation, start: str, out: Path) -> Iterator[Block]:
    """The slice whose tissues a kind of disturbance changed most."""
    found = [d for d in evaluation.disturbed if d.condition.startswith(start) and d.worst]
    allowed = [d for d in found if d.worst and may_show(d.stack)[d.worst.place]]
    if not allowed:
        return
    worst = min(allowed, key=lambda d: d.worst.same if d.worst else 1)
    if worst.worst is None:
        return
    before = next(
        d for d in evaluation.disturbed if d.stack is worst.stack and d.condition == UNDISTURBED
    )
    sure = float(np.nanmean(before.confidence)), float(np.nanmean(worst.confidence))
    what = f"{worst.worst.same:.0%} of the body keeps its tissue"
    yield Heading(f"{worst.condition[0].upper()}{worst.condition[1:]}", 3)
    yield Text(
        f"{worst.stack.case.name}, {worst.condition}: {what}; mean confidence goes from "
        f"{sure[0]:.2f} to {sure[1]:.2f}. How to recognise it: {RECOGNISED[start]}"
    )
    name = f"failure_{start.lower().replace(' ', '_')}.png"
    yield _disturbed_picture(worst, f"{worst.condition}: {what}", out / name)


def _scanned(evaluation: Evaluation) -> list[ColoredStack]:
    return [
        stack for stack in evaluation.stacks if stack.case.kind == MRI and not stack.case.synthetic
    ]


def _worst(
    found: Sequence[tuple[np.ndarray, list[ColoredStack]]],
) -> tuple[float, int, list[ColoredStack]] | None:
    """Largest value with its slice, of the slices that may be shown."""
    best: tuple[float, int, list[ColoredStack]] | None = None
    for values, group in found:
        allowed = np.logical_and.reduce([may_show(stack) for stack in group])
        known = np.where(allowed & np.isfinite(values), values, -np.inf)
        place = int(np.argmax(known))
        if np.isfinite(known[place]) and (best is None or known[place] > best[0]):
            best = float(known[place]), place, group
    return best


def _sure_where_agreed(first: ColoredStack, second: ColoredStack, place: int) -> str:
    """Confidence where the tissue maps of two contrasts agree, and where they do not."""
    if first.tissue is None or second.tissue is None:
        return ""
    if first.confidence is None or second.confidence is None:
        return ""
    mask = (first.mask & second.mask)[place]
    same = first.tissue[place] == second.tissue[place]
    sure = np.minimum(first.confidence[place], second.confidence[place]) / 255
    if not (mask & same).any() or not (mask & ~same).any():
        return ""
    return (
        f"The model's confidence (the lesser of the two) is {sure[mask & same].mean():.2f} where "
        f"the tissue maps agree and {sure[mask & ~same].mean():.2f} where they do not."
    )


def _furthest_tissue(evaluation: Evaluation, stack: ColoredStack, place: int) -> str:
    for scores in evaluation.results.scores:
        if scores.stack is stack and scores.method == NATURAL and scores.per_tissue is not None:
            row = scores.per_tissue[place]
            if np.isfinite(row).any():
                code = int(np.nanargmax(row))
                return f"; the tissue furthest from it is {NAMES[code].lower()} ({row[code]:.0f})"
    return ""


def _grouped(group: Sequence[ColoredStack], place: int, what: str, path: Path) -> Picture:
    number = group[0].case.first + int(group[0].index[place])
    write_group(group, place, f"slice {number}, {what}", path)
    return Picture(path.name, f"{group[0].case.name}, slice {number}: {what}")


def _disturbed_picture(disturbed: Disturbed, title: str, path: Path) -> Picture:
    """MRI, colours and tissue map: undisturbed above, disturbed below."""
    stack, worst = disturbed.stack, disturbed.worst
    if worst is None or stack.tissue is None:
        raise ValueError("A disturbance without a slice has no picture.")
    place = worst.place
    box = bounding_box(stack.mask[place], (BORDER, BORDER))

    def row(mri: np.ndarray, color: np.ndarray, tissue: np.ndarray, what: str) -> list:
        grey = np.rint(np.clip(mri, 0, 1) * 255).astype(np.uint8)
        shown = ((grey, f"MRI, {what}"), (color, "natural"), (DISPLAY_RGB[tissue], "tissue map"))
        return [slice_tile(stack, pixels, box, caption) for pixels, caption in shown]

    rows = [
        row(stack.mri[place], stack.pictures[NATURAL][place], stack.tissue[place], UNDISTURBED),
        row(worst.mri, worst.picture, worst.tissue, disturbed.condition),
    ]
    made = stack.provenance
    footer = f"{NOTICE}  Model {made.model_name} {made.model_version}"
    picture = compose(rows, f"{stack.case.name}, slice {int(stack.index[place])}", footer)
    codes = np.unique(np.concatenate((stack.tissue[place].ravel(), worst.tissue.ravel())))
    picture = with_legend(picture, codes)
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")
    return Picture(path.name, f"{stack.case.name}, {title}")
