"""Experiments 1 and 2 answered: the seed's targets at 256 pixels, and what fewer pixels cost."""

from __future__ import annotations

import numpy as np

from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.scores import Measure, unit_rgb
from training.measure.colorings.stacks import MODES, NATURAL
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import caption, interval, verdict_cells, without_empty
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.sizes import FULL, SIZES
from training.measure.metrics import measures

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


def by_size(evaluation: Evaluation, kind: str) -> Table | None:
    """Every size and way of giving it: both modes, and the trivial colourings measured so."""
    results = evaluation.sizes
    rows = []
    for mode in (*MODES, *BASELINES):
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
    """256 pixels minus 128 and 64 given in the same way, paired by unit."""
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
        "256 px minus",
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
    """Experiment 1 in sentences: each mode, then the trivial colourings; [] without slabs."""
    texts = [text for mode in MODES if (text := _target(evaluation, mode))]
    return [*texts, _trivial(evaluation)] if texts else []


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
    similar, full, both = _held(evaluation, method)
    answers = {
        (True, True): "both hold at once",
        (True, False): "the first holds, the second does not",
        (False, True): "the second holds, the first does not",
        (False, False): "neither holds",
    }
    sure = ssim.interval.low > LEAST_SSIM and dcf.interval.high < LARGEST_DCF
    doubt = "" if sure or not (similar and full) else ", but not over the whole interval"
    return (
        f"In {mode} mode SSIM is {interval(ssim, 3)} (asked: above {LEAST_SSIM}) and dCF "
        f"{interval(dcf, 3)} (asked: under {LARGEST_DCF}): by the means {answers[similar, full]}"
        f"{doubt}. Slab by slab both hold in {both} of {ssim.units}."
    )


def _held(evaluation: Evaluation, method: str) -> tuple[bool, bool, int]:
    """Whether the mean SSIM and the mean dCF of the slabs are as asked; in how many both are."""
    values = [evaluation.sizes.values(SLAB, method, m) for m in (M.SSIM_SLICE, M.DCF_SLICE)]
    ssim, dcf = (np.array([np.nanmean(found[unit]) for unit in values[0]]) for found in values)
    both = (ssim > LEAST_SSIM) & (dcf < LARGEST_DCF)
    return bool(ssim.mean() > LEAST_SSIM), bool(dcf.mean() < LARGEST_DCF), int(both.sum())


def _trivial(evaluation: Evaluation) -> str:
    """Which trivial colourings reach both, and how far their colours are from right."""
    results = evaluation.sizes
    reached: list[str] = []
    missed: list[str] = []
    for name in BASELINES:
        method = FULL.method(name)
        found = [results.summarize(SLAB, method, m) for m in (M.SSIM_SLICE, M.DCF_SLICE)]
        if None in found:
            continue
        similar, full, both = _held(evaluation, method)
        told = f"{name} (SSIM {interval(found[0], 3)}, dCF {interval(found[1], 3)}, both in {both}"
        error = interval(results.summarize(SLAB, method, M.CIEDE2000), 1)
        (reached if similar and full else missed).append(f"{told}, CIEDE2000 {error})")
    own = interval(results.summarize(SLAB, FULL.method(NATURAL), M.CIEDE2000), 1)
    those = "; ".join(reached) or "none"
    rest = "; ".join(missed) or "none"
    return (
        f"Of the trivial colourings both hold by the means for: {those}. Not for: {rest}. Natural "
        f"colours have CIEDE2000 {own}. How much colour there is, and whose structure, does not "
        "say whether the colours are right."
    )
