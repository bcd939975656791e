"""The commands that measure: evaluate, experiments, regions."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from MRIColorizeLib.options import DEVICES
from training.errors import ConfigError

REPORT = "report"  # within the folder of the runs
Commands = argparse._SubParsersAction  # argparse has no public name for it


def add_measure_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    _add_experiments(commands)
    _add_evaluate(commands)
    regions = commands.add_parser("regions", help="tissues in bodies of the validation part")
    regions.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    regions.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    regions.add_argument(
        "--data", type=Path, help="also scans of its body/ and mri/, some of the test part"
    )
    regions.set_defaults(run=_regions)


def _add_experiments(commands: Commands[argparse.ArgumentParser]) -> None:
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


def _add_evaluate(commands: Commands[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("evaluate", help="measure a model on MRI that it never saw")
    command.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    command.add_argument("--data", type=Path, required=True, help="folder with mri/")
    command.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    command.add_argument("--out", type=Path, required=True, help="folder for report and pictures")
    command.add_argument("--excerpt", type=Path, help="also write the report alone here")
    command.add_argument(
        "--split",
        choices=("val", "test"),
        default="val",
        help="val to choose models by (default); test for a report, when the choice is made",
    )
    command.add_argument("--volumes", nargs="+", help="MRI to use instead: names or paths")
    command.add_argument(
        "--predictions", type=Path, help="other systems' pictures: SYSTEM/CASE/NNNN.png"
    )
    command.add_argument(
        "--inputs", type=Path, help="also write the measured slices here, for other systems"
    )
    command.add_argument(
        "--slices", type=int, default=8, help="measured of each volume, 0 for all (default: 8)"
    )
    command.add_argument(
        "--plain", action="store_true", help="as scanned alone: no noise, other sizes or planes"
    )
    command.add_argument(
        "--segnet", type=Path, help="folder made by segnet: its features give the kernel distance"
    )
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.set_defaults(run=_evaluate)


def _experiments(options: argparse.Namespace) -> None:
    from training.measure.arms.manifest import read_manifest
    from training.measure.arms.records import RECORDS

    manifest, records = read_manifest(), options.out / RECORDS
    if options.model is not None:
        manifest = manifest.with_model(options.model)
    if options.list:
        from training.measure.arms.listing import listing

        print(listing(manifest, options.out, options.only))
        return
    if options.costs:
        from training.measure.arms.cost import measure_costs, write_costs

        print(f"The costs are in {write_costs(measure_costs(manifest), records)}.")
        return
    if options.report:
        from training.measure.report.report import write_report

        to = options.report_to or options.out / REPORT
        print(f"The tables are in {write_report(manifest, records, to, options.split)}.")
        return
    if options.prepared is None:
        raise ConfigError("Experiments need --prepared; or give --list, --costs or --report.")
    from training.measure.arms.queue import Queue
    from training.measure.arms.workplace import Workplace, write_slices

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
    print(f"{rest}; the results are in {records}.")


def _evaluate(options: argparse.Namespace) -> None:
    from training.measure.arms.workplace import Workplace, write_slices
    from training.measure.colorings.conditions import PLAIN
    from training.measure.metrics.features import segnet_features
    from training.measure.report.evaluation import ASKED, evaluate, write_evaluation

    began = time.monotonic()

    def progress(text: str) -> None:
        print(f"{(time.monotonic() - began) / 60:5.1f} min{text}", flush=True)

    features = None if options.segnet is None else segnet_features(options.segnet)
    place = Workplace(
        options.prepared,
        options.out,
        options.data,
        options.split,
        predictions=options.predictions,
        slices=options.slices,
        volumes=None if options.volumes is None else tuple(options.volumes),
        whole=True,
    )
    conditions = (PLAIN,) if options.plain else ASKED
    evaluated = evaluate(place, options.model, options.device, features, progress, conditions)
    if options.inputs is not None:
        write_slices(place, options.inputs)
    # Without the places of this machine: the report is read elsewhere.
    command = f"python -m training evaluate --split {options.split} --slices {options.slices}"
    print(f"The report is in {write_evaluation(evaluated, place, command, options.excerpt)}.")


def _regions(options: argparse.Namespace) -> None:
    from MRIColorizeLib.engine.colorizer import Colorizer
    from MRIColorizeLib.network.model import load_model
    from MRIColorizeLib.tissue import NAMES
    from training.data.prepared import load_all
    from training.measure.report.regions import measure_regions
    from training.measure.report.scans import measure_scans

    colorizer = Colorizer(load_model(options.model), "cpu")
    if options.data is not None:
        for finding in measure_scans(colorizer, options.data):
            print(f"{finding.scan}: {finding.what} {finding.value:.3f}", flush=True)
    for row in measure_regions(colorizer, load_all(options.prepared)):
        print(f"{row.volume}, {row.contrast}, {row.plane}:")
        print("  " + ", ".join(f"{NAMES[code]} {share:.2f}" for code, share in row.shares.items()))
