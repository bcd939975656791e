"""A small network with clear opinions, so that a run takes milliseconds; and a made head."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.network.card import CARD_NAME, WEIGHTS_NAME, ModelCard
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import Model
from MRIColorizeLib.scale import Scale
from MRIColorizeLib.volume import Volume


def small_model(directory: Path = Path("small"), **settings: Any) -> Model:
    """An untrained model of width 4 at 2 mm a pixel; settings: of GeneratorConfig."""
    torch.manual_seed(3)
    config = GeneratorConfig(**{"width": 4, "branch_width": 4, "blocks": 1, **settings})
    generator = DualDecoderGenerator(config).eval().requires_grad_(False)
    _give_opinions(generator)
    card = ModelCard(
        name="small",
        version="1",
        title="a small untrained network",
        licence="Apache-2.0",
        scale=Scale.fixed(2.0),
        temperature=0.7,
        generator=asdict(config),
        weights_sha256="",
        weights_bytes=0,
        directory=directory,
        details={},
    )
    return Model(card, generator)


def _give_opinions(generator: DualDecoderGenerator) -> None:
    """Untrained scores hardly differ; like this most pixels are one or two tissues, as in use."""
    slices = torch.from_numpy(normalize(made_head().array)[0])[:, None]
    slices = slices.expand(-1, generator.config.in_channels, -1, -1)
    output = generator.semantic.output
    scores = generator.paint(slices).logits if generator.config.head == "palette" else None
    if scores is not None:
        inside = scores.movedim(1, -1)[slices[:, 0] > 0]
        factor = 4 / inside.std(dim=0)
        output.weight.mul_(factor[:, None, None, None])
        output.bias.copy_(factor * (output.bias - inside.mean(dim=0)))


def write_model(directory: Path, name: str = "small", **settings: Any) -> Path:
    """Put a small model into a folder as it would be on a disk; settings: of GeneratorConfig."""
    model = small_model(directory, **settings)
    weights = save(model.generator.state_dict())
    directory.mkdir(parents=True)
    (directory / WEIGHTS_NAME).write_bytes(weights)
    card = {
        "name": name,
        **{key: getattr(model.card, key) for key in ("version", "title", "licence", "generator")},
        "spacing_mm": model.card.scale.least_mm,
        "temperature": model.card.temperature,
        "weights": {
            "file": WEIGHTS_NAME,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
        },
    }
    (directory / CARD_NAME).write_text(json.dumps(card), encoding="utf-8")
    return directory


def made_head(shape: tuple[int, int, int] = (12, 40, 36), seed: int = 0) -> Volume:
    """A ball of uneven tissue in air, on a grid of 2 mm."""
    rng = np.random.default_rng(seed)
    axes = [np.linspace(-1.2, 1.2, n) for n in shape]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(0.4 * z**2 + y**2 + x**2)
    tissue = 90 + 40 * np.sin(5 * x) * np.cos(4 * y + 2 * z) + 50 * (radius < 0.5)
    array = np.where(radius < 1, tissue, 2.0) + rng.normal(0, 1, shape)
    return Volume(array.astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))
