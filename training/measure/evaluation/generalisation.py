"""Tables of how far the colours carry: by contrast, source, region, disease, plane, disturbance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.measure.cases.cases import MRI
from training.measure.cases.origins import origin_of
from training.measure.colorings.baselines import GREY
from training.measure.colorings.scores import Measure, Scores
from training.measure.colorings.stacks import NATURAL, ColoredStack
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import MISSING, caption, interval, without_empty
from training.measure.evaluation.disturbances import DISTURBANCES, PLANES, Disturbed
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.summary import by_unit, summarize_values

M = Measure
MEASURES = (M.CIEDE2000, M.TISSUE, M.DCF_REGION, M.NCC2, M.SSIM_BODY, M.CONFIDENCE, M.FLICKER)
GROUPS: dict[str, Callable[[ColoredStack], str]] = {
    "contrast": lambda stack: stack.case.contrast,
    "source": lambda stack: origin_of(stack.case).source,
    "plane": lambda stack: stack.provenance.plane,
    "region": lambda stack: stack.case.region.value,
    "disease": lambda stack: origin_of(stack.case).finding,
}


def by_group(evaluation: Evaluation) -> Table | None:
    """Natural colours of scanned MRI by what each volume is; all of them, and their grey copies."""
    scanned = [
        s
        for s in evaluation.results.scores
        if s.stack.case.kind == MRI and not s.stack.case.synthetic
    ]
    scores = [s for s in scanned if s.method == NATURAL]
    if not scores:
        return None
    rows = []
    for group, of in GROUPS.items():
        for value in dict.fromkeys(of(s.stack) for s in scores):
            chosen = [s for s in scores if of(s.stack) == value]
            rows.append([group, value, str(len(chosen)), *_cells(chosen)])
    rows.append(["all", "natural colours", str(len(scores)), *_cells(scores)])
    grey = [s for s in scanned if s.method == GREY]
    rows.append(["all", "grey copy of the MRI", str(len(grey)), *_cells(grey)])
    header = ["by", "group", "volumes", *(m.label for m in MEASURES)]
    return without_empty(Table(header, rows, caption(evaluation.setting)))


def by_disturbance(evaluation: Evaluation) -> Table | None:
    """The same slices disturbed, or cut out of a volume coloured along another plane."""
    conditions = [*DISTURBANCES, *(f"{plane} slices" for plane in (*PLANES, "axial"))]
    rows = []
    for condition in conditions:
        found = [d for d in evaluation.disturbed if d.condition == condition]
        if found:
            slices = sum(len(d.same) for d in found)
            rows.append([condition, str(len(found)), str(slices), *_changes(found)])
    if not rows:
        return None
    header = (
        "condition",
        "volumes",
        "slices",
        "same tissue as undisturbed",
        "CIEDE2000 to undisturbed",
        "tissue as labelled",
        "NCC² with the undisturbed MRI",
        "confidence",
    )
    return Table(header, rows, caption(evaluation.setting))


def _cells(chosen: Sequence[Scores]) -> list[str]:
    cells = []
    for measure in MEASURES:
        values = by_unit((s.stack.case, s.values[measure]) for s in chosen if measure in s.values)
        cells.append(interval(summarize_values(values), measure.digits))
    return cells


def _changes(found: Sequence[Disturbed]) -> list[str]:
    parts: tuple[tuple[Callable[[Disturbed], np.ndarray], int], ...] = (
        (lambda d: d.same, 2),
        (lambda d: d.away, 1),
        (lambda d: d.labelled, 2),
        (lambda d: d.ncc2, 2),
        (lambda d: d.confidence, 2),
    )
    cells = []
    for values, digits in parts:
        summary = summarize_values(by_unit((d.stack.case, values(d)) for d in found))
        cells.append(MISSING if summary is None else interval(summary, digits))
    return cells
