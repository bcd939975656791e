"""The tables of a comparison: how each arm was trained, and every measure of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.conditions import CONDITIONS
from training.measure.colorings.stacks import MODES, NATURAL, TRUTH
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import MISSING, told_interval
from training.measure.experiments.assessment import HARDEST
from training.measure.experiments.evidence import Column, Evidence, Values
from training.measure.experiments.manifest import Arm
from training.measure.experiments.results import ArmResult

NOT_RUN = "not run"
KINDS = {SLAB: "Held-out cryosections", MRI: "MRI"}


def overview_table(found: Sequence[Evidence]) -> Table:
    """What of every comparison was run, with a link to its page."""
    header = ["comparison", "reference", "trained arms, run", "seeds", "not run"]
    rows = []
    for evidence in found:
        comparison = evidence.comparison
        trained = [arm for arm in evidence.arms if arm.config]
        seeds = len(comparison.seeds)
        run = [arm.name for arm in trained if len(evidence.results[arm.name]) == seeds]
        left = [
            f"{arm.name} ({len(evidence.results[arm.name])} of {seeds} seeds run)"
            if evidence.results[arm.name]
            else arm.name
            for arm in trained
            if arm.name not in run
        ]
        link = f"[{comparison.title}]({comparison.name}.md)"
        count = f"{len(run)} of {len(trained)}"
        rows.append([link, comparison.reference, count, str(seeds), ", ".join(left) or MISSING])
    said = "Arms that are trained here; finished models and other systems are not counted."
    return Table(header, rows, said)


def training_table(evidence: Evidence) -> Table:
    """How long every arm was trained, on what."""
    header = ["arm", "what it is", "parameters", "seeds", "slices seen", "steps"]
    header += ["minutes", "hardware"]
    rows = [_training_row(arm, evidence) for arm in evidence.arms]
    return Table(header, rows, "Slices and steps are of each seed, minutes the mean over seeds.")


def measure_table(evidence: Evidence, kind: str) -> Table | None:
    """Every arm under every condition, in each colouring, in all measures that are defined.

    Where there are several conditions, a few of the trivial colourings stand for all of them.
    """
    conditions, columns = evidence.comparison.conditions, evidence.columns
    lines: list[tuple[list[str], list[Values | None]]] = []
    for condition in conditions:
        start = [CONDITIONS[condition].title] if len(conditions) > 1 else []
        for arm in evidence.arms:
            methods = evidence.methods(arm.name, condition)
            for method in methods:
                if len(conditions) > 1 and method not in (*MODES, *HARDEST):
                    continue
                found = [
                    evidence.values(arm.name, condition, kind, method, column.measure)
                    for column in columns
                ]
                if any(found):
                    lines.append(([*start, *_names(arm, method, evidence)], found))
            if not methods:
                nothing: list[Values | None] = [None] * len(columns)
                lines.append(([*start, arm.name, NOT_RUN, MISSING], nothing))
    used = [i for i in range(len(columns)) if any(found[i] for _, found in lines)]
    if not used:
        return None
    header = ["condition"] if len(conditions) > 1 else []
    header += ["arm", "colouring", "minutes", *(columns[i].label for i in used)]
    rows = [[*names, *(_interval(found[i], columns[i]) for i in used)] for names, found in lines]
    return Table(header, rows, caption(evidence, kind))


def csv_rows(evidence: Evidence) -> Iterator[list[str]]:
    """Every number of the tables for programs; see CSV_FIELDS."""
    comparison = evidence.comparison
    for condition in comparison.conditions:
        for kind in KINDS:
            for arm in evidence.arms:
                methods = evidence.methods(arm.name, condition)
                if not methods:
                    start = [comparison.name, condition, kind, arm.name]
                    yield [*start, NOT_RUN, *[""] * (len(CSV_FIELDS) - len(start) - 1)]
                for method in methods:
                    for column in evidence.columns:
                        found = evidence.values(arm.name, condition, kind, method, column.measure)
                        if found is not None:
                            yield [
                                *(comparison.name, condition, kind, arm.name, method),
                                *(column.measure, str(len(found.seeds)), str(len(found.units))),
                                *_training_numbers(evidence.results[arm.name]),
                                *(f"{x:.6g}" for x in dataclasses.astuple(found.interval)),
                            ]


CSV_FIELDS = (
    *("comparison", "condition", "kind", "arm", "method", "measure", "seeds", "units"),
    *("samples", "minutes", "mean", "low", "high"),
)


def caption(evidence: Evidence, kind: str) -> str:
    """Under every table: condition, how much was measured, budget, hardware."""
    trained = [r.training for results in evidence.results.values() for r in results if r.training]
    conditions = evidence.comparison.conditions
    how = CONDITIONS[conditions[0]].title if len(conditions) == 1 else "each condition by itself"
    said = f"{KINDS[kind]}, {how}; {evidence.split} part{_extent(evidence, kind)}."
    if trained:
        samples = sorted({t.samples for t in trained})
        minutes = [t.seconds / 60 for t in trained]
        hardware = "; ".join(sorted({t.hardware for t in trained}))
        seen = " or ".join(f"{number:,}" for number in samples)
        low, high = f"{min(minutes):.0f}", f"{max(minutes):.0f}"
        span = low if low == high else f"{low} to {high}"
        said += f" Each trained arm saw {seen} slices in {span} minutes on {hardware}."
    return said


def _extent(evidence: Evidence, kind: str) -> str:
    """ ", 9 units with 27 slices": of colour errors under the first condition; "" for none."""
    condition, measure = evidence.comparison.conditions[0], "ciede2000"
    for arm in evidence.arms:
        found = evidence.values(arm.name, condition, kind, NATURAL, measure)
        if found is not None:
            slices = int(np.isfinite(found.cube).any(axis=0).sum())
            return f", {len(found.units)} units with {slices} slices"
    return ""


def _names(arm: Arm, method: str, evidence: Evidence) -> list[str]:
    """Arm, colouring and minutes; trivial colourings and the truth stand for themselves."""
    if arm.model and method not in MODES:
        return [method, "the photograph itself" if method == TRUTH else "trivial", MISSING]
    trained = [r.training for r in evidence.results[arm.name] if r.training]
    wanted = len(evidence.comparison.seeds) if arm.config else len(trained)
    some = f" ({len(trained)} of {wanted} seeds)" if len(trained) < wanted else ""
    return [arm.name + some, method, _minutes(evidence.results[arm.name])]


def _training_row(arm: Arm, evidence: Evidence) -> list[str]:
    results = evidence.results[arm.name]
    if not results:
        reason = arm.absent or (
            "trained on other data than the other arms"
            if arm.name in evidence.left_out
            else NOT_RUN
        )
        why = NOT_RUN if reason == NOT_RUN else f"{NOT_RUN}: {reason}"
        return [arm.name, arm.title, MISSING, why, *[MISSING] * 4]
    trained = [r.training for r in results if r.training]
    size = f"{results[0].parameters:,}"
    if not trained:
        where = "its authors know" if arm.absent else "see its card"
        return [arm.name, arm.title, size if arm.model else MISSING, MISSING, *[where] * 3, MISSING]
    seeds = f"{len(trained)} of {len(evidence.comparison.seeds)}"
    return [
        arm.name,
        arm.title,
        size,
        seeds,
        f"{trained[0].samples:,}",
        f"{trained[0].steps:,}",
        _minutes(results),
        "; ".join(sorted({t.hardware for t in trained})),
    ]


def _training_numbers(results: Sequence[ArmResult]) -> list[str]:
    trained = [r.training for r in results if r.training]
    return [str(trained[0].samples), _minutes(results)] if trained else ["", ""]


def _minutes(results: Sequence[ArmResult]) -> str:
    seconds = [r.training.seconds for r in results if r.training]
    return f"{sum(seconds) / len(seconds) / 60:.1f}" if seconds else MISSING


def _interval(values: Values | None, column: Column) -> str:
    return told_interval(None if values is None else values.interval, column.digits)
