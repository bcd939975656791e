"""Curves over conditions, such as noise or pixels: a line an arm, a panel a measure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MRIColorizeLib.files.colors import atomic
from training.measure.colorings.conditions import CONDITIONS
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import NATURAL
from training.measure.report.numbers import ALL, KINDS, Evidence

M = Measure
SHOWN = (M.CIEDE2000, M.TISSUE_OF_COLORS, M.CONTRAST, M.NCC2, M.SSIM_BODY, M.STSIM1_BODY)
COLORS = ("#c44e3a", "#3a6ea5", "#5f8f3e", "#8a5ca8", "#b8862b", "#5a5a5a")
FEWEST = 3  # conditions that make a curve


def write_curves(evidence: Evidence, out: Path) -> Iterator[str]:
    """One picture for each axis of a comparison's conditions and each kind of cases.

    Natural colours; whiskers are the 95 % intervals. Raises OutputError.
    """
    summary = evidence.summary
    natural = summary[(summary["method"] == NATURAL) & (summary["contrast"] == ALL)]
    axes: dict[str, dict[str, float]] = {}
    for name in evidence.comparison.conditions:
        if (axis := CONDITIONS[name].axis) is not None:
            axes.setdefault(axis[0], {})[name] = axis[1]
    for number, (label, places) in enumerate(axes.items(), 1):
        for kind, title in KINDS.items():
            part = natural[(natural["kind"] == kind) & natural["condition"].isin(places)]
            part = part.assign(place=part["condition"].map(places)).sort_values("place")
            measures = [m for m in SHOWN if (part["measure"] == m.key).any()]
            if len(places) >= FEWEST and measures:
                name = f"{evidence.comparison.name}_{number}_{kind.lower()}.png"
                _write(part, measures, label, list(places.values()), out / name)
                yield f"![{title}: {label}. Natural colours, mean and 95 % interval.]({name})"


def _write(
    part: pd.DataFrame, measures: list[Measure], label: str, places: list[float], path: Path
) -> None:
    figure = Figure(figsize=(2.9 * len(measures), 3.1), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(measures), squeeze=False)[0]
    shift = 0.012 * (max(places) - min(places))  # whiskers side by side
    for panel, measure in zip(panels, measures, strict=True):
        lines = part[part["measure"] == measure.key].groupby("arm", sort=False)
        for number, (arm, line) in enumerate(lines):
            panel.errorbar(
                line["place"] + shift * (number - (lines.ngroups - 1) / 2),
                line["mean"],
                (line["mean"] - line["low"], line["high"] - line["mean"]),
                color=COLORS[number % len(COLORS)],
                marker="o",
                markersize=3.5,
                linewidth=1.4,
                elinewidth=0.8,
                label=arm,
            )
        arrow = {1: ", more is better", -1: ", less is better", 0: ""}[measure.better]
        panel.set_title(measure.label + arrow, fontsize=9)
        panel.set_xlabel(label, fontsize=8)
        panel.set_xticks(places)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#e4e4e4", linewidth=0.6)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=len(names), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png")
