"""The fine-tunings that are compared: without a structure term, with a bounded, with a free one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.model import ModelCard
from training.config import CONFIGS, TrainConfig, check_config
from training.data.prepared import PreparedVolume
from training.export import ExportNotes, export_model
from training.settings import load_config
from training.trainer import Trainer

CONFIG = CONFIGS / "trap.toml"
NOTES = "A demonstration of what a structure loss does; not a model to use."


@dataclass(frozen=True)
class Arm:
    """One fine-tuning. label: in tables and pictures; overrides: what it changes in trap.toml."""

    name: str
    label: str
    overrides: tuple[str, ...]


# The paper's own term and weight: the sum over five windows of 1 - SSIM of grey output and MRI.
SSIM = "losses.ssim_color=1"
ARMS = (
    Arm("plain", "no SSIM term", ()),
    Arm("lightness", "SSIM term, lightness alone", (SSIM, "losses.reach=lightness")),
    Arm("all", "SSIM term, free", (SSIM, "losses.reach=all")),
)


def arm_config(arm: Arm, card: ModelCard, overrides: Sequence[str] = ()) -> TrainConfig:
    """The settings of an arm: trap.toml, the generator of the model's card, the arm's change."""
    config = load_config(CONFIG, [*overrides, *arm.overrides])
    config = dataclasses.replace(
        config,
        initial=str(card.directory),
        temperature=card.temperature,
        slices=dataclasses.replace(
            config.slices,
            section=card.scale.pixels,
            least_mm=card.scale.least_mm,
            most_mm=card.scale.most_mm,
        ),
        generator=GeneratorConfig.checked(card.generator),
    )
    check_config(config)
    return config


def train_arm(
    arm: Arm,
    card: ModelCard,
    volumes: Sequence[PreparedVolume],
    folder: Path,
    overrides: Sequence[str] = (),
) -> Path:
    """Train an arm in `folder`/NAME, or go on there; returns the folder of its exported model.

    Raises ConfigError or RunError.
    """
    config = arm_config(arm, card, overrides)
    Trainer(config, volumes, folder / arm.name).run()
    model = folder / arm.name / "model"
    manifest = [volume.entry for volume in volumes]
    export_model(folder / arm.name, config, manifest, model, ExportNotes("0", notes=NOTES), "last")
    return model
