"""The results of a comparison's arms as arrays: seeds, units and slices of one measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from training.measure.cases.cases import SLAB
from training.measure.colorings.conditions import CONDITIONS
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import MODES
from training.measure.experiments.assessment import AGREEMENT, AGREEMENT_OF_COLORS, TISSUE_OF_COLORS
from training.measure.experiments.manifest import Arm, Comparison, Manifest
from training.measure.experiments.results import ArmResult, ResultError, Series, read_result
from training.measure.metrics.statistics import Comparison as Paired
from training.measure.metrics.statistics import Interval, compare, hierarchical_interval, nan_mean


@dataclass(frozen=True)
class Column:
    """A measure as it stands in a table. better: 1 more, -1 less, 0 neither. bounds: its range."""

    measure: str
    label: str
    digits: int
    better: int
    bounds: tuple[float, float] = (0, math.inf)


def _of(measure: Measure) -> Column:
    name, label, digits = measure.name.lower(), measure.label, measure.digits
    return Column(name, label, digits, measure.better, measure.bounds)


# Colour and structure side by side in every table, and what must not change when nothing did.
COLUMNS = (
    _of(Measure.CIEDE2000),
    _of(Measure.TISSUE),
    Column(TISSUE_OF_COLORS, "tissue by colour", 2, 1, (0, 1)),
    _of(Measure.DCF_BODY),
    _of(Measure.DCF_REGION),
    _of(Measure.CONTRAST),
    Column(AGREEMENT, "same tissue", 2, 1, (0, 1)),
    Column(AGREEMENT_OF_COLORS, "same tissue by colour", 2, 1, (0, 1)),
    _of(Measure.NCC2),
    _of(Measure.SSIM_BODY),
    _of(Measure.MS_SSIM_BODY),
    _of(Measure.STSIM1_BODY),
    _of(Measure.FLICKER),
    Column("network: 64 px of padding", "64 px of padding", 1, -1),
    Column("network: gain 0.85", "gain 0.85", 1, -1),
)
# Beside them where slices are squares around the body: the seed's experiment 1 asks of these.
OF_SQUARES = (_of(Measure.SSIM_SLICE), _of(Measure.DCF_SLICE))
BOUNDS = {column.measure: column.bounds for column in (*COLUMNS, *OF_SQUARES)}
# In these the arms are tested against the comparison's reference.
_TESTED = tuple(
    column
    for column in COLUMNS
    if column.measure
    in ("ciede2000", TISSUE_OF_COLORS, "dcf_body", "contrast", AGREEMENT_OF_COLORS, "ncc2")
) + (_of(Measure.SSIM_BODY),)


def tested(kind: str) -> tuple[Column, ...]:
    """The measures of a kind's tests.

    Not the tissue by colour on photographs: the photograph's own colours show the labelled tissue
    on a quarter of the body, so that neither more nor less is better.
    """
    return tuple(c for c in _TESTED if (kind, c.measure) != (SLAB, TISSUE_OF_COLORS))


@dataclass(frozen=True)
class Values:
    """One measure of one colouring: cube (seeds, units, slices), NaN where there is none.

    Slices stand at the same places in all cubes of a measure, a condition and a kind.
    """

    seeds: tuple[int, ...]
    units: tuple[str, ...]
    cube: np.ndarray
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def of_seed(self, seed: int) -> Values:
        """One training's values, as if they were of no seed."""
        return Values((), self.units, self.cube[[self.seeds.index(seed)]], self.bounds)

    @cached_property
    def interval(self) -> Interval:
        """Mean with its hierarchical bootstrap interval over seeds, units and slices."""
        return hierarchical_interval(self.cube).within(*self.bounds)


# Units in order, and of each (unit, case, contrast) the places (S,) of its slices.
Layout = tuple[tuple[str, ...], Mapping[tuple[str, str, str], np.ndarray]]


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
        squares = all(CONDITIONS[name].square for name in comparison.conditions)
        self.columns = (*COLUMNS, *OF_SQUARES) if squares else COLUMNS
        found = {arm.name: _read(arm, comparison.seeds, folder) for arm in self.arms}
        digests = [r.data for results in found.values() for r in results]
        self.data = max(set(digests), key=digests.count) if digests else ""
        self.results: Mapping[str, list[ArmResult]] = {
            name: [r for r in results if r.data == self.data] for name, results in found.items()
        }
        self._known: dict[tuple[str, ...], Values | None] = {}
        self._layouts: dict[tuple[str, ...], Layout] = {}
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
        units, places = self._layout(condition, kind, measure)
        cubes, seeds = [], []
        for result in self.results[arm]:
            found = [
                series
                for series in self.measured(result, condition)
                if (series.kind, series.method, series.measure) == (kind, method, measure)
            ]
            if found:
                cube = np.full((len(units), 1 + max(p[-1] for p in places.values())), np.nan)
                for series in found:
                    place = places[series.unit, series.case, series.contrast]
                    cube[units.index(series.unit), place] = series.values
                cubes.append(cube)
                seeds.append(result.seed)
        if not cubes or not np.isfinite(cubes).any():
            return None
        return Values(tuple(seeds), units, np.stack(cubes), BOUNDS[measure])

    def _layout(self, condition: str, kind: str, measure: str) -> Layout:
        """Where the slices of a case stand in a cube: the same for all arms and colourings.

        Raises ResultError when two results differ in how many slices a case has.
        """
        if (condition, kind, measure) not in self._layouts:
            lengths: dict[tuple[str, str, str], int] = {}
            for results in self.results.values():
                for result in results:
                    for series in self.measured(result, condition):
                        if (series.kind, series.measure) != (kind, measure):
                            continue
                        key = (series.unit, series.case, series.contrast)
                        if lengths.setdefault(key, len(series.values)) != len(series.values):
                            raise ResultError(
                                f"The results differ in the slices of {series.case}; measure "
                                f"{result.arm} again."
                            )
            units = tuple(dict.fromkeys(unit for unit, *_ in lengths))
            ends, places = dict.fromkeys(units, 0), dict[tuple[str, str, str], np.ndarray]()
            for key, length in lengths.items():
                places[key] = np.arange(ends[key[0]], ends[key[0]] + length)
                ends[key[0]] += length
            self._layouts[condition, kind, measure] = units, places
        return self._layouts[condition, kind, measure]


def paired(first: Values, second: Values, better: int) -> Paired | None:
    """First minus second over the seeds and units of both; None when they share no slice.

    The interval is the hierarchical bootstrap's over seeds, units and slices; test and effect sizes
    are over the units' means, over the seeds that were trained. A finished model has no seeds:
    means over the seeds are compared.
    """
    seeds = [seed for seed in first.seeds if seed in second.seeds]
    if seeds:
        cubes = [values.cube[[values.seeds.index(s) for s in seeds]] for values in (first, second)]
    else:
        cubes = [nan_mean(values.cube, axis=0)[None] for values in (first, second)]
    difference = cubes[0] - cubes[1]
    if not np.isfinite(difference).any():
        return None
    mean = nan_mean(difference, axis=0)
    found = compare(mean, np.zeros_like(mean), better >= 0)
    return replace(found, difference=hierarchical_interval(difference))


def _read(arm: Arm, seeds: Sequence[int], folder: Path) -> list[ArmResult]:
    """The results of today's settings."""
    found = []
    for seed in seeds if arm.config else (0,):
        result = read_result(folder, arm.name, seed)
        if result is not None and (arm.config is None or result.is_of(arm.settings(seed))):
            found.append(result)
    return found
