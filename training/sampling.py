"""What a training step is given: registered pairs, and samples that do not belong together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from training.config import SynthesisConfig, TrainConfig
from training.data.prepared import PreparedVolume
from training.data.slices import Batch, SliceSource
from training.data.synthesis import Random
from training.errors import ConfigError


@dataclass(frozen=True)
class StepBatch:
    """registered: pairs with truth; mri, cryosection: both domains, of which nothing is paired."""

    registered: Batch | None
    mri: Batch | None = None
    cryosection: Batch | None = None

    def to(self, device: torch.device | str) -> StepBatch:
        """The same on another device."""
        parts = (self.registered, self.mri, self.cryosection)
        return StepBatch(*(None if part is None else part.to(device) for part in parts))

    @property
    def domains(self) -> tuple[Batch, Batch]:
        """The MRI and the cryosections of the domain terms; registered pairs are both."""
        mri = self.mri or self.registered
        cryosection = self.cryosection or self.registered
        if mri is None or cryosection is None:
            raise ValueError("A step needs registered pairs or both domains.")
        return mri, cryosection

    @property
    def samples(self) -> int:
        """Slices in the step."""
        parts = (self.registered, self.mri, self.cryosection)
        return sum(len(part.labels) for part in parts if part is not None)


class StepSource:
    """Draws the batches of one split; real MRI keep their own intensities where unpaired."""

    def __init__(self, volumes: Sequence[PreparedVolume], split: str, config: TrainConfig) -> None:
        self.config = config
        self.registered = self.mri = self.cryosection = None
        if config.unpaired < 1:
            self.registered = SliceSource(volumes, split, config.slices)
        if config.unpaired > 0:
            self.mri = _source_of("mri", volumes, split, config)
            self.cryosection = _source_of("cryosection", volumes, split, config)

    def draw(self, strength: float, rng: Random) -> StepBatch:
        """One step's samples, about config.pixels in all; strength: 0 to 1, of the synthesis."""
        config = self.config
        real = dataclasses.replace(config.synthesis, synthetic=0.0)
        half = round(config.pixels * config.unpaired / 2)
        paired = config.pixels - 2 * half

        def of(source: SliceSource | None, pixels: int, synthesis: SynthesisConfig) -> Batch | None:
            return None if source is None else source.draw(pixels, synthesis, strength, rng)

        return StepBatch(
            of(self.registered, paired, config.synthesis),
            of(self.mri, half, real),
            of(self.cryosection, half, real),
        )


def ramp(config: TrainConfig, step: int) -> float:
    """Strength of the synthesis in a step: it widens as training goes."""
    done = min(step / max(config.synthesis.ramp_steps * config.steps, 1), 1.0)
    return config.synthesis.ramp_from + (1 - config.synthesis.ramp_from) * done


def _source_of(
    kind: str, volumes: Sequence[PreparedVolume], split: str, config: TrainConfig
) -> SliceSource:
    chosen = [volume for volume in volumes if volume.entry.kind == kind and volume.indices(split)]
    if not chosen:
        raise ConfigError(
            f"Unpaired samples need a prepared volume of kind {kind!r} in the split {split!r}; "
            "prepare one, or set unpaired to 0."
        )
    return SliceSource(chosen, split, config.slices.registered)  # nothing is paired here
