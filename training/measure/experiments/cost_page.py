"""Quality against what it costs: every network of the arms beside its memory and its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from MRIColorizeLib.files.colors import atomic
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.conditions import PLAIN
from training.measure.colorings.stacks import NATURAL
from training.measure.evaluation.blocks import Block, Heading, Picture, Table, Text
from training.measure.evaluation.cells import MISSING, told_interval
from training.measure.experiments.cost import SIDE, Cost
from training.measure.experiments.evidence import COLUMNS, Column, Evidence, Values

PICTURE = "cost.png"
MEASURES = ("ciede2000", "ssim_body", "ncc2")
DRAWN = "ciede2000"
COLORS = ("#c44e3a", "#3a6ea5", "#5f8f3e", "#8a5ca8", "#b8862b", "#5a5a5a", "#d07aa8", "#2f9e95")
MARKERS = ("o", "s", "^")
AXES = (
    ("multiply-adds, billions", lambda cost, minutes: cost.multiply_adds / 1e9),
    ("memory, MB", lambda cost, minutes: cost.megabytes),
    ("milliseconds a slice", lambda cost, minutes: cost.milliseconds),
    ("minutes of training", lambda cost, minutes: minutes),
)


def cost_blocks(
    found: Sequence[Evidence], costs: Mapping[str, Cost], hardware: str, out: Path
) -> Iterator[Block]:
    """The page, its picture written into `out`; arms that were not measured stay out of it."""
    rows = list(_rows(found, costs))
    yield Heading("Quality against memory and time", 1)
    yield Text(
        f"One slice of {SIDE}x{SIDE} through each arm's network: float32, one thread, batch norms "
        "folded away, the median of turns that all networks took one after the other, on "
        f"{hardware}. Memory is the most that the tensors between the layers take at once. Arms "
        "that differ from small in the training alone have its network and are left out here. "
        "Made by `python -m training experiments --costs`."
    )
    columns = [column for column in COLUMNS if column.measure in MEASURES]
    header = ["arm", "parameters", "multiply-adds, billions", "memory, MB", "ms a slice"]
    header += ["minutes of training"]
    header += [f"{column.label}, {kind}" for kind in ("slabs", "MRI") for column in columns]
    table = [
        [
            arm,
            f"{cost.parameters:,}",
            f"{cost.multiply_adds / 1e9:.2f}",
            f"{cost.megabytes:.1f}",
            f"{cost.milliseconds:.0f}",
            MISSING if minutes is None else f"{minutes:.0f}",
            *(_cell(evidence, arm, kind, c) for kind in (SLAB, MRI) for c in columns),
        ]
        for arm, cost, minutes, evidence in rows
    ]
    said = (
        "Validation part, natural colours; training on a shared machine, so its minutes are rough."
    )
    yield Table(header, table, said)
    _draw(rows, out / PICTURE)
    yield Picture(PICTURE, "Colour error of the held-out cryosections against what it costs.")


Row = tuple[str, Cost, float | None, Evidence]


def _rows(found: Sequence[Evidence], costs: Mapping[str, Cost]) -> Iterator[Row]:
    """Every network once, by the first arm that has it; where its quality was measured."""
    seen: set[Cost] = set()
    for arm, cost in costs.items():
        if cost in seen:
            continue
        for evidence in found:
            if arm in evidence.results and _values(evidence, arm, SLAB, DRAWN) is not None:
                seen.add(cost)
                seconds = [r.training.seconds for r in evidence.results[arm] if r.training]
                minutes = sum(seconds) / len(seconds) / 60 if seconds else None
                yield arm, cost, minutes, evidence
                break


def _values(evidence: Evidence, arm: str, kind: str, measure: str) -> Values | None:
    if PLAIN not in evidence.comparison.conditions:
        return None
    return evidence.values(arm, PLAIN, kind, NATURAL, measure)


def _cell(evidence: Evidence, arm: str, kind: str, column: Column) -> str:
    found = _values(evidence, arm, kind, column.measure)
    return told_interval(None if found is None else found.interval, column.digits)


def _draw(rows: Sequence[Row], path: Path) -> None:
    figure = Figure(figsize=(14, 4.6), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(AXES), sharey=True)
    for panel, (label, of) in zip(panels, AXES, strict=True):
        for number, (arm, cost, minutes, evidence) in enumerate(rows):
            place, found = of(cost, minutes), _values(evidence, arm, SLAB, DRAWN)
            if place is None or found is None:
                continue
            ends = found.interval
            panel.errorbar(
                [place],
                [ends.mean],
                ([ends.mean - ends.low], [ends.high - ends.mean]),
                color=COLORS[number % len(COLORS)],
                marker=MARKERS[number // len(COLORS) % len(MARKERS)],
                markersize=6,
                linestyle="none",
                elinewidth=0.5,
                label=arm,
            )
        panel.set_xlabel(label, fontsize=9)
        panel.set_xlim(left=0)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#e4e4e4", linewidth=0.6)
    panels[0].set_ylabel("CIEDE2000 on slabs, less is better", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=8, fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png")
