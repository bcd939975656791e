"""`python -m training curves`: the losses and validation scores of runs, in one picture."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from MRIColorizeLib.files.colors import atomic
from training.errors import RunError
from training.journal import LOG, VALIDATION

Curve = Mapping[int, float]  # step to value
NO_CURVE = ("step", "seconds")
COLUMNS = 4  # panels in a row
STYLES = ("-", "--", ":", "-.")


def add_curves_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("curves", help="draw the losses and scores of one or more runs")
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run")
    command.add_argument("--out", type=Path, required=True, help="picture, PNG")
    command.set_defaults(run=_curves)


def read_curves(run: Path) -> Mapping[str, Curve]:
    """What a run logged, by panel: `loss: color`, `validation: score`.

    Values that a later start of the run wrote again count. Raises RunError without a log.
    """
    curves: dict[str, dict[int, float]] = {}
    for name, file in (("loss", LOG), ("validation", VALIDATION)):
        try:
            text = (run / file).read_text(encoding="utf-8")
        except OSError as error:
            if file == VALIDATION:
                continue
            raise RunError(f"{run} holds no {LOG}; give the folder of a run.") from error
        try:
            for row in csv.DictReader(text.splitlines()):
                for column, value in row.items():
                    if column not in NO_CURVE and value:
                        curve = curves.setdefault(f"{name}: {column}", {})
                        curve[int(row["step"])] = float(value)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{run / file} is damaged ({error}); give another run.") from error
    if not curves:
        raise RunError(f"{run / LOG} has no step yet; wait for the run's first report.")
    return curves


def write_curves(runs: Sequence[Path], out: Path) -> int:
    """Draw a panel for everything that any run logged more than once; return how many.

    Scores of single tissues are left out. Raises RunError, OutputError.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    read = [read_curves(run) for run in runs]
    names = dict.fromkeys(name for curves in read for name in curves if "dice_" not in name)
    shown = [name for name in names if any(len(c.get(name, ())) > 1 for c in read)]
    if not shown:
        raise RunError("Two reports make a curve; the runs have one each. Let them go on.")
    rows = math.ceil(len(shown) / COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.6 * rows + 0.4), dpi=110)
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    for panel, name in zip(panels, shown, strict=False):
        for number, (run, curves) in enumerate(zip(runs, read, strict=True)):
            curve = sorted(curves.get(name, {}).items())
            style = STYLES[number // 10 % len(STYLES)]  # the colours repeat after ten
            panel.plot(
                [step for step, _ in curve],
                [value for _, value in curve],
                style,
                color=f"C{number % 10}",
                marker="." if len(curve) < 4 else None,
                linewidth=1.3,
                label=run.absolute().name,
            )
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("step", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="#e4e4e4", linewidth=0.6)
    for panel in panels[len(shown) :]:
        panel.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    foot = 0.3 / figure.get_figheight()
    figure.legend(
        handles, labels, loc="lower center", ncols=min(len(labels), 6), fontsize=8, frameon=False
    )
    figure.tight_layout(rect=(0, foot * math.ceil(len(labels) / 6), 1, 1))
    with atomic(out) as temporary:
        figure.savefig(temporary, format="png")
    return len(shown)


def _curves(options: argparse.Namespace) -> None:
    count = write_curves(options.runs, options.out)
    print(f"{count} curves of {len(options.runs)} runs are in {options.out}.")
