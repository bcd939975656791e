"""Experiments 1 and 2 answered: the seed's targets at 256 pixels, and what fewer pixels cost."""

from __future__ import annotations

import numpy as np

from training.evaluate import measures
from training.evaluate.baselines import GREY
from training.evaluate.blocks import Table
from training.evaluate.cases import MRI, SLAB
from training.evaluate.cells import caption, interval, verdict_cells, without_empty
from training.evaluate.evaluation import Evaluation
from training.evaluate.scores import Measure, unit_rgb
from training.evaluate.sizes import SIZES, Size
from training.evaluate.stacks import MODES, NATURAL

M = Measure
MEASURES = (
    M.CIEDE2000,
    M.TISSUE,
    M.DCF_SLICE,
    M.DCF_BODY,
    M.DCF_REGION,
    M.NCC2,
    M.SSIM_SLICE,
    M.SSIM_BODY,
    M.MS_SSIM_SLICE,
    M.STSIM1_SLICE,
    M.STSIM1_BODY,
)
COMPARED = (M.CIEDE2000, M.TISSUE, M.DCF_SLICE, M.NCC2, M.SSIM_SLICE)
# The seed's experiment 1, on whole slices of 256 pixels.
LEAST_SSIM, LARGEST_DCF = 0.8, 0.01
FULL = Size(256, raw=False)


def by_size(evaluation: Evaluation, kind: str) -> Table | None:
    """Every size and way of giving it: both modes, and a grey copy."""
    results = evaluation.sizes
    rows = []
    for mode in (*MODES, GREY):
        for size in SIZES:
            found = [results.summarize(kind, size.method(mode), m) for m in MEASURES]
            if any(found):
                units = str(max(s.units for s in found if s))
                cells = [interval(s, m.digits) for s, m in zip(found, MEASURES, strict=True)]
                rows.append([mode, f"{size.side} px", size.way, units, *cells])
    if not rows:
        return None
    header = ["colouring", "size", "given", "units", *(m.label for m in MEASURES)]
    return without_empty(Table(header, rows, caption(evaluation.setting)))


def losses(evaluation: Evaluation) -> Table | None:
    """What 128 and 64 pixels change, paired by unit, against 256 pixels given in the same way."""
    rows = []
    for kind in (SLAB, MRI):
        for raw in (False, True):
            full, *fewer = (size for size in SIZES if size.raw == raw)
            names = {size.method(NATURAL): size for size in fewer}
            for measure in COMPARED:
                for verdict in evaluation.sizes.compare(
                    kind, full.method(NATURAL), list(names), measure
                ):
                    size = names[verdict.second]
                    what = [kind, f"{size.side} px", size.way, measure.label]
                    rows.append([*what, *verdict_cells(verdict)])
    if not rows:
        return None
    header = (
        "measured on",
        "256 px against",
        "given",
        "measure",
        "units",
        "difference",
        "p (Holm)",
        "rank-biserial",
        "Cohen's dz",
    )
    return Table(header, rows, caption(evaluation.setting))


def targets(evaluation: Evaluation) -> list[str]:
    """Experiment 1, a sentence for each mode; nothing where no slab was measured."""
    return [text for mode in MODES if (text := _target(evaluation, mode))]


def smoothing(evaluation: Evaluation) -> str:
    """How colourful the slabs' photographs are as they are and on 256 pixels, in the body."""
    given = (stack for stack in evaluation.stacks if stack.case.kind == SLAB)
    seen = (
        scores.stack
        for scores in evaluation.sizes.scores
        if scores.stack.case.kind == SLAB and scores.method == FULL.method(NATURAL)
    )
    before, after = (
        np.concatenate(
            [
                measures.colorfulness(unit_rgb(stack.truth), stack.mask)
                for stack in stacks
                if stack.truth is not None
            ]
        ).mean()
        for stacks in (given, seen)
    )
    return (
        "Photograph and MRI are resampled alike, and dCF compares with the resampled photograph. "
        f"Resampling smooths: in the body the photographs' colourfulness is {before:.3f} as they "
        f"are and {after:.3f} on 256 pixels, nearer to a smooth colouring's, so dCF is smaller "
        "than on the pixels that they came with."
    )


def _target(evaluation: Evaluation, mode: str) -> str | None:
    results, method = evaluation.sizes, FULL.method(mode)
    ssim = results.summarize(SLAB, method, M.SSIM_SLICE)
    dcf = results.summarize(SLAB, method, M.DCF_SLICE)
    if ssim is None or dcf is None:
        return None
    similar, full = ssim.interval.mean > LEAST_SSIM, dcf.interval.mean < LARGEST_DCF
    answers = {
        (True, True): "both hold at once",
        (True, False): "the first holds, the second does not",
        (False, True): "the second holds, the first does not",
        (False, False): "neither holds",
    }
    values = [results.values(SLAB, method, m) for m in (M.SSIM_SLICE, M.DCF_SLICE)]
    both = sum(
        np.nanmean(values[0][unit]) > LEAST_SSIM and np.nanmean(values[1][unit]) < LARGEST_DCF
        for unit in values[0]
    )
    sure = ssim.interval.low > LEAST_SSIM and dcf.interval.high < LARGEST_DCF
    doubt = "" if sure or not (similar and full) else ", but not over the whole interval"
    return (
        f"In {mode} mode SSIM is {interval(ssim, 3)} (asked: above {LEAST_SSIM}) and dCF "
        f"{interval(dcf, 3)} (asked: under {LARGEST_DCF}): by the means {answers[similar, full]}"
        f"{doubt}. Slab by slab both hold in {both} of {ssim.units}."
    )
