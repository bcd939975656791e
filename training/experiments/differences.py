"""Each arm against its comparison's reference: paired differences, tests and effect sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.evaluate.blocks import Table
from training.evaluate.cases import MRI
from training.evaluate.cells import MISSING
from training.evaluate.stacks import NATURAL
from training.evaluate.statistics import Comparison as Paired
from training.evaluate.statistics import holm
from training.experiments.conditions import CONDITIONS
from training.experiments.evidence import TESTED, Column, Evidence, paired
from training.experiments.manifest import Arm
from training.experiments.tables import KINDS, caption

CLEAR = 0.05  # Holm's p below which a difference is called one


@dataclass(frozen=True)
class Difference:
    """An arm's natural colours against the reference's in one measure.

    p: Holm's; None below the least number of units, and for a finished model, whose budget was
    another, so that its difference answers no question of the comparison.
    """

    arm: Arm
    kind: str
    condition: str
    column: Column
    paired: Paired
    p: float | None

    @property
    def change(self) -> str:
        """Mean difference with its interval."""
        change, digits = self.paired.difference, self.column.digits
        return f"{change.mean:+.{digits}f} [{change.low:+.{digits}f}, {change.high:+.{digits}f}]"


def difference_table(evidence: Evidence, kind: str) -> Table | None:
    """Every arm against the reference, a row a measure and arm."""
    several = len(evidence.comparison.conditions) > 1
    rows = []
    for one in _differences(evidence, kind):
        dz = one.paired.cohen_dz
        cells = [
            one.column.label,
            one.arm.name,
            str(one.paired.units),
            one.change,
            _told_p(one),
            f"{one.paired.rank_biserial:+.2f}",
            MISSING if dz is None else f"{dz:+.1f}",
        ]
        rows.append([CONDITIONS[one.condition].title, *cells] if several else cells)
    if not rows:
        return None
    header = ["condition"] if several else []
    header += ["measure", f"arm, against {evidence.comparison.reference}", "units", "difference"]
    header += ["p (Holm)", "rank-biserial", "Cohen's dz"]
    return Table(header, rows, caption(evidence, kind))


def findings(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Every trained arm in a sentence: in what it is clearly better or worse than the reference."""
    found = [one for kind in KINDS for one in _differences(evidence, kind) if one.p is not None]
    for arm in evidence.arms:
        own = [one for one in found if one.arm is arm]
        if not own:
            continue
        clear = [one for one in own if one.p is not None and one.p < CLEAR]
        parts = []
        for name, sign in (("Better", 1), ("Worse", -1)):
            if those := [one for one in clear if one.paired.rank_biserial * sign > 0]:
                parts.append(f"{name} in {'; '.join(_told(those, evidence))}.")
        if parts:
            parts.append(f"Of {len(own)} differences tested {len(own) - len(clear)} may be chance.")
        else:
            parts.append(f"No difference can be told from chance, of {len(own)} tested.")
        seeds = len(evidence.results[arm.name])
        yield f"{arm.name} ({seeds} {'seed' if seeds == 1 else 'seeds'})", " ".join(parts)


def _told_p(one: Difference) -> str:
    if one.arm.model is not None:
        return "not tested"
    return "too few" if one.p is None else f"{one.p:.3f}"


def _told(those: Sequence[Difference], evidence: Evidence) -> Iterator[str]:
    """A part of a sentence for each measure; the conditions in brackets where there are several."""
    groups: dict[str, list[Difference]] = {}
    for one in those:
        where = "MRI" if one.kind == MRI else KINDS[one.kind].lower()
        groups.setdefault(f"{one.column.label} on {where}", []).append(one)
    for what, group in groups.items():
        if len(evidence.comparison.conditions) == 1:
            yield f"{what} ({group[0].change}, p {group[0].p:.3f})"
            continue
        under = (
            f"{CONDITIONS[one.condition].title} {one.paired.difference.mean:+.{one.column.digits}f}"
            for one in group
        )
        yield f"{what} ({', '.join(under)})"


def _differences(evidence: Evidence, kind: str) -> Iterator[Difference]:
    """The trained arms of one condition and measure are one Holm family."""
    for condition in evidence.comparison.conditions:
        for column in TESTED:
            yield from _family(evidence, kind, condition, column)


def _family(evidence: Evidence, kind: str, condition: str, column: Column) -> Iterator[Difference]:
    reference = evidence.comparison.reference
    own = evidence.values(reference, condition, kind, NATURAL, column.measure)
    found: list[tuple[Arm, Paired]] = []
    for arm in evidence.arms:
        other = evidence.values(arm.name, condition, kind, NATURAL, column.measure)
        if arm.name != reference and own is not None and other is not None:
            result = paired(other, own, column.better)
            if result is not None:
                found.append((arm, result))
    adjusted = holm([result.p if arm.model is None else None for arm, result in found])
    for (arm, result), p in zip(found, adjusted, strict=True):
        yield Difference(arm, kind, condition, column, result, p)
