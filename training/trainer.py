"""The training loop: draw, colour, compare, step; averaged weights, checkpoints, validation."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from MRIColorizeLib.color import rgb_to_lab
from MRIColorizeLib.generator import DualDecoderGenerator
from MRIColorizeLib.tissue import NAMES
from training.config import TrainConfig
from training.data.prepared import PreparedVolume
from training.data.slices import SliceSource
from training.data.synthesis import Random
from training.losses import generator_losses
from training.picture import save_batch_picture

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"


class Trainer:
    """One run of a TrainConfig in a folder; started again there, it goes on where it stopped."""

    def __init__(
        self, config: TrainConfig, volumes: Sequence[PreparedVolume], folder: Path
    ) -> None:
        self.config, self.folder = config, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(dataclasses.asdict(config), indent=1))
        torch.manual_seed(config.seed)
        self.fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)
        generator = DualDecoderGenerator(config.generator)
        generator = generator.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(generator).to(self.fabric.device).requires_grad_(False)
        optimizer = torch.optim.AdamW(
            generator.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.generator, self.optimizer = self.fabric.setup(generator, optimizer)
        self.training = SliceSource(volumes, "train", config.slices)
        self.validation = SliceSource(volumes, "val", config.slices)
        self.rng = Random(config.seed)
        self.step = 0
        if (folder / CHECKPOINT).exists():
            self._load()

    def run(self, seconds: float = float("inf")) -> None:
        """Train to the configured number of steps, or until `seconds` have passed."""
        config = self.config
        began, totals, since = time.monotonic(), dict[str, float](), self.step
        while self.step < config.steps and time.monotonic() - began < seconds:
            self._set_learning_rate()
            for name, value in self._train_step().items():
                totals[name] = totals.get(name, 0.0) + value
            self.step += 1
            if self.step % config.save_every == 0 or self.step == config.steps:
                means = {name: total / (self.step - since) for name, total in totals.items()}
                self._report(means, time.monotonic() - began)
                totals, since = {}, self.step
                self._save()
            if self.step % config.validate_every == 0 or self.step == config.steps:
                self.validate()
        self._save()

    def _train_step(self) -> dict[str, float]:
        config = self.config
        ramp = min(self.step / max(config.synthesis.ramp_steps * config.steps, 1), 1.0)
        strength = config.synthesis.ramp_from + (1 - config.synthesis.ramp_from) * ramp
        batch = self.training.draw(config.pixels, config.synthesis, strength, self.rng)
        batch = batch.to(self.fabric.device)
        self.generator.train()
        output = self.generator(
            batch.real_A.contiguous(memory_format=torch.channels_last), batch.mask
        )
        terms = generator_losses(output, batch, config.losses)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(sum(terms.values()))
        self.fabric.clip_gradients(self.generator, self.optimizer, max_norm=config.clip)
        self.optimizer.step()
        self._update_average()
        return {name: float(term.detach()) for name, term in terms.items()}

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and statistics; short at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        current = self.generator.module.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(current[name], 1 - decay)
            else:
                mean.copy_(current[name])

    def _set_learning_rate(self) -> None:
        config = self.config
        warm = min((self.step + 1) / max(config.warmup, 1), 1.0)
        done = torch.tensor(torch.pi * self.step / config.steps)
        rate = config.learning_rate * warm * float(0.5 + 0.49 * torch.cos(done) + 0.01)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Scores of the averaged weights on the validation split, with the same draws each time.

        delta_e: mean CIE76 distance in the body to the photograph or painting; dice_*: per tissue.
        Writes a picture of the first batch and appends to validation.csv.
        """
        config = self.config
        rng = Random(config.seed + 1)
        self.average.eval()
        distance, pixels = 0.0, 0.0
        counts = torch.zeros(3, len(NAMES))  # both, labels, output
        for index in range(config.validation_batches):
            batch = self.validation.draw(config.pixels, config.synthesis, 0.7, rng)
            batch = batch.to(self.fabric.device)
            with self.fabric.autocast():
                output = self.average(batch.real_A, batch.mask, config.temperature)
            if index == 0:
                path = self.folder / "pictures" / f"validation_{self.step:06d}.png"
                save_batch_picture(batch, output, path)
            away = (rgb_to_lab(output.color.float()) - rgb_to_lab(batch.real_B)).norm(dim=1)
            distance += float((away * batch.mask[:, 0]).sum())
            pixels += float(batch.mask.sum())
            if output.logits is not None:
                counts += _overlaps(output.logits.argmax(1), batch.labels).cpu()
        scores = {"step": float(self.step), "delta_e": distance / pixels}
        dice = 2 * counts[0] / (counts[1] + counts[2]).clamp_min(1)
        scores |= {f"dice_{name}": float(dice[code]) for code, name in enumerate(NAMES) if code}
        _append_row(self.folder / "validation.csv", scores)
        return scores

    def _report(self, means: dict[str, float], seconds: float) -> None:
        _append_row(self.folder / LOG, {"step": self.step, "seconds": seconds, **means})
        text = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.fabric.print(f"step {self.step}/{self.config.steps}  {seconds:.0f} s  {text}")

    def _save(self) -> None:
        state = {
            "step": self.step,
            "generator": self.generator.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.rng.generator.get_state(),
        }
        temporary = self.folder / (CHECKPOINT + ".part")
        torch.save(state, temporary)
        temporary.replace(self.folder / CHECKPOINT)

    def _load(self) -> None:
        state = torch.load(self.folder / CHECKPOINT, weights_only=True)
        self.step = state["step"]
        self.generator.module.load_state_dict(state["generator"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.generator.set_state(state["random"])


def trained_generator(folder: Path, config: TrainConfig) -> tuple[nn.Module, int]:
    """The averaged generator of a run's last checkpoint, and its step."""
    state = torch.load(folder / CHECKPOINT, weights_only=True, map_location="cpu")
    generator = DualDecoderGenerator(config.generator)
    generator.load_state_dict(state["average"])
    return generator.eval(), int(state["step"])


def _overlaps(codes: Tensor, labels: Tensor) -> Tensor:
    """(3, classes): pixels of each class in both, in the labels, in the output."""
    size = len(NAMES)
    return torch.stack(
        [
            torch.bincount(labels[codes == labels].flatten(), minlength=size),
            torch.bincount(labels.flatten(), minlength=size),
            torch.bincount(codes.flatten(), minlength=size),
        ]
    ).float()


def _append_row(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(row)
        writer.writerow(f"{value:.6g}" for value in row.values())
