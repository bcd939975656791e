"""An evaluation for programs: CSV by slice, by method, by size and by disturbance; report.json."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from MRIColorizeLib.files.colors import atomic
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.scores import Measure
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.size_tables import targets
from training.measure.evaluation.summary import Results, between_contrasts

SCORE_FIELDS = ("kind", "unit", "case", "contrast", "method", "slice", "measure", "value")
SUMMARY_FIELDS = (
    "kind",
    "contrast",
    "method",
    "measure",
    "mean",
    "low",
    "high",
    "deviation",
    "units",
    "slices",
)
DISTURBED_FIELDS = (
    "case",
    "contrast",
    "condition",
    "slice",
    "same_tissue",
    "ciede2000",
    "tissue_as_labelled",
    "ncc2",
    "confidence",
)


def write_records(evaluation: Evaluation, out: Path) -> None:
    """Write scores, summary, sizes and disturbed .csv and report.json into `out`.

    Raises OutputError.
    """
    _write_csv(out / "scores.csv", SCORE_FIELDS, _score_rows(evaluation))
    kinds = {kind: _contrasts(evaluation, kind) for kind in (SLAB, MRI)}
    summary = list(_summary_rows(evaluation.results, kinds))
    _write_csv(out / "summary.csv", SUMMARY_FIELDS, summary)
    sizes = list(_summary_rows(evaluation.sizes, {SLAB: (), MRI: ()}))
    _write_csv(out / "sizes.csv", SUMMARY_FIELDS, sizes)
    _write_csv(out / "disturbed.csv", DISTURBED_FIELDS, _disturbed_rows(evaluation))
    with atomic(out / "report.json") as temporary:
        text = json.dumps(_as_json(evaluation, summary, sizes), indent=1, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _score_rows(evaluation: Evaluation) -> Iterator[list[Any]]:
    for scores in evaluation.results.scores:
        case = scores.stack.case
        start = [case.kind, case.unit, case.name, case.contrast, scores.method]
        for measure, values in scores.values.items():
            for k, value in zip(scores.stack.index, values, strict=True):
                if np.isfinite(value):
                    yield [*start, int(k), measure.name.lower(), f"{value:.6g}"]
    for pair in filter(between_contrasts, evaluation.results.pairs):
        case = pair.first.case
        for k, value in zip(pair.first.index, pair.ciede2000, strict=True):
            start = [case.kind, case.unit, case.subject, pair.contrasts, pair.method]
            yield [*start, int(k), Measure.CONTRAST.name.lower(), f"{value:.6g}"]


def _contrasts(evaluation: Evaluation, kind: str) -> tuple[str, ...]:
    cases = (s.case.contrast for s in evaluation.stacks if s.case.kind == kind)
    return tuple(dict.fromkeys(cases))


def _summary_rows(results: Results, kinds: Mapping[str, Sequence[str]]) -> Iterator[list[Any]]:
    """Every method in every measure; kinds: the contrasts that have rows of their own."""
    for kind, contrasts in kinds.items():
        for method in results.methods(kind):
            for measure in Measure:
                for contrast in (None, *contrasts):
                    found = results.summarize(kind, method, measure, contrast)
                    # Contrasts are compared with each other: no one of them has that measure.
                    if found is None or (contrast and measure is Measure.CONTRAST):
                        continue
                    interval = found.interval
                    yield [
                        kind,
                        contrast or "all",
                        method,
                        measure.name.lower(),
                        interval.mean,
                        interval.low,
                        interval.high,
                        found.deviation,
                        found.units,
                        found.slices,
                    ]


def _disturbed_rows(evaluation: Evaluation) -> Iterator[list[Any]]:
    for disturbed in evaluation.disturbed:
        case = disturbed.stack.case
        parts = ("same", "away", "labelled", "ncc2", "confidence")
        columns = [getattr(disturbed, part) for part in parts]
        for k, *values in zip(disturbed.stack.index, *columns, strict=True):
            shown = [f"{value:.6g}" if np.isfinite(value) else "" for value in values]
            yield [case.name, case.contrast, disturbed.condition, int(k), *shown]


def _as_json(
    evaluation: Evaluation, summary: Sequence[Sequence[Any]], sizes: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    agreements = [
        {
            "subject": pair.first.case.subject,
            "kind": pair.first.case.kind,
            "contrasts": pair.contrasts,
            "method": pair.method,
            "ciede2000": float(np.nanmean(pair.ciede2000)),
            "share": None if pair.agreement is None else float(np.nanmean(pair.agreement.share)),
            "by_chance": None if pair.agreement is None else pair.agreement.by_chance,
        }
        for pair in evaluation.results.pairs
    ]
    changes = [
        {"case": s.case.name, "of": c.of, "change": c.name, "ciede2000": c.ciede2000.tolist()}
        for s in evaluation.stacks
        for c in s.changes
    ]
    return _plain(
        {
            "setting": dataclasses.asdict(evaluation.setting),
            "known": evaluation.known,
            "uncompared": evaluation.uncompared,
            "summary": [dict(zip(SUMMARY_FIELDS, row, strict=True)) for row in summary],
            "sizes": [dict(zip(SUMMARY_FIELDS, row, strict=True)) for row in sizes],
            "targets": targets(evaluation),
            "pairs": agreements,
            "changes": changes,
            "kernel": {
                method: {contrast: dataclasses.asdict(k) for contrast, k in found.items()}
                for method, found in evaluation.kernel.items()
            },
        }
    )


def _write_csv(path: Path, fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(fields)
        writer.writerows(rows)


def _plain(value: Any) -> Any:
    """What JSON can hold: tuples become lists, NaN becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
