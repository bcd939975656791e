"""From scores to conclusions: means with intervals over units, and paired comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from training.measure.cases.cases import Case
from training.measure.colorings.scores import Measure, PairScores, Scores
from training.measure.metrics.statistics import (
    Comparison,
    Interval,
    compare,
    hierarchical_interval,
    holm,
)


@dataclass(frozen=True)
class Summary:
    """One measure of one method over all cases of a kind.

    interval: mean over slices, then units, with its bootstrap interval; deviation: standard
    deviation (n - 1) of the units' means, NaN for one; units, slices: how many were defined.
    """

    interval: Interval
    deviation: float
    units: int
    slices: int


@dataclass(frozen=True)
class Verdict:
    """A paired comparison of two methods in one measure; p is Holm's."""

    kind: str
    measure: Measure
    first: str
    second: str
    comparison: Comparison
    p: float | None


@dataclass(frozen=True)
class Results:
    """All scores of an evaluation, by kind, method and measure."""

    scores: Sequence[Scores]
    pairs: Sequence[PairScores]
    # Intervals cost milliseconds each, and several tables show the same.
    _known: dict[tuple[str, str, Measure, str | None], Summary | None] = field(
        default_factory=dict, repr=False
    )

    def methods(self, kind: str) -> list[str]:
        """Methods that a kind of cases has, in the order in which they were measured."""
        return list(dict.fromkeys(s.method for s in self.scores if s.stack.case.kind == kind))

    def values(
        self, kind: str, method: str, measure: Measure, contrast: str | None = None
    ) -> dict[str, np.ndarray]:
        """Values of all slices by unit; of one contrast when it is named."""
        if measure is Measure.CONTRAST:
            return by_unit(
                (pair.first.case, pair.ciede2000)
                for pair in self.pairs
                if (pair.first.case.kind, pair.method) == (kind, method) and between_contrasts(pair)
            )
        return by_unit(
            (scores.stack.case, scores.values[measure])
            for scores in self.scores
            if (scores.stack.case.kind, scores.method) == (kind, method)
            and contrast in (None, scores.stack.case.contrast)
            and measure in scores.values
        )

    def summarize(
        self, kind: str, method: str, measure: Measure, contrast: str | None = None
    ) -> Summary | None:
        """Mean and spread over units; None when nothing is defined."""
        key = (kind, method, measure, contrast)
        if key not in self._known:
            values = self.values(kind, method, measure, contrast)
            self._known[key] = summarize_values(values, measure.bounds)
        return self._known[key]

    def per_tissue(self, kind: str, method: str, code: int) -> Summary | None:
        """CIEDE2000 to the truth in one tissue, over units."""
        return summarize_values(
            by_unit(
                (scores.stack.case, scores.per_tissue[:, code])
                for scores in self.scores
                if (scores.stack.case.kind, scores.method) == (kind, method)
                and scores.per_tissue is not None
            )
        )

    def compare(
        self, kind: str, first: str, others: Sequence[str], measure: Measure
    ) -> list[Verdict]:
        """Compare one method with others in a measure; these comparisons are one Holm family."""
        found = []
        for other in others:
            a, b = (self.values(kind, method, measure) for method in (first, other))
            common = [unit for unit in a if unit in b]
            pair = padded(a, common), padded(b, common)
            if np.isfinite(pair[0] - pair[1]).any():
                found.append((other, compare(*pair, measure.better >= 0)))
        adjusted = holm([comparison.p for _, comparison in found])
        return [
            Verdict(kind, measure, first, other, comparison, p)
            for (other, comparison), p in zip(found, adjusted, strict=True)
        ]


def by_unit(parts: Iterable[tuple[Case, np.ndarray]]) -> dict[str, np.ndarray]:
    """Values of slices (S,) of cases, joined for each unit."""
    found: dict[str, list[np.ndarray]] = {}
    for case, values in parts:
        found.setdefault(case.unit, []).append(values)
    return {unit: np.concatenate(values) for unit, values in found.items()}


def between_contrasts(pair: PairScores) -> bool:
    """Whether the contrasts differ (a real T1 and a synthetic T1 are one contrast)."""
    return pair.first.case.weighting != pair.second.case.weighting


def padded(values: Mapping[str, np.ndarray], units: Sequence[str]) -> np.ndarray:
    """(units, slices), NaN where a unit has fewer slices than the longest."""
    longest = max((len(values[unit]) for unit in units), default=0)
    table = np.full((len(units), longest), np.nan)
    for row, unit in zip(table, units, strict=True):
        row[: len(values[unit])] = values[unit]
    return table


def summarize_values(
    values: Mapping[str, np.ndarray], bounds: tuple[float, float] = (0, math.inf)
) -> Summary | None:
    """Mean and spread of slices by unit, what is undefined left out; None when nothing is left."""
    known = {unit: v[np.isfinite(v)] for unit, v in values.items()}
    known = {unit: v for unit, v in known.items() if v.size}
    if not known:
        return None
    means = np.array([v.mean() for v in known.values()])
    return Summary(
        interval=hierarchical_interval(padded(known, list(known))).within(*bounds),
        deviation=float(means.std(ddof=1)) if means.size > 1 else float("nan"),
        units=len(known),
        slices=sum(v.size for v in known.values()),
    )
