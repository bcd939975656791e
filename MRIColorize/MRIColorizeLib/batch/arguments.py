"""The words of `mri-colorize batch`: those of one volume, and where the many are coloured."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..command.arguments import NAME, Parser, add_engine, add_look, add_results

BATCH = "batch"


def batch_parser() -> argparse.ArgumentParser:
    """The parser; a bad word ends the process with one sentence and code 2."""
    result = Parser(
        prog=f"{NAME} {BATCH}",
        description="Colour every volume below IN_DIR into the same tree below OUT_DIR. What is "
        "done is skipped, what fails is told in OUT_DIR/batch.csv, and the same call goes on after "
        "an interruption.",
        epilog="The colours are synthetic. Not for diagnosis.",
    )
    add = result.add_argument
    add("source", type=Path, metavar="IN_DIR", help="folder of images and folders of DICOM")
    add("out", type=Path, metavar="OUT_DIR", help="folder for the results, outside IN_DIR")
    add(
        "--pattern",
        action="append",
        metavar="GLOB",
        help="colour what this matches below IN_DIR, as '**/*T1*.nii.gz'; may be given several "
        "times (default: everything that can be read)",
    )
    add("--force", action="store_true", help="colour what is done already again")
    add_engine(result)
    add_look(result)
    add_results(result)
    _add_crew(result)
    return result


def _add_crew(result: argparse.ArgumentParser) -> None:
    workers = result.add_argument_group("workers")
    add = workers.add_argument
    add("--workers", type=int, metavar="N", help="processes (default: by cores and memory)")
    add("--threads", type=int, metavar="N", help="threads in each (default: shares the cores)")
    add(
        "--retries",
        type=int,
        default=2,
        metavar="N",
        help="how often a volume whose worker died is begun again (default: 2)",
    )
    where = workers.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="use the workers of this Dask")
    where.add_argument(
        "--slurm",
        nargs="?",
        const=True,
        default=None,
        metavar="FILE",
        help="ask SLURM for the workers, as a TOML file or Dask's configuration describes them",
    )
