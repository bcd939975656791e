"""What of the experiments is done, what is under way, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.checkpoint import CHECKPOINT, read_state
from training.measure.arms.manifest import Job, Manifest
from training.measure.arms.records import RECORDS, read_record
from training.measure.colorings.conditions import CONDITIONS


def listing(manifest: Manifest, out: Path, only: Sequence[str] = ()) -> str:
    """One line a job. out: folder of the runs and their records."""
    return "\n".join(
        f"{job.name:32} {_state(job, out):34} {job.arm.title}" for job in manifest.jobs(only)
    )


def _state(job: Job, out: Path) -> str:
    record = read_record(out / RECORDS, job.arm.name, job.seed)
    if record is not None:
        if job.arm.config and not record.is_of(job.arm.settings(job.seed)):
            return "of other settings: to run again"
        left = [
            name
            for name in job.conditions
            if (found := record.conditions.get(name)) is None
            or found.recipe != CONDITIONS[name].recipe
        ]
        return f"to measure: {', '.join(left)}" if left else "done"
    if job.arm.config and (path := out / job.name / CHECKPOINT).exists():
        return f"step {read_state(path)['step']} of {job.arm.settings(job.seed).steps}"
    if job.arm.absent is not None:
        return "not run: no pictures"
    return "to run" if job.arm.config else "to measure"
