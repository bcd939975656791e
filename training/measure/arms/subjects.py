"""What is measured: trained weights, a finished model, or another system's pictures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.network.model import Model, load_model
from training.checkpoint import CHECKPOINT, read_state
from training.config import TrainConfig
from training.learner import make_generator
from training.measure.arms.records import Training, learnt, weights_digest
from training.measure.colorings.engines import colorizer_of
from training.measure.colorings.predictions import Predictions
from training.segmentation import load_segnet


@dataclass(frozen=True)
class Subject:
    """One thing to measure.

    weights: SHA-256 of weights or pictures. training: None for what came finished. colorizer: the
    engine with the model. trivial: whether the trivial colourings and the truth are measured too.
    system: pictures that are measured instead of the model's colours.
    """

    title: str
    weights: str
    parameters: int
    training: Training | None
    colorizer: Colorizer
    notes: str = ""
    trivial: bool = False
    system: Predictions | None = None


def finished_subject(model: str | None, trivial: bool, device: str = "auto") -> Subject:
    """A model as it is, None for the one that ships."""
    loaded = load_model(model)
    card = loaded.card
    return Subject(
        title=f"{card.name} {card.version}",
        weights=card.weights_sha256,
        parameters=_count(loaded.generator),
        training=None,
        colorizer=colorizer_of(loaded, device),
        notes=str(card.details.get("training", {}).get("notes", "")),
        trivial=trivial,
    )


def pictured_subject(folder: Path) -> Subject:
    """Another system's pictures, in `folder`/CASE/NNNN.png."""
    pictures = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.png")}
    system = Predictions(folder.name, folder)
    # The engine gives the slices and their bodies; its colours are not measured.
    colorizer = colorizer_of(load_model())
    return Subject(folder.name, weights_digest(pictures), 0, None, colorizer, system=system)


def trained_subject(config: TrainConfig, folder: Path) -> Subject:
    """The averaged weights of a run's last step.

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
        scale=config.slices.scale,
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
    return Subject(
        title=config.name,
        weights=card.weights_sha256,
        parameters=_count(generator),
        training=training,
        colorizer=colorizer_of(Model(card, generator)),
    )


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _weights_digest(network: nn.Module) -> str:
    tensors = network.state_dict().items()
    return weights_digest({n: t.contiguous().cpu().numpy().tobytes() for n, t in tensors})
