"""`python -m training.evaluate`: measure a model on MRI that it never saw, beside the baselines."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from MRIColorizeLib.errors import MRIColorizeError
from MRIColorizeLib.options import DEVICES
from training.data.prepared import PreparedDataError
from training.evaluate.stacks import TEST_VOLUMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and write the report; 0 when it succeeded, 2 with one sentence when it could not."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    from training.evaluate.evaluation import evaluate_model
    from training.evaluate.report import write_report

    try:
        evaluation = evaluate_model(
            options.model,
            options.data,
            options.prepared,
            options.out,
            options.volumes,
            options.device,
            command=shlex.join(["python", "-m", "training.evaluate", *given]),
        )
        write_report(evaluation, options.out)
    except (MRIColorizeError, PreparedDataError, OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(f"The report is in {options.out / 'report.md'}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--model", help="name or folder of the model; default: the one that ships")
    parser.add_argument("--data", type=Path, required=True, help="folder with mri/")
    parser.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    parser.add_argument("--out", type=Path, required=True, help="folder for report and pictures")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--volumes", nargs="+", default=TEST_VOLUMES, help="names or paths; default: the test part"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
