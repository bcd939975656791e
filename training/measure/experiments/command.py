"""`python -m training experiments`: run what is left of the experiments, list it, report it."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.errors import ConfigError
from training.measure.experiments.results import RESULTS

REPORT = "report"  # within the folder of the runs


def add_experiments_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "experiments", help="train and measure every arm of the experiments; goes on where it was"
    )
    command.add_argument("--prepared", type=Path, help="folder made by prepare")
    command.add_argument("--data", type=Path, help="folder with mri/; --split test needs it")
    command.add_argument(
        "--out", type=Path, required=True, help="folder for runs, weights and results"
    )
    command.add_argument(
        "--only", nargs="+", default=(), metavar="NAME", help="comparisons or arms to run"
    )
    command.add_argument(
        "--model", type=Path, metavar="FOLDER", help="a finished model to stand beside the arms"
    )
    command.add_argument("--minutes", type=float, default=float("inf"), help="stop after this time")
    command.add_argument("--threads", type=int, default=0, help="of the CPU; default: the arm's")
    command.add_argument(
        "--split", choices=("val", "test"), default="val", help="test: for the final report only"
    )
    command.add_argument(
        "--predictions", type=Path, help="other systems' pictures: ARM/CASE/NNNN.png"
    )
    command.add_argument("--inputs", type=Path, help="write the slices that they are to colour")
    command.add_argument("--list", action="store_true", help="say what is done and what is left")
    command.add_argument("--report", action="store_true", help="write the tables from the results")
    command.add_argument(
        "--costs", action="store_true", help="measure memory and time of the arms' networks"
    )
    command.add_argument(
        "--report-to", type=Path, help="folder of the tables; default: report/ in OUT"
    )
    command.set_defaults(run=_experiments)


def _experiments(options: argparse.Namespace) -> None:
    from training.measure.experiments.manifest import read_manifest

    manifest, results = read_manifest(), options.out / RESULTS
    if options.model is not None:
        manifest = manifest.with_model(options.model)
    if options.list:
        from training.measure.experiments.listing import listing

        print(listing(manifest, options.out, options.only))
        return
    if options.costs:
        from training.measure.experiments.cost import measure_costs, write_costs

        print(f"The costs are in {write_costs(measure_costs(manifest), results)}.")
        return
    if options.report:
        from training.measure.experiments.report import write_report

        to = options.report_to or options.out / REPORT
        path = write_report(manifest, results, to, options.split)
        print(f"The tables are in {path}.")
        return
    if options.prepared is None:
        raise ConfigError("Experiments need --prepared; or give --list, --costs or --report.")
    from training.measure.experiments.queue import Queue
    from training.measure.experiments.workplace import Workplace, write_slices

    place = Workplace(
        options.prepared,
        options.out,
        options.data,
        options.split,
        options.threads,
        options.predictions,
    )
    if options.inputs is not None:
        count = write_slices(place, options.inputs)
        print(f"{count} slices are in {options.inputs}; colour them under the same names.")
        return
    done = Queue(manifest, place).run(options.only, options.minutes * 60)
    rest = "All is done" if done else "The same command goes on from here"
    print(f"{rest}; the results are in {results}.")
