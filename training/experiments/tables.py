"""The tables of a comparison: every arm in every measure, and each against the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from training.evaluate.blocks import Table
from training.evaluate.cases import MRI, SLAB
from training.evaluate.cells import MISSING
from training.evaluate.stacks import NATURAL, TRUTH
from training.evaluate.statistics import holm
from training.experiments.conditions import CONDITIONS
from training.experiments.evidence import COLUMNS, TESTED, Column, Evidence, Values, paired
from training.experiments.manifest import Arm
from training.experiments.results import ArmResult

NOT_RUN = "not run"
KINDS = {SLAB: "held-out cryosections", MRI: "labelled MRI"}


def training_table(evidence: Evidence) -> Table:
    """How long every arm was trained, on what."""
    header = ["arm", "what it is", "parameters", "seeds", "slices seen", "steps"]
    header += ["minutes", "hardware"]
    rows = [_training_row(arm, evidence) for arm in evidence.arms]
    return Table(header, rows, "Slices and steps are of each seed, minutes the mean over seeds.")


def measure_tables(evidence: Evidence, kind: str) -> Iterator[Table]:
    """For each condition every arm, in each colouring, in all measures that are defined."""
    for condition in evidence.comparison.conditions:
        lines: list[tuple[list[str], list[Values | None]]] = []
        for arm in evidence.arms:
            methods = evidence.methods(arm.name, condition)
            for method in methods:
                found = [
                    evidence.values(arm.name, condition, kind, method, column.measure)
                    for column in COLUMNS
                ]
                if any(found):
                    lines.append((_names(arm, method, evidence), found))
            if not methods:
                lines.append(([arm.name, NOT_RUN, ""], []))
        used = [i for i in range(len(COLUMNS)) if any(found and found[i] for _, found in lines)]
        if not used:
            continue
        header = ["arm", "colouring", "minutes", *(COLUMNS[i].label for i in used)]
        rows = [
            [*names, *(_interval(found[i] if found else None, COLUMNS[i]) for i in used)]
            for names, found in lines
        ]
        yield Table(header, rows, caption(evidence, kind, condition))


def difference_tables(evidence: Evidence, kind: str) -> Iterator[Table]:
    """Every arm's natural colours against the reference's; one Holm family a measure."""
    reference = evidence.comparison.reference
    for condition in evidence.comparison.conditions:
        rows = []
        for column in TESTED:
            own = evidence.values(reference, condition, kind, NATURAL, column.measure)
            if own is None:
                continue
            found = []
            for arm in evidence.arms:
                other = evidence.values(arm.name, condition, kind, NATURAL, column.measure)
                if arm.name != reference and other is not None:
                    result = paired(other, own, column.better)
                    if result is not None:
                        found.append((arm.name, result))
            adjusted = holm([result.p for _, result in found])
            for (name, result), p in zip(found, adjusted, strict=True):
                change, digits = result.difference, column.digits
                rows.append(
                    [
                        column.label,
                        name,
                        str(result.units),
                        f"{change.mean:+.{digits}f} "
                        f"[{change.low:+.{digits}f}, {change.high:+.{digits}f}]",
                        "too few" if p is None else f"{p:.3f}",
                        f"{result.rank_biserial:+.2f}",
                        MISSING if result.cohen_dz is None else f"{result.cohen_dz:+.1f}",
                    ]
                )
        if rows:
            header = [
                "measure",
                f"arm, against {reference}",
                "units",
                "difference",
                "p (Holm)",
                "rank-biserial",
                "Cohen's dz",
            ]
            yield Table(header, rows, caption(evidence, kind, condition))


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
                    for column in COLUMNS:
                        found = evidence.values(arm.name, condition, kind, method, column.measure)
                        if found is not None:
                            yield [
                                *(comparison.name, condition, kind, arm.name, method),
                                *(column.measure, str(len(found.seeds)), str(len(found.units))),
                                *_training_numbers(evidence.results[arm.name]),
                                *(f"{x:.6g}" for x in _numbers(found)),
                            ]


CSV_FIELDS = (
    *("comparison", "condition", "kind", "arm", "method", "measure", "seeds", "units"),
    *("samples", "minutes", "mean", "low", "high"),
)


def caption(evidence: Evidence, kind: str, condition: str) -> str:
    """Under every table: condition, budget, hardware, units."""
    trained = [r.training for results in evidence.results.values() for r in results if r.training]
    said = f"{KINDS[kind].capitalize()}, {CONDITIONS[condition].title}."
    if trained:
        samples = sorted({t.samples for t in trained})
        minutes = [t.seconds / 60 for t in trained]
        hardware = "; ".join(sorted({t.hardware for t in trained}))
        seen = " or ".join(f"{number:,}" for number in samples)
        said += (
            f" Each arm saw {seen} slices in {min(minutes):.0f} to {max(minutes):.0f} minutes "
            f"on {hardware}."
        )
    return said


def _names(arm: Arm, method: str, evidence: Evidence) -> list[str]:
    """Arm, colouring and minutes; trivial colourings and the truth stand for themselves."""
    if arm.model and method not in ("natural", "structure-locked"):
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
        return [arm.name, arm.title, size, MISSING, *["see its card"] * 3, MISSING]
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
    if values is None:
        return MISSING
    mean, low, high = _numbers(values)
    if math.isnan(mean):
        return MISSING
    digits = column.digits
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _numbers(values: Values) -> tuple[float, float, float]:
    found = values.interval
    return found.mean, found.low, found.high
