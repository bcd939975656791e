"""Each arm against its comparison's reference: paired differences, tests and effect sizes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.measure.cases.cases import MRI
from training.measure.colorings.conditions import CONDITIONS
from training.measure.colorings.stacks import NATURAL
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import effect_cells, told_change, told_p
from training.measure.experiments.evidence import Column, Evidence, paired, tested
from training.measure.experiments.manifest import Arm
from training.measure.experiments.tables import KINDS, caption
from training.measure.metrics.statistics import Comparison as Paired
from training.measure.metrics.statistics import holm

CLEAR = 0.05  # Holm's p below which a difference is called one
SEEDS = 3  # of an arm, below which its trainings do not speak for it


@dataclass(frozen=True)
class Difference:
    """An arm's natural colours against the reference's in one measure.

    seeds: that both were trained and measured with. p: Holm's; None below the least number of
    units, and for a finished model, whose budget was another, so that its difference answers no
    question of the comparison.
    """

    arm: Arm
    kind: str
    condition: str
    column: Column
    paired: Paired
    seeds: int
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether test and interval tell it from chance."""
        change = self.paired.difference
        aside = change.low > 0 or change.high < 0
        return self.p is not None and self.p < CLEAR and aside

    @property
    def change(self) -> str:
        """Mean difference with its interval."""
        return told_change(self.paired.difference, self.column.digits)


def difference_table(evidence: Evidence, kind: str) -> Table | None:
    """Every arm against the reference, a row a measure and arm."""
    several = len(evidence.comparison.conditions) > 1
    rows = []
    for one in _differences(evidence, kind):
        cells = [one.column.label, one.arm.name, str(one.paired.units), one.change, _told_p(one)]
        cells += effect_cells(one.paired)
        rows.append([CONDITIONS[one.condition].title, *cells] if several else cells)
    if not rows:
        return None
    header = ["condition"] if several else []
    header += ["measure", f"arm, against {evidence.comparison.reference}", "units", "difference"]
    header += ["p (Holm)", "rank-biserial", "Cohen's dz"]
    return Table(header, rows, caption(evidence, kind))


def difference_rows(evidence: Evidence) -> Iterator[list[str]]:
    """Every difference and its test for programs; see DIFFERENCE_FIELDS."""
    for kind in KINDS:
        for one in _differences(evidence, kind):
            found = one.paired
            numbers = (*dataclasses.astuple(found.difference), one.p)
            effects = (found.rank_biserial, found.cohen_dz)
            yield [
                *(evidence.comparison.name, one.condition, kind, one.arm.name),
                *(evidence.comparison.reference, one.column.measure),
                *(str(one.seeds), str(found.units)),
                *("" if x is None else f"{x:.6g}" for x in (*numbers, *effects)),
                str(one.clear).lower(),
            ]


DIFFERENCE_FIELDS = (
    *("comparison", "condition", "kind", "arm", "reference", "measure", "seeds", "units"),
    *("difference", "low", "high", "p_holm", "rank_biserial", "cohen_dz", "clear"),
)


@dataclass(frozen=True)
class Finding:
    """What was found of an arm, in words; `trained`: "3 seeds", and whether they are enough."""

    arm: str
    trained: str
    text: str


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Of every trained arm: in what it is better or worse than the reference.

    A difference is found where Holm's p is below CLEAR and the interval, which knows the seeds, is
    on one side of zero. p alone speaks of the trainings at hand; with fewer than SEEDS of them the
    sentence says that it tells of these trainings and not of the arm.
    """
    found = [one for kind in KINDS for one in _differences(evidence, kind) if one.p is not None]
    for arm in evidence.arms:
        own = [one for one in found if one.arm is arm]
        if not own:
            continue
        seeds = min(one.seeds for one in own)
        clear = [one for one in own if one.clear]
        parts = []
        for name, sign in (("Better", 1), ("Worse", -1)):
            if those := [one for one in clear if one.paired.rank_biserial * sign > 0]:
                parts.append(f"{name} in {'; '.join(_told(those, evidence))}.")
        parts.append(
            f"Of {len(own)} differences tested {len(own) - len(clear)} are not told from chance."
        )
        few = "" if seeds >= SEEDS else ", too few to tell of the arm and not of these trainings"
        trained = f"{seeds} {'seed' if seeds == 1 else 'seeds'}{few}"
        yield Finding(arm.name, trained, " ".join(parts))


def of_itself(evidence: Evidence) -> str | None:
    """How often two trainings of the reference differ by the arms' test, without Holm's share."""
    reference = evidence.comparison.reference
    asked = differ = 0
    for kind in KINDS:
        for condition in evidence.comparison.conditions:
            for column in tested(kind):
                own = evidence.values(reference, condition, kind, NATURAL, column.measure)
                for first, second in itertools.combinations(own.seeds if own else (), 2):
                    assert own is not None
                    result = paired(own.of_seed(first), own.of_seed(second), column.better)
                    if result is not None and result.p is not None:
                        asked += 1
                        differ += result.p < CLEAR
    if not asked:
        return None
    return (
        f"Two seeds of {reference} itself differ with a p below {CLEAR}, not adjusted, in {differ} "
        f"of {asked} tests (every seed stands in several), so that a small p between single "
        "trainings means little."
    )


def _told_p(one: Difference) -> str:
    if one.arm.model is not None:
        return "not tested"
    return told_p(one.p)


def _told(those: Sequence[Difference], evidence: Evidence) -> Iterator[str]:
    """A part of a sentence for each measure; the conditions in brackets where there are several."""
    groups: dict[str, list[Difference]] = {}
    for one in those:
        where = "MRI" if one.kind == MRI else KINDS[one.kind].lower()
        groups.setdefault(f"{one.column.label} on {where}", []).append(one)
    for what, group in groups.items():
        if len(evidence.comparison.conditions) == 1:
            yield f"{what} ({group[0].change}, p {told_p(group[0].p)})"
            continue
        under = (
            f"{CONDITIONS[one.condition].title} {one.paired.difference.mean:+.{one.column.digits}f}"
            for one in group
        )
        yield f"{what} ({', '.join(under)})"


def _differences(evidence: Evidence, kind: str) -> Iterator[Difference]:
    """All trained arms of the comparison are one Holm family, a kind, condition and measure each.

    One that was not run counts as one that does not differ: what is added later lowers no p.
    """
    for condition in evidence.comparison.conditions:
        for column in tested(kind):
            yield from _family(evidence, kind, condition, column)


def _family(evidence: Evidence, kind: str, condition: str, column: Column) -> Iterator[Difference]:
    reference = evidence.comparison.reference
    own = evidence.values(reference, condition, kind, NATURAL, column.measure)
    found: list[tuple[Arm, Paired, int]] = []
    for arm in evidence.arms:
        other = evidence.values(arm.name, condition, kind, NATURAL, column.measure)
        if arm.name != reference and own is not None and other is not None:
            result = paired(other, own, column.better)
            if result is not None:
                found.append((arm, result, len(set(own.seeds) & set(other.seeds))))
    tests = [result.p if arm.model is None else None for arm, result, _ in found]
    planned = sum(arm.config is not None and arm.name != reference for arm in evidence.arms)
    unknown = planned - sum(arm.config is not None for arm, *_ in found)
    adjusted = holm([*tests, *[1.0] * unknown])[: len(found)]
    for (arm, result, seeds), p in zip(found, adjusted, strict=True):
        yield Difference(arm, kind, condition, column, result, seeds, p)
