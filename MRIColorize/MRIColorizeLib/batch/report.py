"""The table of a batch and its summary: inputs, outputs, retries and failures, and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..command.console import one_line
from ..provenance import NOTICE
from ..staging import atomic
from .records import COLORED, DONE_BEFORE, FAILED, LEFT_OUT, NOT_REACHED, Record, Task

TABLE = "batch.csv"
COLUMNS = (
    "input",
    "state",
    "reason",
    "output",
    "slices",
    "seconds",
    "attempts",
    "worker",
    "notes",
)
# Failures named on the terminal; all of them are in the table.
NAMED = 10


@dataclass(frozen=True)
class Counts:
    """Inputs by how they ended.

    outputs: colour volumes that are there. retries: attempts beyond the first, after a worker died.
    recomputed: whole results made beyond the first.
    """

    inputs: int
    colored: int
    done_before: int
    failed: int
    left_out: int
    not_reached: int
    outputs: int
    retries: int
    recomputed: int
    workers: int


def count(tasks: Sequence[Task], records: Sequence[Record]) -> Counts:
    """Count a run; `outputs` are looked for on the disk."""
    states = Counter(record.state for record in records)
    return Counts(
        inputs=len(tasks),
        colored=states[COLORED],
        done_before=states[DONE_BEFORE],
        failed=states[FAILED],
        left_out=states[LEFT_OUT],
        not_reached=len(tasks) - sum(states.values()),
        outputs=sum(task.job.volume.is_file() for task in tasks),
        retries=sum(max(0, record.attempts - 1) for record in records),
        recomputed=sum(record.recomputed for record in records),
        workers=len({record.worker for record in records if record.attempts} - {""}),
    )


def write_table(path: Path, tasks: Sequence[Task], records: Sequence[Record], out: Path) -> None:
    """Write one row for each input, in their order; outputs below `out`. Raises OutputError."""
    known = {record.name: record for record in records}
    with atomic(path) as temporary, _opened(temporary) as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for task in tasks:
            record = known.get(task.name, Record(task.name, NOT_REACHED))
            whole = record.state in (COLORED, DONE_BEFORE)
            output = task.job.volume.relative_to(out.absolute()).as_posix() if whole else ""
            table.writerow(
                (
                    record.name,
                    record.state,
                    one_line(record.reason),
                    output,
                    record.slices or "",
                    f"{record.seconds:.1f}" if record.slices else "",
                    record.attempts,
                    record.worker,
                    one_line(record.notes),
                )
            )


def summary(counts: Counts, records: Sequence[Record], seconds: float, table: Path) -> list[str]:
    """The lines that tell a person how a run ended."""
    parts = [f"{counts.colored} coloured", f"{counts.done_before} done before"]
    parts.append(f"{counts.failed} failed")
    if counts.left_out:
        parts.append(f"{counts.left_out} left out, no scan")
    if counts.not_reached:
        parts.append(f"{counts.not_reached} not reached")
    slices = sum(record.slices for record in records if record.state == COLORED)
    lines = [
        f"{counts.inputs} inputs: {', '.join(parts)}. {counts.outputs} outputs.",
    ]
    if counts.colored or counts.failed:
        lines.append(
            f"{slices} slices in {seconds:.1f} s by {counts.workers} worker processes, "
            f"{counts.retries} {'retry' if counts.retries == 1 else 'retries'}, "
            f"{counts.recomputed} recomputed."
        )
    failed = sorted((r for r in records if r.state == FAILED), key=lambda record: record.name)
    lines += [f"  failed: {r.name}: {r.reason}" for r in failed[:NAMED]]
    if len(failed) > NAMED:
        lines.append(f"  and {len(failed) - NAMED} more in the table")
    return [*lines, f"Table: {table}", NOTICE]


def _opened(path: Path) -> TextIO:
    # File names need not be text; what is not goes into the table as the bytes that it is.
    return path.open("w", newline="", encoding="utf-8", errors="surrogateescape")
