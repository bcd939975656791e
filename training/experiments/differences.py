"""Each arm against its comparison's reference: paired differences, tests and effect sizes."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluate.blocks import Table
from training.evaluate.cells import MISSING
from training.evaluate.stacks import NATURAL
from training.evaluate.statistics import Comparison as Paired
from training.evaluate.statistics import holm
from training.experiments.conditions import CONDITIONS
from training.experiments.evidence import TESTED, Column, Evidence, paired
from training.experiments.tables import caption


def difference_table(evidence: Evidence, kind: str) -> Table | None:
    """The natural colours of every arm against the reference's.

    The arms of one condition and measure are one Holm family.
    """
    conditions = evidence.comparison.conditions
    rows = []
    for condition in conditions:
        start = [CONDITIONS[condition].title] if len(conditions) > 1 else []
        for column in TESTED:
            rows += [[*start, *row] for row in _family(evidence, kind, condition, column)]
    if not rows:
        return None
    header = ["condition"] if len(conditions) > 1 else []
    header += ["measure", f"arm, against {evidence.comparison.reference}", "units", "difference"]
    header += ["p (Holm)", "rank-biserial", "Cohen's dz"]
    return Table(header, rows, caption(evidence, kind))


def _family(evidence: Evidence, kind: str, condition: str, column: Column) -> Iterator[list[str]]:
    reference = evidence.comparison.reference
    own = evidence.values(reference, condition, kind, NATURAL, column.measure)
    found: list[tuple[str, Paired]] = []
    for arm in evidence.arms:
        other = evidence.values(arm.name, condition, kind, NATURAL, column.measure)
        if arm.name != reference and own is not None and other is not None:
            result = paired(other, own, column.better)
            if result is not None:
                found.append((arm.name, result))
    adjusted = holm([result.p for _, result in found])
    for (name, result), p in zip(found, adjusted, strict=True):
        change, digits = result.difference, column.digits
        yield [
            column.label,
            name,
            str(result.units),
            f"{change.mean:+.{digits}f} [{change.low:+.{digits}f}, {change.high:+.{digits}f}]",
            "too few" if p is None else f"{p:.3f}",
            f"{result.rank_biserial:+.2f}",
            MISSING if result.cohen_dz is None else f"{result.cohen_dz:+.1f}",
        ]
