"""What records say of a comparison's arms: means with intervals, and paired differences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from training.measure.arms.manifest import Arm, Comparison, Manifest
from training.measure.arms.records import Record, no_scores, read_record
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.conditions import CONDITIONS, PLAIN
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import MODES, NATURAL, TRUTH
from training.measure.metrics.statistics import Comparison as Paired
from training.measure.metrics.statistics import compare, hierarchical_interval, holm, nan_mean

KINDS = {SLAB: "Held-out cryosections", MRI: "MRI"}
MEASURES = {measure.key: measure for measure in Measure}
ALL = "all"  # contrasts together
PLACE = ["unit", "case", "contrast", "slice"]
METHODS = (*MODES, *BASELINES)  # in the order of the tables; the truth comes last
CLEAR = 0.05  # Holm's p below which a difference is called one
# In these the arms are tested against the comparison's reference.
M = Measure
TESTED = (
    *(M.CIEDE2000, M.TISSUE, M.TISSUE_OF_COLORS, M.DCF_BODY, M.DCF_REGION, M.DCF_SLICE),
    *(M.CONTRAST, M.AGREEMENT_OF_COLORS, M.NCC2, M.SSIM_BODY, M.SSIM_SLICE),
)
SUMMARY = (
    *("comparison", "condition", "kind", "contrast", "arm", "method", "measure", "seeds", "units"),
    *("slices", "mean", "low", "high", "deviation"),
)
DIFFERENCES = (
    *("comparison", "condition", "kind", "arm", "method", "reference", "measure", "seeds"),
    *("units", "difference", "low", "high", "p_holm", "rank_biserial", "cohen_dz", "clear"),
)


@dataclass(frozen=True)
class Row:
    """An arm's colouring under a condition."""

    arm: str
    method: str
    condition: str


