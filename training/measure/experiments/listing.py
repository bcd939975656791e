"""What of the experiments is done, what is under way, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.checkpoint import CHECKPOINT, read_state
from training.measure.colorings.conditions import CONDITIONS
from training.measure.experiments.manifest import Job, Manifest
from training.measure.experiments.results import RESULTS, read_result


def listing(manifest: Manifest, out: Path, only: Sequence[str] = ()) -> str:
    """One line a job. out: folder of the runs and their results."""
    return "\n".join(
        f"{job.name:32} {_state(job, out):34} {job.arm.title}" for job in manifest.jobs(only)
    )


def _state(job: Job, out: Path) -> str:
    result = read_result(out / RESULTS, job.arm.name, job.seed)
    if result is not None:
        if job.arm.config and not result.is_of(job.arm.settings(job.seed)):
            return "of other settings: to run again"
        left = [
            name
            for name in job.conditions
            if (found := result.conditions.get(name)) is None
            or found.recipe != CONDITIONS[name].recipe
        ]
        return f"to measure: {', '.join(left)}" if left else "done"
    if job.arm.config and (path := out / job.name / CHECKPOINT).exists():
        return f"step {read_state(path)['step']} of {job.arm.settings(job.seed).steps}"
    if job.arm.absent is not None:
        return "not run: no pictures"
    return "to run" if job.arm.config else "to measure"
