"""`python -m training evaluate`: a model beside trivial baselines and other systems, in numbers."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from MRIColorizeLib.errors import MRIColorizeError
from MRIColorizeLib.options import DEVICES
from training.errors import TrainingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and write the report; 0 when it succeeded, 2 with one sentence when it could not."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    from training.measure.evaluation.evaluation import Request, evaluate
    from training.measure.evaluation.report import write_report
    from training.measure.metrics.features import segnet_features

    try:
        features = None if options.segnet is None else segnet_features(options.segnet)
        request = Request(
            model=options.model,
            data=options.data,
            prepared=options.prepared,
            split=options.split,
            volumes=options.volumes,
            predictions=options.predictions,
            inputs=options.inputs,
            slices=options.slices,
            device=options.device,
            command=shlex.join(["python", "-m", "training", "evaluate", *given]),
            features=features,
        )
        evaluation = evaluate(request, _told_with_time(time.monotonic()))
        write_report(evaluation, options.out, options.excerpt)
    except (MRIColorizeError, TrainingError, OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(f"The report is in {options.out / 'report.md'}.")
    return 0


def _told_with_time(began: float) -> Callable[[str], None]:
    """Progress as lines with the minutes since the start."""

    def tell(text: str) -> None:
        print(f"{(time.monotonic() - began) / 60:5.1f} min  {text}", flush=True)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training evaluate", description=__doc__)
    parser.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    parser.add_argument("--data", type=Path, required=True, help="folder with mri/")
    parser.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    parser.add_argument("--out", type=Path, required=True, help="folder for report and pictures")
    parser.add_argument(
        "--excerpt", type=Path, help="also write a short copy with small pictures here"
    )
    parser.add_argument(
        "--split",
        choices=("val", "test"),
        default="val",
        help="val to choose models by (default); test for a report, when the choice is made",
    )
    parser.add_argument("--volumes", nargs="+", help="MRI to use instead: names or paths")
    parser.add_argument(
        "--predictions", type=Path, help="other systems' pictures: SYSTEM/CASE/NNNN.png"
    )
    parser.add_argument(
        "--inputs", type=Path, help="also write the measured slices here, for other systems"
    )
    parser.add_argument(
        "--slices", type=int, default=8, help="measured of each volume, 0 for all (default: 8)"
    )
    parser.add_argument(
        "--segnet", type=Path, help="folder made by segnet: its features give the kernel distance"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    return parser
