"""The queue: every arm trained, measured and noted in turn; what is done already is skipped."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from training.config import TrainConfig
from training.errors import RunError
from training.measure.colorings.conditions import CONDITIONS
from training.measure.experiments.assessment import assess
from training.measure.experiments.manifest import Job, Manifest
from training.measure.experiments.results import ArmResult, Measured, read_result, write_result
from training.measure.experiments.subjects import (
    Subject,
    finished_subject,
    pictured_subject,
    trained_subject,
)
from training.measure.experiments.workplace import Workplace
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
        result = self._known(job)
        if result is None:
            return list(job.conditions)
        return [name for name in job.conditions if not self._measured(result, name)]

    def _can_run(self, job: Job) -> bool:
        """Whether there is anything to measure: of another system only where pictures are given."""
        folder = self.place.predictions
        return job.arm.absent is None or bool(folder and (folder / job.arm.name).is_dir())

    def _measured(self, result: ArmResult, name: str) -> bool:
        found, place = result.conditions.get(name), self.place
        return found is not None and (found.split, found.data, found.recipe) == (
            place.split,
            place.digest,
            CONDITIONS[name].recipe,
        )

    def _known(self, job: Job) -> ArmResult | None:
        """The job's result, when it is of these settings and of this data."""
        result = read_result(self.place.results, job.arm.name, job.seed)
        if result is None or result.data != self.place.digest:
            return None
        if job.arm.config is None:
            return result if result.weights == self._finished(job).weights else None
        return result if result.is_of(job.arm.settings(job.seed)) else None

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
            trainer = Trainer(config, self.place.volumes, folder)
            if not trainer.run(seconds=left):
                return False
            del trainer  # its optimizers' memory is better used by the measurements
            subject = trained_subject(config, folder)
        known = self._known(job)
        if known is not None and known.weights != subject.weights:
            known = None  # trained once more, on another machine: its numbers go together
            missing = job.conditions
        result = known or ArmResult(
            arm=job.arm.name,
            seed=job.seed,
            weights=subject.weights,
            parameters=subject.parameters,
            data=self.place.digest,
            software=f"Python {platform.python_version()}, torch {torch.__version__}",
            training=subject.training,
        )
        for name, measured in self._measure(subject, missing):
            result = replace(result, conditions={**result.conditions, name: measured})
            write_result(result, self.place.results)
        return True

    def _measure(self, subject: Subject, names: Sequence[str]) -> Iterator[tuple[str, Measured]]:
        place = self.place
        for name in names:
            began = time.monotonic()
            condition = CONDITIONS[name]
            cases = place.cases(condition.plane)
            rows = tuple(assess(subject, cases, condition, place.statistics))
            seconds = time.monotonic() - began
            self.progress(f"  measured {name}: {len(rows)} series, {seconds:.0f} s")
            yield name, Measured(place.split, place.digest, condition.recipe, seconds, rows)

    def _with_segnet(self, config: TrainConfig) -> TrainConfig:
        """The settings with the queue's own SegNet, which is trained when it is first needed."""
        if config.segnet.path != SEGNET:
            return config
        folder = self.place.out / SEGNET
        if not (folder / SEGNET_CARD).exists():
            self.progress("  training SegNet first")
            train_segnet(config, self.place.volumes, folder, self.progress)
        return replace(config, segnet=replace(config.segnet, path=str(folder)))
