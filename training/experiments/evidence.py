"""The results of a comparison's arms as arrays: seeds, units and slices of one measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from training.evaluate.scores import Measure
from training.evaluate.stacks import MODES
from training.evaluate.statistics import Comparison as Paired
from training.evaluate.statistics import Interval, compare, hierarchical_interval
from training.experiments.assessment import AGREEMENT, AGREEMENT_OF_COLORS, TISSUE_OF_COLORS
from training.experiments.conditions import CONDITIONS
from training.experiments.manifest import Arm, Comparison, Manifest
from training.experiments.results import ArmResult, Series, read_result


@dataclass(frozen=True)
class Column:
    """A measure as it stands in a table. better: 1 more, -1 less, 0 neither."""

    measure: str
    label: str
    digits: int
    better: int


def _of(measure: Measure) -> Column:
    return Column(measure.name.lower(), measure.label, measure.digits, measure.better)


# Colour and structure side by side in every table, and what must not change when nothing did.
COLUMNS = (
    _of(Measure.CIEDE2000),
    _of(Measure.TISSUE),
    Column(TISSUE_OF_COLORS, "tissue by colour", 2, 1),
    _of(Measure.DCF_BODY),
    _of(Measure.DCF_REGION),
    _of(Measure.CONTRAST),
    Column(AGREEMENT, "same tissue", 2, 1),
    Column(AGREEMENT_OF_COLORS, "same tissue by colour", 2, 1),
    _of(Measure.NCC2),
    _of(Measure.SSIM_BODY),
    _of(Measure.MS_SSIM_BODY),
    _of(Measure.STSIM1_BODY),
    _of(Measure.FLICKER),
    Column("network: 64 px of padding", "64 px of padding", 1, -1),
    Column("network: gain 0.85", "gain 0.85", 1, -1),
)
# In these the arms are tested against the comparison's reference.
TESTED = tuple(
    column
    for column in COLUMNS
    if column.measure
    in ("ciede2000", TISSUE_OF_COLORS, "dcf_body", "contrast", AGREEMENT_OF_COLORS, "ncc2")
) + (_of(Measure.SSIM_BODY),)


@dataclass(frozen=True)
class Values:
    """One measure of one colouring: cube (seeds, units, slices), NaN where there is none."""

    seeds: tuple[int, ...]
    units: tuple[str, ...]
    cube: np.ndarray

    @cached_property
    def interval(self) -> Interval:
        """Mean with its hierarchical bootstrap interval over seeds, units and slices."""
        return hierarchical_interval(self.cube)


class Evidence:
    """What the results say about the arms of one comparison, for one split.

    A result of other settings than the arm has today does not count, nor does one of other data
    than most of the comparison's arms had.
    """

    def __init__(
        self, manifest: Manifest, comparison: Comparison, folder: Path, split: str
    ) -> None:
        self.comparison, self.split = comparison, split
        self.arms = [manifest.arms[name] for name in comparison.arms]
        found = {arm.name: _read(arm, comparison.seeds, folder) for arm in self.arms}
        digests = [r.data for results in found.values() for r in results]
        self.data = max(set(digests), key=digests.count) if digests else ""
        self.results: Mapping[str, list[ArmResult]] = {
            name: [r for r in results if r.data == self.data] for name, results in found.items()
        }
        self._known: dict[tuple[str, ...], Values | None] = {}
        self.left_out = [
            name for name, results in found.items() if len(results) > len(self.results[name])
        ]

    def values(
        self, arm: str, condition: str, kind: str, method: str, measure: str
    ) -> Values | None:
        """None when no seed of the arm was measured so."""
        key = (arm, condition, kind, method, measure)
        if key not in self._known:  # several tables show the same, and its interval costs time
            self._known[key] = self._values(*key)
        return self._known[key]

    def measured(self, result: ArmResult, condition: str) -> Sequence[Series]:
        """A result's numbers under a condition, when they are of this split and recipe."""
        found = result.conditions.get(condition)
        wanted = (self.split, CONDITIONS[condition].recipe)
        return found.series if found and (found.split, found.recipe) == wanted else ()

    def methods(self, arm: str, condition: str) -> list[str]:
        """How an arm's slices were coloured; the trivial ways stand beside a finished model."""
        found = dict.fromkeys(
            series.method
            for result in self.results[arm]
            for series in self.measured(result, condition)
        )
        return [*(m for m in MODES if m in found), *(m for m in found if m not in MODES)]

    def _values(
        self, arm: str, condition: str, kind: str, method: str, measure: str
    ) -> Values | None:
        tables, seeds = [], []
        for result in self.results[arm]:
            table: dict[str, list[float]] = {}
            for series in self.measured(result, condition):
                if (series.kind, series.method, series.measure) == (kind, method, measure):
                    table.setdefault(series.unit, []).extend(series.values)
            if table:
                tables.append(table)
                seeds.append(result.seed)
        if not tables:
            return None
        units = tuple(dict.fromkeys(unit for table in tables for unit in table))
        longest = max(len(values) for table in tables for values in table.values())
        cube = np.full((len(tables), len(units), longest), np.nan)
        for plane, table in zip(cube, tables, strict=True):
            for row, unit in zip(plane, units, strict=True):
                row[: len(table.get(unit, ()))] = table.get(unit, ())
        return Values(tuple(seeds), units, cube)


def paired(first: Values, second: Values, better: int) -> Paired | None:
    """First minus second over the seeds and units of both; None when they share no unit.

    The interval is the hierarchical bootstrap's over seeds, units and slices; test and effect sizes
    are over the units' means. A finished model has no seeds: means over the seeds are compared.
    """
    units = [unit for unit in first.units if unit in second.units]
    seeds = [seed for seed in first.seeds if seed in second.seeds]
    cubes = []
    for values in (first, second):
        cube = values.cube[:, [values.units.index(unit) for unit in units]]
        if seeds:
            cube = cube[[values.seeds.index(seed) for seed in seeds]]
        else:
            cube = _mean_over_seeds(cube)[None]
        cubes.append(cube)
    longest = min(cube.shape[2] for cube in cubes)
    difference = cubes[0][..., :longest] - cubes[1][..., :longest]
    if not np.isfinite(difference).any():
        return None
    mean = _mean_over_seeds(difference)
    found = compare(mean, np.zeros_like(mean), better >= 0)
    return replace(found, difference=hierarchical_interval(difference))


def _mean_over_seeds(cube: np.ndarray) -> np.ndarray:
    """(units, slices); NaN, without a warning, where no seed has a value."""
    known = np.isfinite(cube)
    count = known.sum(axis=0)
    total = np.where(known, cube, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _read(arm: Arm, seeds: Sequence[int], folder: Path) -> list[ArmResult]:
    """The results of today's settings."""
    found = []
    for seed in seeds if arm.config else (0,):
        result = read_result(folder, arm.name, seed)
        if result is not None and (arm.config is None or result.is_of(arm.settings(seed))):
            found.append(result)
    return found
