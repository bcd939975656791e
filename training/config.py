"""The configuration of a training: frozen dataclasses filled from TOML and the command line."""

from __future__ import annotations

import ast
import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from MRIColorizeLib.generator import GeneratorConfig

CONFIGS = Path(__file__).parent / "configs"
T = TypeVar("T")


class ConfigError(Exception):
    """A configuration file or an override is wrong; the message says where."""


@dataclass(frozen=True)
class SliceConfig:
    """How slices are drawn and bent."""

    spacing_mm: float = 1.0  # of the network's pixels; written on the model's card
    spacing_jitter: float = 0.25  # +- share of it
    body_spacing_mm: float = 1.5  # for photographs whose pixels are coarser than this
    crops: tuple[int, ...] = (160, 192)  # pixels; one size a batch
    any_rotation: float = 0.3  # share of samples turned by any angle, the others within 25 degrees
    elastic_mm: float = 3.0
    strip: float = 0.25  # share of the samples with more than a brain that are reduced to it
    csf_rim: float = 0.3  # share of cryosection samples whose brain gets a wider rim of CSF
    photographs: float = 0.5  # share of samples that come from cryosections


@dataclass(frozen=True)
class SynthesisConfig:
    """How strongly the synthetic MRI is randomised at the end of the ramp."""

    ramp_from: float = 0.3  # share of the full strength in the first step
    ramp_steps: float = 0.8  # share of the training after which the strength is full
    synthetic: float = 0.5  # share of labelled real MRI that gets a synthetic contrast
    random_contrast: float = 0.05  # share with class intensities from nowhere
    properties: float = 0.12  # relative spread of the tissues' proton density, T1 and T2
    class_jitter: float = 0.04
    texture: float = 0.08
    photo_texture: float = 0.3  # how far the picture's own fine structure enters
    bias: float = 0.35
    noise: float = 0.06
    gamma: float = 0.3
    gain: float = 0.2
    blur: float = 2.5  # largest loss of resolution, in pixels


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    color: float = 3.0
    pseudo: float = 1.5
    gradient: float = 1.5
    tissue: float = 0.4
    structure: float = 0.15  # reaches the lightness residual alone
    background: float = 0.25  # weight of a background pixel in the colour losses


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    name: str = "visible-human-head"
    seed: int = 1
    steps: int = 6000
    pixels: int = 16 * 128 * 128  # in a batch
    learning_rate: float = 3e-3
    warmup: int = 200
    weight_decay: float = 1e-4
    clip: float = 5.0
    ema: float = 0.998
    precision: str = "bf16-mixed"
    threads: int = 2
    save_every: int = 250
    validate_every: int = 500
    validation_batches: int = 12
    temperature: float = 0.6  # of the softmax at use; written on the card
    slices: SliceConfig = field(default_factory=SliceConfig)
    synthesis: SynthesisConfig = field(default_factory=SynthesisConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a TOML file and apply overrides such as `losses.color=2` or `steps=100`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is no readable configuration: {error}") from error
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"{override!r} is no override; write it as key=value.")
        table = data
        *parents, last = key.split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
        table[last] = _value(text)
    return _build(TrainConfig, data, "")


def _value(text: str) -> Any:
    try:
        return ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
    except (ValueError, SyntaxError):
        return text


def _build(kind: type[T], data: dict[str, Any], where: str) -> T:
    known = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    settings = {}
    for key, value in data.items():
        if key not in known:
            raise ConfigError(f"There is no setting {where}{key}.")
        default = known[key].default_factory
        if dataclasses.is_dataclass(default):
            value = _build(default, value, f"{where}{key}.")  # type: ignore[arg-type]
        settings[key] = tuple(value) if isinstance(value, list) else value
    return kind(**settings)
