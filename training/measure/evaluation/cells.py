"""How numbers stand in the cells of a report's tables."""

from __future__ import annotations

import math

import numpy as np

from training.measure.evaluation.blocks import Table
from training.measure.evaluation.evaluation import Setting
from training.measure.evaluation.summary import Summary, Verdict
from training.measure.metrics.statistics import SMALLEST_SAMPLE, Comparison, Interval

MISSING = "–"


def caption(setting: Setting) -> str:
    """Under every table: the model and the command."""
    return f"{setting.model_name} {setting.model_version}, {setting.split}; {setting.command}"


def interval(summary: Summary | None, digits: int) -> str:
    """Mean and bootstrap interval of a summary."""
    return told_interval(None if summary is None else summary.interval, digits)


def told_interval(found: Interval | None, digits: int) -> str:
    """Mean and bootstrap interval; a dash for none and for NaN."""
    if found is None or math.isnan(found.mean):
        return MISSING
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def told_change(found: Interval, digits: int) -> str:
    """A difference and its bootstrap interval, with their signs."""
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def effect_cells(found: Comparison) -> list[str]:
    """The effect sizes of a comparison: rank-biserial, Cohen's dz; of a few units they mislead."""
    if found.units < SMALLEST_SAMPLE:
        return [MISSING, MISSING]
    dz = found.cohen_dz
    return [f"{found.rank_biserial:+.2f}", MISSING if dz is None else f"{dz:+.1f}"]


def verdict_cells(verdict: Verdict) -> list[str]:
    """A comparison: units, difference with its interval, p, rank-biserial, Cohen's dz."""
    found = verdict.comparison
    change = told_change(found.difference, verdict.measure.digits)
    return [str(found.units), change, told_p(verdict.p), *effect_cells(found)]


def told_p(p: float | None) -> str:
    """A p-value; None below the least number of units."""
    if p is None:
        return "too few"
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"


def spread(values: np.ndarray, digits: int) -> str:
    """Mean and standard deviation of what is defined."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return MISSING
    if known.size == 1:
        return number(float(known[0]), digits)
    return f"{known.mean():.{digits}f} ± {known.std(ddof=1):.{digits}f}"


def number(value: float, digits: int) -> str:
    """A number, or a dash for NaN."""
    return MISSING if math.isnan(value) else f"{value:.{digits}f}"


def without_empty(table: Table) -> Table:
    """The table without columns that hold nothing but dashes."""
    kept = [i for i in range(len(table.header)) if any(row[i] != MISSING for row in table.rows)]
    rows = [[row[i] for i in kept] for row in table.rows]
    return Table([table.header[i] for i in kept], rows, table.caption)
