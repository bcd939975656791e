"""The queue: every arm trained, measured and noted in turn; what is done already is skipped."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from MRIColorizeLib.model import Model, ModelCard, load_model
from training.checkpoint import CHECKPOINT, read_state
from training.config import TrainConfig
from training.data.prepared import PreparedVolume, load_all
from training.evaluate.learned import ColorStatistics, learn_statistics
from training.experiments.assessment import assess, colorizer_of
from training.experiments.conditions import CONDITIONS
from training.experiments.held_out import ThinCase, data_digest, held_out
from training.experiments.manifest import Job, Manifest
from training.experiments.results import (
    ArmResult,
    Measured,
    Training,
    learnt,
    read_result,
    write_result,
)
from training.learner import make_generator
from training.segmentation import CARD as SEGNET_CARD
from training.segmentation import load_segnet, train_segnet
from training.trainer import Trainer

SEGNET = "segnet"  # folder of the one segmentation network that all arms share
NO_MORE_MINUTES = 0.5  # a training is not begun for less


@dataclass(frozen=True)
class Workplace:
    """Where a queue reads and writes.

    prepared: folder made by `prepare`. out: runs and weights, outside of version control. results:
    one small file an arm and seed, to be kept under version control. data: folder with mri/, for
    the test part. split: of the measurements. threads: of the CPU, 0 for what each arm asks for.
    """

    prepared: Path
    out: Path
    results: Path
    data: Path | None = None
    split: str = "val"
    threads: int = 0

    @cached_property
    def volumes(self) -> list[PreparedVolume]:
        return load_all(self.prepared)

    @cached_property
    def digest(self) -> str:
        return data_digest([volume.entry for volume in self.volumes])

    @cached_property
    def statistics(self) -> ColorStatistics:
        return learn_statistics(self.volumes)

    @cached_property
    def _cases(self) -> dict[str, list[ThinCase]]:
        return {}

    def cases(self, plane: str) -> list[ThinCase]:
        """The held-out slices of a plane; read once."""
        if plane not in self._cases:
            self._cases[plane] = held_out(self.volumes, self.split, self.data, plane)
        return self._cases[plane]


class Queue:
    """Runs the jobs of a manifest in a workplace."""

    def __init__(
        self, manifest: Manifest, place: Workplace, progress: Callable[[str], None] = print
    ) -> None:
        self.manifest, self.place, self.progress = manifest, place, progress

    def run(self, only: Sequence[str] = (), seconds: float = math.inf) -> bool:
        """Do every job that is not done; return whether all are.

        Ends after `seconds` or when asked to (Ctrl-C), between two steps of a training; the same
        call goes on from there. Raises TrainingError and what a training or a measurement raises.
        """
        began = time.monotonic()
        jobs = self.manifest.jobs(only)
        for number, job in enumerate(jobs, 1):
            left = seconds - (time.monotonic() - began)
            missing = self.missing(job)
            if not missing:
                continue
            if left < NO_MORE_MINUTES * 60:
                return False
            self.progress(f"[{number}/{len(jobs)}] {job.name}: {job.arm.title}")
            if not self._do(job, missing, left):
                return False
        return True

    def missing(self, job: Job) -> list[str]:
        """The conditions under which a job has not been measured with today's settings."""
        result = self._known(job)
        if result is None:
            return list(job.conditions)
        return [name for name in job.conditions if not self._measured(result, name)]

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
        if result is None:
            return None
        if job.arm.config is None:
            return result if result.weights == _shipped(job).card.weights_sha256 else None
        same = result.is_of(job.arm.settings(job.seed)) and result.data == self.place.digest
        return result if same else None

    def _do(self, job: Job, missing: Sequence[str], left: float) -> bool:
        threads = self.place.threads
        if job.arm.config is None:
            model, training = _shipped(job), None
            torch.set_num_threads(threads or torch.get_num_threads())
        else:
            config = self._with_segnet(job.arm.settings(job.seed))
            torch.set_num_threads(threads or config.threads)
            folder = self.place.out / job.name
            trainer = Trainer(config, self.place.volumes, folder)
            if not trainer.run(seconds=left):
                return False
            del trainer  # its optimizers' memory is better used by the measurements
            model, training = _trained(config, folder)
        known = self._known(job)
        if known is not None and known.weights != model.card.weights_sha256:
            known = None  # trained once more, on another machine: its numbers go together
            missing = job.conditions
        result = known or ArmResult(
            arm=job.arm.name,
            seed=job.seed,
            weights=model.card.weights_sha256,
            parameters=sum(p.numel() for p in model.generator.parameters()),
            data=self.place.digest,
            software=f"Python {platform.python_version()}, torch {torch.__version__}",
            training=training,
        )
        for name, measured in self._measure(model, missing, trivial=training is None):
            result = replace(result, conditions={**result.conditions, name: measured})
            write_result(result, self.place.results)
        return True

    def _measure(
        self, model: Model, names: Sequence[str], trivial: bool
    ) -> Iterator[tuple[str, Measured]]:
        """trivial: measure the trivial colourings too, which are the same beside every model."""
        place, colorizer = self.place, colorizer_of(model)
        for name in names:
            began = time.monotonic()
            condition = CONDITIONS[name]
            cases = place.cases(condition.plane)
            series = assess(colorizer, cases, condition, place.statistics, trivial)
            rows = tuple(series)
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


def _shipped(job: Job) -> Model:
    return load_model(job.arm.model)


def _trained(config: TrainConfig, folder: Path) -> tuple[Model, Training]:
    """The averaged weights of a run's last step as a model, and how they came about.

    The last, not the best: choosing on the validation part would flatter the arms on it.
    """
    state = read_state(folder / CHECKPOINT)
    generator = make_generator(config)
    generator.load_state_dict(state["average"])
    generator.eval().requires_grad_(False)
    card = ModelCard(
        name=config.name,
        version="",
        title=config.name,
        licence="",
        spacing_mm=config.slices.spacing_mm,
        temperature=config.temperature,
        generator=dataclasses.asdict(config.generator),
        weights_sha256=_weights_digest(generator),
        weights_bytes=0,
        directory=folder,
        details={},
    )
    segnet = None
    if config.segnet.path:
        segnet = load_segnet(Path(config.segnet.path)).card["weights"]["sha256"]
    training = Training(
        settings=learnt(config),
        steps=int(state["step"]),
        samples=int(state["samples"]),
        seconds=round(float(state["seconds"]), 1),
        hardware=state["hardware"],
        segnet=segnet,
    )
    return Model(card, generator), training


def _weights_digest(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()