class Evidence:
    """What the records say about the arms of one comparison, for one split.

    A record of other settings than the arm has today does not count, nor does one of other data
    than most of the comparison's arms had.
    """

    def __init__(
        self, manifest: Manifest, comparison: Comparison, folder: Path, split: str
    ) -> None:
        self.comparison, self.split = comparison, split
        self.arms = [manifest.arms[name] for name in comparison.arms]
        found = {arm.name: list(self._read(arm, folder)) for arm in self.arms}
        digests = [
            data for records in found.values() for record in records for data in _data(record)
        ]
        data = max(set(digests), key=digests.count) if digests else ""
        self.records: Mapping[str, list[Record]] = {
            name: [r for r in records if data in _data(r)] for name, records in found.items()
        }
        self.left_out = [
            name for name, records in found.items() if len(records) > len(self.records[name])
        ]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every number that counts, with its arm and seed."""
        parts = [
            record.scores.assign(arm=record.arm, seed=record.seed)[
                record.scores["condition"].isin(self._counted(record))
            ]
            for records in self.records.values()
            for record in records
        ]
        parts = [part for part in parts if len(part)]
        empty = no_scores().assign(arm=[], seed=[])
        return pd.concat(parts, ignore_index=True) if parts else empty

    @cached_property
    def summary(self) -> pd.DataFrame:
        """SUMMARY of every arm, colouring and measure, in the order of the tables.

        Plainly measured finished models have rows of single contrasts too.
        """
        finished = {arm.name for arm in self.arms if arm.config is None}
        rows = []
        keys = ["condition", "kind", "arm", "method", "measure"]
        for (condition, kind, arm, method, measure), part in self.scores.groupby(keys):
            groups = {ALL: part}
            if condition == PLAIN and arm in finished:
                groups |= dict(iter(part.groupby("contrast")))
            for contrast, numbers in groups.items():
                start = (self.comparison.name, condition, kind, contrast, arm, method, measure)
                wide = numbers.pivot(index=PLACE, columns="seed", values="value")
                rows.append((*start, *_summarized(wide, measure)))
        return self._ordered(pd.DataFrame(rows, columns=list(SUMMARY)))

    @cached_property
    def differences(self) -> pd.DataFrame:
        """DIFFERENCES of natural colours from the reference arm's, of a finished reference from
        its own trivial colourings, and of the reference under a condition from that one's base.
        """
        rows = [
            row
            for condition in self.comparison.conditions
            for kind in KINDS
            for measure in TESTED
            for family in (self._arms, self._trivial, self._bases)
            for row in family(condition, kind, measure)
        ]
        return pd.DataFrame(rows, columns=list(DIFFERENCES))

    def of_itself(self) -> tuple[int, int]:
        """How often two trainings of the reference differ by the arms' test, without Holm's share.

        Returns how often they do, and how many tests there are.
        """
        ps = []
        for condition, kind, measure in itertools.product(
            self.comparison.conditions, KINDS, TESTED
        ):
            own = self._table(Row(self.comparison.reference, NATURAL, condition), kind, measure)
            if own is not None and tested(kind, measure):
                for first, second in itertools.combinations(own.columns, 2):
                    one, other = (own[[seed]].set_axis([0], axis=1) for seed in (first, second))
                    ps.append(paired(one, other, measure.better))
        known = [found.p for found in ps if found is not None and found.p is not None]
        return sum(p < CLEAR for p in known), len(known)

    def _arms(self, condition: str, kind: str, measure: Measure) -> Iterator[tuple]:
        """All trained arms are one Holm family; a finished one beside them had another budget.

        An arm that was not run counts as one that does not differ: what is added later lowers no p.
        """
        reference = self.comparison.reference
        others = [arm for arm in self.arms if arm.name != reference]
        trained = [arm for arm in others if arm.config is not None]
        rows = [Row(arm.name, NATURAL, condition) for arm in others]
        names = {arm.name for arm in trained or others}
        base = Row(reference, NATURAL, condition)
        yield from self._family(rows, base, reference, kind, measure, names)

    def _trivial(self, condition: str, kind: str, measure: Measure) -> Iterator[tuple]:
        reference = self.comparison.reference
        rows = [Row(reference, method, condition) for method in BASELINES]
        if condition == PLAIN:
            base = Row(reference, NATURAL, condition)
            yield from self._family(rows, base, NATURAL, kind, measure, {reference})

    def _bases(self, condition: str, kind: str, measure: Measure) -> Iterator[tuple]:
        """All conditions with this one as their base are one family."""
        reference, names = self.comparison.reference, self.comparison.conditions
        rows = [Row(reference, NATURAL, n) for n in names if CONDITIONS[n].base == condition]
        base = Row(reference, NATURAL, condition)
        yield from self._family(rows, base, condition, kind, measure, {reference})

    def _family(
        self,
        rows: Sequence[Row],
        base: Row,
        told: str,
        kind: str,
        measure: Measure,
        family: set[str],
    ) -> Iterator[tuple]:
        """Rows against one base, adjusted together; family: the arms that are tested."""
        own = self._table(base, kind, measure)
        if own is None or not tested(kind, measure):
            return
        found = []
        for row in rows:
            other = self._table(row, kind, measure)
            if other is not None and (pair := paired(other, own, measure.better)) is not None:
                found.append((row, pair, len(set(other.columns) & set(own.columns))))
        planned = sum(row.arm in family for row in rows)
        ps = [pair.p if row.arm in family else None for row, pair, _ in found]
        missing = planned - sum(row.arm in family for row, *_ in found)
        for (row, pair, seeds), p in zip(found, holm([*ps, *[1.0] * missing]), strict=False):
            change = pair.difference
            clear = p is not None and p < CLEAR and (change.low > 0 or change.high < 0)
            start = (self.comparison.name, row.condition, kind, row.arm, row.method, told)
            yield (
                *(*start, measure.key, seeds, pair.units, *astuple(change), p),
                *(pair.rank_biserial, pair.cohen_dz, str(clear).lower()),
            )

    def _table(self, row: Row, kind: str, measure: Measure) -> pd.DataFrame | None:
        """A measure of a row, by PLACE and seed."""
        part = self._groups.get((row.condition, kind, row.arm, row.method, measure.key))
        return None if part is None else part.pivot(index=PLACE, columns="seed", values="value")

    @cached_property
    def _groups(self) -> Mapping[tuple, pd.DataFrame]:
        keys = ["condition", "kind", "arm", "method", "measure"]
        return dict(iter(self.scores.groupby(keys)))

    def _read(self, arm: Arm, folder: Path) -> Iterator[Record]:
        """The records of today's settings."""
        for seed in self.comparison.seeds if arm.config else (0,):
            record = read_record(folder, arm.name, seed)
            if record is not None and (arm.config is None or record.is_of(arm.settings(seed))):
                yield record

    def _counted(self, record: Record) -> list[str]:
        """The conditions under which a record has numbers of this split and of today's recipe."""
        return [
            name
            for name, measured in record.conditions.items()
            if name in self.comparison.conditions
            and (measured.split, measured.recipe) == (self.split, CONDITIONS[name].recipe)
        ]

    def _ordered(self, table: pd.DataFrame) -> pd.DataFrame:
        """By condition, kind, contrast, arm and colouring as the comparison has them."""
        ranks = {
            "condition": {name: k for k, name in enumerate(self.comparison.conditions)},
            "kind": {kind: k for k, kind in enumerate(KINDS)},
            "arm": {arm.name: k for k, arm in enumerate(self.arms)},
            "method": {name: k for k, name in enumerate((*METHODS, TRUTH))},
            "measure": {key: k for k, key in enumerate(MEASURES)},
        }
        columns = ["condition", "kind", "contrast", "arm", "method", "measure"]

        def rank(column: pd.Series) -> pd.Series:
            known = ranks.get(str(column.name))
            if known is None:
                return column.where(column != ALL, "")
            return column.map(known).fillna(len(known))

        return table.sort_values(columns, key=rank, kind="stable", ignore_index=True)


