"""Curves over conditions, such as noise or pixels: a line an arm, a panel a measure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MRIColorizeLib.files.colors import atomic
from training.measure.colorings.conditions import CONDITIONS
from training.measure.colorings.stacks import NATURAL
from training.measure.evaluation.blocks import Picture
from training.measure.experiments.evidence import COLUMNS, Column, Evidence
from training.measure.experiments.tables import KINDS

SHOWN = ("ciede2000", "tissue_of_colors", "contrast", "ncc2", "ssim_body", "stsim1_body")
COLORS = ("#c44e3a", "#3a6ea5", "#5f8f3e", "#8a5ca8", "#b8862b", "#5a5a5a")
FEWEST = 3  # conditions that make a curve


def write_curves(evidence: Evidence, out: Path) -> Iterator[Picture]:
    """One picture for each axis of a comparison's conditions and each kind of cases.

    Natural colours; whiskers are the 95 % intervals. Raises OutputError.
    """
    axes: dict[str, list[tuple[float, str]]] = {}
    for name in evidence.comparison.conditions:
        if (axis := CONDITIONS[name].axis) is not None:
            axes.setdefault(axis[0], []).append((axis[1], name))
    for number, (label, points) in enumerate(axes.items(), 1):
        for kind, title in KINDS.items():
            columns = [c for c in COLUMNS if c.measure in SHOWN]
            columns = [c for c in columns if _lines(evidence, kind, c, sorted(points))]
            if len(points) >= FEWEST and columns:
                name = f"{evidence.comparison.name}_{number}_{kind.lower()}.png"
                _write(evidence, kind, columns, label, sorted(points), out / name)
                yield Picture(name, f"{title}: {label}. Natural colours, mean and 95 % interval.")


def _lines(
    evidence: Evidence, kind: str, column: Column, points: list[tuple[float, str]]
) -> dict[str, list[tuple[float, float, float, float]]]:
    """For every arm its places with mean and ends of the interval."""
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for arm in evidence.arms:
        for place, condition in points:
            found = evidence.values(arm.name, condition, kind, NATURAL, column.measure)
            if found is not None:
                i = found.interval
                lines.setdefault(arm.name, []).append((place, i.mean, i.low, i.high))
    return lines


def _write(
    evidence: Evidence,
    kind: str,
    columns: list[Column],
    label: str,
    points: list[tuple[float, str]],
    path: Path,
) -> None:
    figure = Figure(figsize=(2.9 * len(columns), 3.1), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    places = [place for place, _ in points]
    shift = 0.012 * (max(places) - min(places))  # whiskers side by side
    for panel, column in zip(panels, columns, strict=True):
        lines = _lines(evidence, kind, column, points)
        for number, (arm, values) in enumerate(lines.items()):
            x, mean, low, high = zip(*values, strict=True)
            moved = [place + shift * (number - (len(lines) - 1) / 2) for place in x]
            below = [m - a for m, a in zip(mean, low, strict=True)]
            above = [b - m for m, b in zip(mean, high, strict=True)]
            panel.errorbar(
                moved,
                mean,
                (below, above),
                color=COLORS[number % len(COLORS)],
                marker="o",
                markersize=3.5,
                linewidth=1.4,
                elinewidth=0.8,
                label=arm,
            )
        arrow = {1: ", more is better", -1: ", less is better", 0: ""}[column.better]
        panel.set_title(column.label + arrow, fontsize=9)
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
