"""What can be concluded from a few units: intervals, paired tests, effect sizes.

Slices of one slab or person are not independent, so the unit is the slab or the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata, t, wilcoxon

SMALLEST_SAMPLE = 6  # below it even six equal signs cannot reach p = 0.05, so there is no test
LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its bootstrap interval."""

    mean: float
    low: float
    high: float

    def within(self, least: float, most: float) -> Interval:
        """The same with ends that a measure of these bounds can have."""
        return Interval(self.mean, max(self.low, least), min(self.high, most))


@dataclass(frozen=True)
class Comparison:
    """Paired difference of two methods over units.

    difference: first minus second. p: two-sided Wilcoxon signed-rank, None below six units.
    rank_biserial: favourable minus unfavourable share of the rank sum, -1 to 1 (Kerby 2014).
    cohen_dz: mean difference over its standard deviation, None where that is zero. units: number.
    """

    difference: Interval
    p: float | None
    rank_biserial: float
    cohen_dz: float | None
    units: int


def hierarchical_interval(
    values: np.ndarray, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Percentile bootstrap of a mean of means (Davison and Hinkley 1997, section 3.8), widened.

    values: (seeds, units, slices), or (units, slices) for a single training; NaN where a unit has
    fewer slices. Training seeds and units are drawn with replacement, crossed because every
    training is measured on the same units; then slices within each drawn unit. The mean is taken
    over slices, then units, then seeds. A bootstrap of three trainings or ten units is too narrow:
    its ends are moved away from the mean as Student's t asks for, see `_widening`. A single
    training, or a single unit, says nothing of how others would vary. NaN everywhere when nothing
    is finite.
    """
    cube = values[None] if values.ndim == 2 else values
    known = np.isfinite(cube).any(axis=0)  # (units, slices)
    units = [np.flatnonzero(row) for row in known if row.any()]
    cube = cube[:, known.any(axis=1)]
    if not units:
        return Interval(*[float("nan")] * 3)
    rng = np.random.default_rng(seed)
    seeds, count = len(cube), len(units)
    drawn_seeds = rng.integers(seeds, size=(resamples, seeds))
    means = np.zeros(resamples)
    for _ in range(count):
        unit = rng.integers(count, size=resamples)
        picks = _resampled_slices(units, unit, rng)  # (resamples, most slices), -1 beyond
        for position in range(seeds):
            found = cube[drawn_seeds[:, position, None], unit[:, None], picks]
            means += nan_mean(np.where(picks >= 0, found, np.nan), axis=1) / (count * seeds)
    tail = (1 - level) / 2
    low, high = np.nanquantile(means, (tail, 1 - tail))
    table = nan_mean(cube, axis=2)
    plain = float(nan_mean(nan_mean(table, axis=1), axis=0))
    factor = _widening(table, tail)
    return Interval(plain, plain + factor * (low - plain), plain + factor * (high - plain))


def _widening(table: np.ndarray, tail: float) -> float:
    """By how much the bootstrap's interval of a table (seeds, units) is too narrow.

    It takes (n - 1) / n of the variance of a mean of n, and the normal's quantile for Student's
    (Hesterberg 2015, The American Statistician 69); the degrees of freedom of the sum over seeds
    and units are Satterthwaite's (1946). 1 where only slices vary.
    """
    levels = []  # of each: variance of the mean, degrees of freedom
    for means in (nan_mean(table, axis=1), nan_mean(table, axis=0)):
        means = means[np.isfinite(means)]
        if means.size > 1:
            levels.append((float(means.var(ddof=1)) / means.size, means.size - 1))
    total = sum(variance for variance, _ in levels)
    if total == 0:
        return 1.0
    freedom = total**2 / sum(variance**2 / n for variance, n in levels)
    drawn = sum(variance * n / (n + 1) for variance, n in levels)
    student = float(t.isf(tail, freedom) / norm.isf(tail))
    return student * float(np.sqrt(total / drawn))


def compare(
    first: np.ndarray, second: np.ndarray, larger_is_better: bool = True, seed: int = 0
) -> Comparison:
    """Compare two methods on the same slices: arrays (units, slices), NaN where there is none.

    The p-value is not adjusted: see `holm`. Units that either method lacks are left out.
    rank_biserial is positive where the first is better.
    """
    slices = first - second
    means = nan_mean(slices, axis=1)
    means = means[np.isfinite(means)]
    spread = float(means.std(ddof=1)) if means.size > 1 else 0.0
    effect = _rank_biserial(means)
    return Comparison(
        difference=hierarchical_interval(slices, seed),
        p=_wilcoxon(means) if means.size >= SMALLEST_SAMPLE else None,
        rank_biserial=effect if larger_is_better else -effect,
        cohen_dz=float(means.mean()) / spread if spread > 0 else None,
        units=int(means.size),
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust the p-values of one family (Holm 1979); None stays None and does not count."""
    adjusted: list[float | None] = [None] * len(p_values)
    ordered = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, index) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p))
        adjusted[index] = largest
    return adjusted


def _resampled_slices(
    units: list[np.ndarray], drawn: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """For every drawn unit as many of its slices, with replacement, as it has."""
    sizes = np.array([len(unit) for unit in units])
    table = np.zeros((len(units), sizes.max()), dtype=int)
    for row, unit in zip(table, units, strict=True):
        row[: len(unit)] = unit
    within = (rng.random((len(drawn), sizes.max())) * sizes[drawn, None]).astype(int)
    picks = table[drawn[:, None], within]
    return np.where(np.arange(sizes.max()) < sizes[drawn, None], picks, -1)


def _wilcoxon(differences: np.ndarray) -> float:
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0


def _rank_biserial(differences: np.ndarray) -> float:
    moved = differences[differences != 0]
    if moved.size == 0:
        return 0.0
    ranks = rankdata(np.abs(moved))
    return float((ranks * np.sign(moved)).sum() / ranks.sum())


def nan_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is finite along an axis; NaN, without a warning, where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