def tested(kind: str, measure: Measure) -> bool:
    """Whether more or less of a measure is better.

    Not the tissue by colour on photographs: the photograph's own colours show the labelled tissue
    on a quarter of the body.
    """
    return (kind, measure) != (SLAB, Measure.TISSUE_OF_COLORS)


def cube(table: pd.DataFrame) -> np.ndarray:
    """(seeds, units, slices) of a table by PLACE and seed, NaN where a unit has fewer slices."""
    units = table.groupby(level="unit", sort=False)
    found = np.full((table.shape[1], units.ngroups, int(units.size().max())), np.nan)
    found[:, units.ngroup(), units.cumcount()] = table.to_numpy(float).T
    return found


def paired(first: pd.DataFrame, second: pd.DataFrame, better: int) -> Paired | None:
    """First minus second over the seeds and slices of both; None when they share no slice.

    The interval is the hierarchical bootstrap's over seeds, units and slices; test and effect sizes
    are over the units' means, over the seeds that were trained. Where no seed is common, as of a
    finished model and of trained arms, means over the seeds are compared.
    """
    seeds = [seed for seed in first.columns if seed in second.columns]
    if seeds:
        both = [table[seeds] for table in (first, second)]
    else:
        both = [table.mean(axis=1).to_frame() for table in (first, second)]
    difference = (both[0] - both[1]).dropna(how="all")
    if difference.empty:
        return None
    values = cube(difference)
    mean = nan_mean(values, axis=0)
    found = compare(mean, np.zeros_like(mean), better >= 0)
    return replace(found, difference=hierarchical_interval(values))


def _summarized(table: pd.DataFrame, measure: str) -> tuple:
    """Seeds, units, slices, mean, low, high, and the deviation (n - 1) of the units' means."""
    values = cube(table)
    bounds = MEASURES[measure].bounds if measure in MEASURES else (0, np.inf)
    interval = hierarchical_interval(values).within(*bounds)
    means = nan_mean(nan_mean(values, axis=2), axis=0)
    deviation = float(means.std(ddof=1)) if means.size > 1 else np.nan
    return (table.shape[1], len(means), len(table), *astuple(interval), deviation)


def _data(record: Record) -> set[str]:
    return {measured.data for measured in record.conditions.values()}
