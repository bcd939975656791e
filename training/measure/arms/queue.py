"""The queue: every arm trained, measured and noted in turn; what is done already is skipped."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from training.config import TrainConfig
from training.errors import RunError
from training.hardware import describe_hardware
from training.measure.arms.assessment import Assessment, Assessor
from training.measure.arms.manifest import Job, Manifest
from training.measure.arms.records import Measured, Record, read_record, write_record
from training.measure.arms.subjects import (
    Subject,
    finished_subject,
    pictured_subject,
    trained_subject,
)
from training.measure.arms.workplace import Workplace
from training.measure.colorings.conditions import CONDITIONS, PLAIN
from training.segmentation import CARD as SEGNET_CARD
from training.segmentation import train_segnet
from training.trainer import Trainer

SEGNET = "segnet"  # folder of the one segmentation network that all arms share
NO_MORE_MINUTES = 0.5  # a training is not begun for less


class Queue:
    """Runs the jobs of a manifest in a workplace."""

    def __init__(
        self, manifest: Manifest, place: Workplace, progress: Callable[[str], None] = print
    ) -> None:
        self.manifest, self.place, self.progress = manifest, place, progress

    def run(self, only: Sequence[str] = (), seconds: float = math.inf) -> bool:
        """Do every job that is not done; return whether all are.

        Ends after `seconds` or when asked to (Ctrl-C), between two steps of a training; the same
        call goes on from there. An arm whose training breaks down does not hold up the others:
        RunError names all of them at the end. Raises what else a training or a measurement raises.
        """
        began = time.monotonic()
        jobs, broken = self.manifest.jobs(only), list[str]()
        for number, job in enumerate(jobs, 1):
            left = seconds - (time.monotonic() - began)
            if not self._can_run(job) or not (missing := self.missing(job)):
                continue
            if left < NO_MORE_MINUTES * 60:
                return False
            self.progress(f"[{number}/{len(jobs)}] {job.name}: {job.arm.title}")
            try:
                finished = self._do(job, missing, left)
            except RunError as error:
                self.progress(f"  {error}")
                broken.append(f"{job.name}: {error}")
                continue
            if not finished:
                return False
        if broken:
            raise RunError(" ".join(broken))
        return True

    def missing(self, job: Job) -> list[str]:
        """The conditions under which a job has not been measured with today's settings."""
        record = self._known(job)
        return [n for n in job.conditions if record is None or not self._measured(record, n)]

    def _can_run(self, job: Job) -> bool:
        """Whether there is anything to measure: of another system only where pictures are given."""
        folder = self.place.predictions
        return job.arm.absent is None or bool(folder and (folder / job.arm.name).is_dir())

    def _measured(self, record: Record, name: str) -> bool:
        found, place = record.conditions.get(name), self.place
        return found is not None and (found.split, found.data, found.recipe) == (
            place.split,
            place.digest,
            CONDITIONS[name].recipe,
        )

    def _known(self, job: Job) -> Record | None:
        """The job's record, when it is of these settings and of this data."""
        record = read_record(self.place.records, job.arm.name, job.seed)
        if record is None or {m.data for m in record.conditions.values()} != {self.place.digest}:
            return None
        if job.arm.config is None:
            return record if record.weights == self._finished(job).weights else None
        return record if record.is_of(job.arm.settings(job.seed)) else None

    def _finished(self, job: Job) -> Subject:
        """What needs no training."""
        if job.arm.model is not None:
            return finished_subject(job.arm.model, job.arm.trivial)
        if self.place.predictions is None:
            raise RunError(f"{job.arm.name} is measured by its pictures; give --predictions.")
        return pictured_subject(self.place.predictions / job.arm.name)

    def _do(self, job: Job, missing: Sequence[str], left: float) -> bool:
        """Train what is not trained, measure what is missing; whether that was all."""
        threads = self.place.threads
        if job.arm.config is None:
            torch.set_num_threads(threads or torch.get_num_threads())
            subject = self._finished(job)
        else:
            config = self._with_segnet(job.arm.settings(job.seed))
            torch.set_num_threads(threads or config.threads)
            folder = self.place.out / job.name
            trainer = Trainer(config, self.place.prepared_volumes, folder)
            if not trainer.run(seconds=left):
                return False
            del trainer  # its optimizers' memory is better used by the measurements
            subject = trained_subject(config, folder)
        record = self._known(job)
        if record is None or record.weights != subject.weights:
            missing = job.conditions  # trained once more, on another machine: numbers go together
            record = new_record(job.arm.name, job.seed, subject)
        assessor = Assessor(subject, self.place.statistics)
        for name in missing:
            record, _ = measure(record, assessor, self.place, name, self.progress)
            write_record(record, self.place.records)
        return True

    def _with_segnet(self, config: TrainConfig) -> TrainConfig:
        """The settings with the queue's own SegNet, which is trained when it is first needed."""
        if config.segnet.path != SEGNET:
            return config
        folder = self.place.out / SEGNET
        if not (folder / SEGNET_CARD).exists():
            self.progress("  training SegNet first")
            train_segnet(config, self.place.prepared_volumes, folder, self.progress)
        return replace(config, segnet=replace(config.segnet, path=str(folder)))


def new_record(arm: str, seed: int, subject: Subject) -> Record:
    """The record of a subject of which nothing is measured yet."""
    software = f"Python {platform.python_version()}, torch {torch.__version__}"
    return Record(
        arm=arm,
        seed=seed,
        title=subject.title,
        notes=subject.notes,
        weights=subject.weights,
        parameters=subject.parameters,
        where=f"{describe_hardware(torch.device(subject.colorizer.device))}, {software}",
        training=subject.training,
    )


def measure(
    record: Record,
    assessor: Assessor,
    place: Workplace,
    name: str,
    progress: Callable[[str], None],
) -> tuple[Record, Assessment]:
    """The record with the numbers of a condition, and what they were taken from.

    Raises ValueError when there is nothing to measure.
    """
    began, condition = time.monotonic(), CONDITIONS[name]
    whole = place.whole and name == PLAIN
    cases = place.whole_cases() if whole else place.cases(condition.plane)
    assessment = assessor.assess(cases, condition)
    if name == PLAIN and assessment.table.empty:
        raise ValueError(f"There is nothing to measure in the split {place.split!r}.")
    seconds = time.monotonic() - began
    progress(f"  measured {name}: {len(assessment.table)} numbers, {seconds:.0f} s")
    measured = Measured(
        place.split, place.digest, condition.recipe, round(seconds, 1), assessment.known
    )
    return record.with_condition(name, measured, assessment.table), assessment
