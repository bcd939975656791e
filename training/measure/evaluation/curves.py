"""Curves of an evaluation: quality against the pixels of the picture, and against noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MRIColorizeLib.files.colors import atomic
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import MODES, NATURAL
from training.measure.evaluation.blocks import Picture
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.sizes import SIZES

PANELS = {
    SLAB: (
        Measure.SSIM_SLICE,
        Measure.DCF_SLICE,
        Measure.CIEDE2000,
        Measure.TISSUE,
        Measure.NCC2,
    ),
    MRI: (Measure.SSIM_SLICE, Measure.STSIM1_SLICE, Measure.TISSUE, Measure.NCC2),
}
COLORS = {NATURAL: "#b5482a"}
OTHER = "#5a6b7b"


def write_size_curves(evaluation: Evaluation, out: Path) -> list[Picture]:
    """One picture for each kind of cases: a panel a measure, a line a mode and a way."""
    pictures = []
    for kind, panels in PANELS.items():
        if evaluation.sizes.methods(kind):
            name = f"sizes_{kind.lower()}.png"
            _write(evaluation, kind, panels, out / name)
            caption = f"{kind}: the same field of view on 256, 128 and 64 pixels"
            pictures.append(Picture(name, caption))
    return pictures


def _write(evaluation: Evaluation, kind: str, panels: tuple[Measure, ...], path: Path) -> None:
    figure = Figure(figsize=(3.0 * len(panels), 3.5), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, measure in zip(axes, panels, strict=True):
        for mode in MODES:
            for raw in (False, True):
                _line(axis, evaluation, kind, measure, mode, raw)
        arrow = {1: ", more is better", -1: ", less is better", 0: ""}[measure.better]
        axis.set_title(measure.label + arrow, fontsize=9)
        axis.set_xscale("log", base=2)
        axis.set_xticks([64, 128, 256], ["64", "128", "256"])
        axis.minorticks_off()
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#e4e4e4", linewidth=0.6)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, frameon=False, ncols=4, loc="lower center")
    setting = evaluation.setting
    title = f"{kind}, {setting.split}; {setting.model_name} {setting.model_version}; pixels a side"
    figure.suptitle(title, fontsize=9)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png")


def _line(
    axis: Axes, evaluation: Evaluation, kind: str, measure: Measure, mode: str, raw: bool
) -> None:
    sizes = sorted((s for s in SIZES if s.raw == raw), key=lambda size: size.side)
    found = [evaluation.sizes.summarize(kind, size.method(mode), measure) for size in sizes]
    shown = [(size.side, s.interval) for size, s in zip(sizes, found, strict=True) if s]
    if not shown:
        return
    aside = 1.04 if raw else 1 / 1.04  # so that intervals do not hide each other
    sides = [side * aside for side, _ in shown]
    means = np.array([interval.mean for _, interval in shown])
    ends = np.array([(i.mean - i.low, i.high - i.mean) for _, i in shown]).T
    color = COLORS.get(mode, OTHER)
    axis.errorbar(
        sides,
        means,
        np.maximum(ends, 0),
        marker="o",
        markersize=4,
        capsize=2,
        linewidth=1.4,
        color=color,
        linestyle="--" if raw else "-",
        label=f"{mode}, {'fed raw' if raw else 'through the engine'}",
    )
