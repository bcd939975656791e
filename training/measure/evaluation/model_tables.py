"""Tables about what the model alone can be asked: contrasts, invariances, distances."""

from __future__ import annotations

import math

import numpy as np

from MRIColorizeLib.tissue import NAMES
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.scores import Measure
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import MISSING, caption, interval, number, spread
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.summary import between_contrasts
from training.measure.metrics.kid import KernelDistance


def contrasts(evaluation: Evaluation) -> Table | None:
    """One subject in two contrasts (MRI; slabs are summed up in their own table)."""
    rows = []
    for pair in evaluation.results.pairs:
        case = pair.first.case
        if case.kind == MRI and between_contrasts(pair):
            agreement = pair.agreement
            ncc = [
                scores.values[Measure.NCC2]
                for scores in evaluation.results.scores
                if scores.method == pair.method and scores.stack in (pair.first, pair.second)
            ]
            rows.append(
                [
                    case.subject,
                    pair.contrasts,
                    pair.method,
                    str(len(pair.ciede2000)),
                    spread(pair.ciede2000, 1),
                    spread(pair.ab, 1),
                    MISSING if agreement is None else spread(agreement.share, 2),
                    MISSING if agreement is None else number(agreement.by_chance, 2),
                    spread(np.concatenate(ncc), 3),
                ]
            )
    if not rows:
        return None
    header = (
        "subject",
        "contrasts",
        "colouring",
        "slices",
        "CIEDE2000",
        "a,b distance",
        "same tissue",
        "by chance",
        "NCC²",
    )
    return Table(header, rows, caption(evaluation.setting))


def dice(evaluation: Evaluation) -> Table | None:
    """Dice of every tissue between the model's maps of two contrasts of one subject."""
    pairs = [p for p in evaluation.results.pairs if p.agreement and p.first.case.kind == MRI]
    tissues = sorted({tissue for p in pairs if p.agreement for tissue in p.agreement.dice})
    if not pairs:
        return None
    rows = []
    for pair in pairs:
        found = pair.agreement.dice if pair.agreement else {}
        cells = [number(found.get(tissue, math.nan), 2) for tissue in tissues]
        rows.append([pair.first.case.subject, pair.contrasts, *cells])
    header = ["subject", "contrasts", *(NAMES[tissue] for tissue in tissues)]
    return Table(header, rows, caption(evaluation.setting))


def invariances(evaluation: Evaluation) -> Table | None:
    """How much the model's colours of MRI change when nothing of the tissue did."""
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for stack in evaluation.stacks:
        for change in stack.changes:
            found.setdefault((change.of, change.name), []).append(change.ciede2000)
    rows = []
    for (of, name), parts in found.items():
        values = np.concatenate(parts)
        cells = [spread(values, 1), number(_largest(values), 1)]
        rows.append([of, name, str(len(parts)), str(values.size), *cells])
    if not rows:
        return None
    header = ("of the", "change", "volumes", "slices", "CIEDE2000", "largest")
    return Table(header, rows, caption(evaluation.setting))


def kernel(evaluation: Evaluation) -> Table | None:
    """KID to the photographs by contrast and in the mean, with NCC² beside it."""
    rows = []
    contrasts = list(dict.fromkeys(c for found in evaluation.kernel.values() for c in found))
    for method, found in evaluation.kernel.items():
        counts = sorted({distance.pictures for distance in found.values()})
        cells = [_distance(found[c]) if c in found else MISSING for c in contrasts]
        mean = float(np.mean([distance.mean for distance in found.values()]))
        ncc = evaluation.results.summarize(SLAB, method, Measure.NCC2)
        counted = " or ".join(map(str, counts))
        rows.append([method, counted, *cells, f"{mean:.3f}", interval(ncc, 3)])
    if not rows:
        return None
    header = ("colouring", "pictures", *(f"KID {c}" for c in contrasts), "KID, mean", "NCC²")
    return Table(header, rows, caption(evaluation.setting))


def _distance(distance: KernelDistance) -> str:
    deviation = "" if math.isnan(distance.deviation) else f" ± {distance.deviation:.3f}"
    return f"{distance.mean:.3f}{deviation}"


def _largest(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else math.nan
