"""The tables of a report: colour and structure side by side, baselines in every one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from MRIColorizeLib.tissue import NAMES, Tissue
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.baselines import BASELINES, GREY
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import MODES, NATURAL, STRUCTURE, TRUTH
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import (
    MISSING,
    caption,
    interval,
    spread,
    verdict_cells,
    without_empty,
)
from training.measure.evaluation.evaluation import Evaluation

M = Measure
COLOR = (
    M.CIEDE2000,
    M.TISSUE,
    M.DCF_BODY,
    M.DCF_REGION,
    M.CF_BODY,
    M.CONTRAST,
    M.SHARPNESS,
    M.INVENTED,
    M.CONFIDENCE,
)
STRUCTURES = (
    M.NCC2,
    M.ORIENTATION,
    M.DETAIL,
    M.SSIM_BODY,
    M.MS_SSIM_BODY,
    M.STSIM1_BODY,
    M.STSIM2_BODY,
)
IN_BODY = (*COLOR, *STRUCTURES, M.FLICKER)
WHOLE = (
    M.CIEDE2000,
    M.CONTRAST,
    M.DCF_SLICE,
    M.CF_SLICE,
    M.NCC2,
    M.SSIM_SLICE,
    M.MS_SSIM_SLICE,
    M.STSIM1_SLICE,
    M.STSIM2_SLICE,
)
# For tables that go by contrast or by volume.
KEY = (
    M.CIEDE2000,
    M.DCF_BODY,
    M.DCF_REGION,
    M.CF_BODY,
    M.INVENTED,
    M.NCC2,
    M.ORIENTATION,
    M.SSIM_BODY,
    M.MS_SSIM_BODY,
    M.STSIM1_BODY,
    M.FLICKER,
)
# In these the model is compared with the baselines: one Holm family a measure.
TESTED = (M.CIEDE2000, M.DCF_BODY, M.DCF_REGION, M.CONTRAST, M.NCC2, M.SSIM_BODY)
CLAIMED = ((SLAB, None), (SLAB, "T1"), (MRI, None), (MRI, "T1"), (MRI, "T2"), (MRI, "FLAIR"))
BESIDE = (M.CIEDE2000, M.CONTRAST, M.NCC2)  # of the published claims
# Mathur et al., ISBI 2025, at 256 pixels, on the Visible Korean Human.
# Which of the two STSIM it is, and whether the dCF is of whole slices, is not said there.
PUBLISHED = ("published (Mathur et al. 2025)", "0.863", "0.866", "0.901", "< 0.01")


def overview(evaluation: Evaluation, kind: str, measures: Sequence[Measure]) -> Table | None:
    """Every method in the measures that are defined for a kind; None when there is no such case."""
    results = evaluation.results
    rows = []
    for method in results.methods(kind):
        found = [results.summarize(kind, method, measure) for measure in measures]
        rows.append((method, found))
    used = [i for i in range(len(measures)) if any(found[i] for _, found in rows)]
    if not rows:
        return None
    header = ["colouring", "units", "slices", *(measures[i].label for i in used)]
    lines = []
    for method, found in rows:
        counts = [summary for summary in found if summary]
        lines.append(
            [
                method,
                str(max((s.units for s in counts), default=0)),
                str(max((s.slices for s in counts), default=0)),
                *(interval(found[i], measures[i].digits) for i in used),
            ]
        )
    return Table(header, lines, caption(evaluation.setting))


def claims(evaluation: Evaluation) -> Table:
    """The published claims beside the slabs (structure and paired dCF at once), whole slices."""
    results = evaluation.results
    measures = (M.SSIM_SLICE, M.MS_SSIM_SLICE, M.STSIM1_SLICE, M.DCF_SLICE)
    rows = [["Visible Korean Human, 256 px", PUBLISHED[0], MISSING, *PUBLISHED[1:]]]
    rows[0] += [MISSING] * len(BESIDE)
    for kind, contrast in CLAIMED:
        for method in (*MODES, GREY, "table per contrast", "constant colour", TRUTH):
            found = [results.summarize(kind, method, measure, contrast) for measure in measures]
            if any(found):
                what = f"{kind}, {contrast or 'all contrasts'}"
                units = str(max(s.units for s in found if s))
                cells = [interval(s, m.digits) for s, m in zip(found, measures, strict=True)]
                for m in BESIDE:  # one contrast is not compared with others
                    alone = contrast is not None and m is M.CONTRAST
                    summary = None if alone else results.summarize(kind, method, m, contrast)
                    cells.append(interval(summary, m.digits))
                rows.append([what, method, units, *cells])
    header = ("measured on", "colouring", "units", *(m.label for m in (*measures, *BESIDE)))
    return Table(header, rows, caption(evaluation.setting))


def by_contrast(evaluation: Evaluation, kind: str) -> Table | None:
    """Both modes, the hardest and the emptiest baseline, on every contrast by itself."""
    results = evaluation.results
    cases = [s.case for s in evaluation.stacks if s.case.kind == kind]
    rows = []
    for contrast in dict.fromkeys(case.contrast for case in cases):
        for method in (*MODES, "table per contrast", "constant colour", GREY):
            found = [results.summarize(kind, method, m, contrast) for m in KEY]
            units = max((s.units for s in found if s), default=0)
            cells = [interval(s, m.digits) for s, m in zip(found, KEY, strict=True)]
            rows.append([contrast, method, str(units), *cells])
    if not rows:
        return None
    header = ["contrast", "colouring", "units", *(m.label for m in KEY)]
    return without_empty(Table(header, rows, caption(evaluation.setting)))


def by_volume(evaluation: Evaluation) -> Table | None:
    """Every MRI volume: mean and standard deviation over its slices."""
    rows = []
    for scores in evaluation.results.scores:
        case = scores.stack.case
        if case.kind == MRI and scores.method in (*MODES, GREY, "intensity table"):
            values = [scores.values.get(m, np.array([])) for m in KEY]
            cells = [spread(v, m.digits) for v, m in zip(values, KEY, strict=True)]
            rows.append([case.name, scores.method, str(len(scores.stack.index)), *cells])
    if not rows:
        return None
    header = ["volume", "colouring", "slices", *(m.label for m in KEY)]
    return without_empty(Table(header, rows, caption(evaluation.setting)))


def per_tissue(evaluation: Evaluation) -> Table | None:
    """CIEDE2000 to the photograph tissue by tissue, mean over slabs, with the structure's NCC²."""
    results = evaluation.results
    methods = [m for m in results.methods(SLAB) if m != TRUTH]
    rows = []
    for tissue in Tissue:
        found = [results.per_tissue(SLAB, method, tissue) for method in methods]
        if any(found):
            units = max(s.units for s in found if s)
            rows.append([NAMES[tissue], str(units), *(interval(s, 1) for s in found)])
    if not rows:
        return None
    ncc = [results.summarize(SLAB, method, M.NCC2) for method in methods]
    rows.append(["NCC² of the whole body", MISSING, *(interval(s, 3) for s in ncc)])
    return Table(["tissue", "slabs", *methods], rows, caption(evaluation.setting))


def verdicts(evaluation: Evaluation, kind: str) -> Table | None:
    """The natural colours against every baseline and system, paired by unit."""
    results = evaluation.results
    others = [m for m in results.methods(kind) if m not in (NATURAL, STRUCTURE, TRUTH)]
    found = [v for m in TESTED for v in results.compare(kind, NATURAL, others, m)]
    if not found:
        return None
    header = (
        "measure",
        "natural against",
        "units",
        "difference",
        "p (Holm)",
        "rank-biserial",
        "Cohen's dz",
    )
    rows = [[v.measure.label, v.second, *verdict_cells(v)] for v in found]
    return Table(header, rows, caption(evaluation.setting))


def methods_explained() -> list[tuple[str, str]]:
    """What the trivial baselines are, in the words of their own documentation."""
    return [
        (name, " ".join((function.__doc__ or "").split())) for name, function in BASELINES.items()
    ]
