"""`python -m training trap`: fine-tune, measure, write the page."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path


def add_trap_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `python -m training`."""
    trap = commands.add_parser("trap", help="show what a structure loss does to the tissues")
    trap.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    trap.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    trap.add_argument("--runs", type=Path, required=True, help="folder for the three fine-tunings")
    trap.add_argument("--out", type=Path, required=True, help="folder for the page, e.g. docs")
    trap.add_argument("--slices", type=int, default=16, help="of the person, measured")
    trap.add_argument("--set", nargs="+", default=[], metavar="key=value", help="e.g. steps=300")
    trap.set_defaults(run=_trap)


def _trap(options: argparse.Namespace) -> None:
    import torch

    from MRIColorizeLib.engine.colorizer import Colorizer
    from MRIColorizeLib.network.model import load_model
    from training.data.prepared import load_all
    from training.evaluate.baselines import GREY
    from training.evaluate.stacks import MODES
    from training.trap.arms import ARMS, arm_config, train_arm
    from training.trap.measure import grey_copies, person_and_slabs, rows_of, see
    from training.trap.page import PAGE, Experiment, write_page

    volumes = load_all(options.prepared)
    shipped = load_model(options.model)
    person, slabs = person_and_slabs(volumes, options.slices)
    config = arm_config(ARMS[-1], shipped.card, options.set)
    torch.set_num_threads(config.threads)

    def seen_by(model: str | Path | None, label: str):  # type: ignore[no-untyped-def]
        def progress(text: str) -> None:
            print(f"{label}: {text}", flush=True)

        return see(Colorizer(load_model(model), "cpu"), person, slabs, progress)

    name = f"{shipped.card.name} {shipped.card.version}"
    seen = {name: seen_by(options.model, name)}
    rows = list(rows_of(seen[name], name, tuple(MODES)))
    rows += rows_of(grey_copies(seen[name]), GREY)
    for arm in ARMS:
        model = train_arm(arm, shipped.card, volumes, options.runs, options.set)
        seen[arm.label] = seen_by(model, arm.label)
        rows += rows_of(seen[arm.label], arm.label)
    given = [options.model] if options.model else []
    extra = ["--set", *options.set] if options.set else []
    command = ["python", "-m", "training", "trap", *given, "--prepared", "PREPARED", "--runs"]
    experiment = Experiment(
        card=shipped.card,
        config=config,
        command=shlex.join([*command, "RUNS", "--out", "docs", *extra]),
        person=person[0].subject,
        slabs=sum(len(slab.volume.array) for slab in slabs if slab.contrast == "T1"),
        seen=seen,
        rows=rows,
    )
    write_page(experiment, options.out)
    print(f"The page is {options.out / PAGE}.")
