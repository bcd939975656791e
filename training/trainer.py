"""The training loop: draw, step, report, save, validate; goes on where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from training.checkpoint import (
    BEST,
    CHECKPOINT,
    CONFIG,
    averaged_weights,
    check_same_config,
    config_text,
    read_state,
    write_state,
)
from training.config import TrainConfig, check_config
from training.data.prepared import PreparedVolume
from training.data.synthesis import Random
from training.errors import RunError
from training.hardware import describe_hardware
from training.interruption import Interruption
from training.journal import Journal
from training.learner import DivergedError, Learner
from training.parallel import make_fabric
from training.picture import batch_picture, domain_picture
from training.sampling import StepSource, ramp
from training.segmentation import load_segnet
from training.validation import STRENGTH, Validator

FAR_SEED = 7919  # between the seeds of two processes


class Trainer:
    """One run of a TrainConfig in a folder; started again there, it goes on to the same bits."""

    def __init__(
        self, config: TrainConfig, volumes: Sequence[PreparedVolume], folder: Path
    ) -> None:
        """Raises ConfigError, RunError or ValueError before anything in the folder is changed."""
        check_config(config)
        self.config, self.folder = config, folder
        stored = read_state(folder / CHECKPOINT) if (folder / CHECKPOINT).exists() else None
        if stored is not None:
            check_same_config(stored, config, folder)
        self.fabric = make_fabric(config.precision)
        segnet = load_segnet(Path(config.segnet.path)).network if config.segnet.path else None
        self.learner = Learner(config, self.fabric, segnet)
        self.source = StepSource(volumes, "train", config)
        self.validator = Validator(config, volumes, self.fabric, segnet)
        self.shown = StepSource(volumes, "val", config) if config.needs_domains else None
        self.rng = Random(config.seed + FAR_SEED * self.fabric.global_rank)
        self.step, self.samples, self.seconds, self.best = 0, 0, 0.0, -math.inf
        if stored is not None:
            self._take_up(stored)
        elif config.initial:
            self._begin_with(Path(config.initial))
        self.journal: Journal | None = None
        if self.fabric.is_global_zero:  # the other processes keep silent
            self.journal = Journal(folder, config.tensorboard)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CONFIG).write_text(config_text(config), encoding="utf-8")

    def run(self, seconds: float = math.inf) -> bool:
        """Train to the configured number of steps, for `seconds`, or until asked to end.

        Returns whether all steps are done. Ctrl-C ends after the step under way and saves. Raises
        RunError when a loss is not finite or a checkpoint cannot be written; the checkpoint before
        that stays.
        """
        config, began, done_before = self.config, time.monotonic(), self.seconds
        totals, since = dict[str, float](), self.step
        with Interruption() as interruption:
            while self.step < config.steps:
                passed = time.monotonic() - began
                if self._agreed(interruption.asked or passed >= seconds):
                    break
                for name, value in self._train_step().items():
                    totals[name] = totals.get(name, 0.0) + value
                self.seconds = done_before + time.monotonic() - began
                last = self.step == config.steps
                if last or self.step % config.save_every == 0:
                    self.save()
                    means = {name: total / (self.step - since) for name, total in totals.items()}
                    self._report(means)
                    totals, since = {}, self.step
                if last or self.step % config.validate_every == 0:
                    self.validate()
            if self.step != since:
                self.save()
        if self.journal is not None:
            self.journal.close()
        return self.step == config.steps

    def validate(self) -> dict[str, float]:
        """Score the averaged weights, note it, and keep them if they are the best so far."""
        samples = self._all_samples()
        network = self.learner.average.network
        # In every process, on the same draws: measures share their means between the processes.
        scores, batch, output = self.validator.scores(network)
        if self.journal is not None:
            self.journal.scores(self.step, scores)
            self.journal.picture(self.step, "validation", batch_picture(batch, output))
            if self.shown is not None:
                seen = self.shown.draw(STRENGTH, Random(self.config.seed + 1))
                domains = self.learner.round_trip(seen.to(self.fabric.device))
                self.journal.picture(self.step, "domains", domain_picture(domains))
            if scores["score"] > self.best:
                self.best = scores["score"]
                state = {
                    "step": self.step,
                    "samples": samples,
                    "score": self.best,
                    "config": config_text(self.config),
                    "average": network.state_dict(),
                }
                write_state(state, self.folder / BEST)
        self.fabric.barrier()
        return scores

    def save(self) -> None:
        """Write the checkpoint that the same command goes on from."""
        world = self.fabric.world_size
        states = self.fabric.all_gather(self.rng.generator.get_state())
        state = {
            "step": self.step,
            **self.learner.state(),
            "random": states.cpu().reshape(world, -1),
            "samples": self._all_samples(),
            "seconds": self.seconds,
            "hardware": describe_hardware(self.fabric.device, world),
            "config": config_text(self.config),
        }
        if self.fabric.is_global_zero:
            write_state(state, self.folder / CHECKPOINT)
        self.fabric.barrier()

    def _train_step(self) -> dict[str, float]:
        batches = self.source.draw(ramp(self.config, self.step), self.rng)
        try:
            values = self.learner.step(batches.to(self.fabric.device), self.step)
        except DivergedError as error:
            raise RunError(
                f"Training stopped in step {self.step + 1}: {error}. {self._last_good()} Lower "
                "learning_rate or the weight of that loss, or set precision=32-true."
            ) from error
        self.step += 1
        self.samples += batches.samples
        return values

    def _all_samples(self) -> int:
        """Slices seen by all processes."""
        return int(self.fabric.all_gather(torch.tensor(self.samples)).sum())

    def _last_good(self) -> str:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return "Nothing had been saved yet."
        return f"The last good state is that of step {read_state(path)['step']}, in {path}."

    def _agreed(self, wish: bool) -> bool:
        """Whether any process wants to stop: all must, or the others would wait for ever."""
        if self.fabric.world_size == 1:
            return wish
        return float(self.fabric.all_reduce(torch.tensor(float(wish)), reduce_op="sum")) > 0

    def _report(self, means: dict[str, float]) -> None:
        if self.journal is not None:
            left = self.seconds / self.step * (self.config.steps - self.step)
            self.journal.losses(self.step, self.config.steps, self.seconds, left, means)

    def _take_up(self, state: dict) -> None:
        world, rank = self.fabric.world_size, self.fabric.global_rank
        random = torch.atleast_2d(state["random"])
        if len(random) != world:
            raise RunError(
                f"{self.folder} was trained by {len(random)} processes, not {world}: start as "
                f"many, or begin a new run with initial={self.folder}."
            )
        try:
            self.learner.load_state(state)
        except (KeyError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(
                f"The checkpoint in {self.folder} does not fit these settings ({reason}): give "
                "those that it was trained with, or another --run."
            ) from error
        self.rng.generator.set_state(random[rank].contiguous())
        self.step, self.seconds = state["step"], state.get("seconds", 0.0)
        if (self.folder / BEST).exists():
            self.best = read_state(self.folder / BEST)["score"]
        self.samples = state.get("samples", 0) if rank == 0 else 0

    def _begin_with(self, place: Path) -> None:
        try:
            self.learner.start_from(averaged_weights(place))
        except RuntimeError as error:
            raise RunError(
                f"The weights in {place} are of a generator that is built otherwise; give the same "
                "generator.* settings as there, or leave initial out."
            ) from error
