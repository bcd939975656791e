"""Box plots of an evaluation: units by method, structure beside colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MRIColorizeLib.files.colors import atomic
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import NATURAL, STRUCTURE
from training.measure.evaluation.blocks import Picture
from training.measure.evaluation.evaluation import Evaluation

PANELS = {
    SLAB: (Measure.CIEDE2000, Measure.CONTRAST, Measure.DCF_BODY, Measure.NCC2, Measure.SSIM_BODY),
    MRI: (Measure.CONTRAST, Measure.DCF_REGION, Measure.FLICKER, Measure.NCC2, Measure.SSIM_BODY),
}
MODEL, OTHER = "#c44e3a", "#8a94a6"


def write_box_plots(evaluation: Evaluation, out: Path) -> list[Picture]:
    """One picture for each kind of cases: a panel a measure, a box a method, a point a unit."""
    pictures = []
    for kind, panels in PANELS.items():
        methods = evaluation.results.methods(kind)
        if methods:
            name = f"boxes_{kind.lower()}.png"
            _write(evaluation, kind, panels, methods, out / name)
            pictures.append(Picture(name, f"{kind}: every unit (point) in every colouring"))
    return pictures


def _write(
    evaluation: Evaluation,
    kind: str,
    panels: tuple[Measure, ...],
    methods: list[str],
    path: Path,
) -> None:
    figure = Figure(figsize=(3.1 * len(panels) + 1.2, 0.36 * len(methods) + 1.2), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, measure in zip(axes, panels, strict=True):
        for place, method in enumerate(reversed(methods)):
            values = evaluation.results.values(kind, method, measure).values()
            means = np.array([v[np.isfinite(v)].mean() for v in values if np.isfinite(v).any()])
            color = MODEL if method in (NATURAL, STRUCTURE) else OTHER
            if means.size:
                _box(axis, means, place, color)
        arrow = {1: ", more is better", -1: ", less is better", 0: ""}[measure.better]
        axis.set_title(measure.label + arrow, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="x", color="#e4e4e4", linewidth=0.6)
        axis.set_axisbelow(True)
    axes[0].set_yticks(range(len(methods)), list(reversed(methods)))
    setting = evaluation.setting
    figure.suptitle(
        f"{kind}, {setting.split}; {setting.model_name} {setting.model_version}", fontsize=9
    )
    figure.tight_layout()
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png")


def _box(axis, means: np.ndarray, place: int, color: str) -> None:  # type: ignore[no-untyped-def]
    axis.boxplot(
        means,
        positions=[place],
        orientation="horizontal",
        widths=0.55,
        showfliers=False,
        medianprops={"color": color, "linewidth": 2},
        boxprops={"color": color},
        whiskerprops={"color": color},
        capprops={"color": color},
    )
    offsets = 0.18 * np.linspace(-1, 1, means.size) if means.size > 1 else np.zeros(1)
    axis.plot(means, place + offsets, "o", markersize=3, color=color, alpha=0.6)
