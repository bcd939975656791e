"""A model on disk: its card and its weights; listed, verified and loaded.

Importing this file imports no torch: the panel lists models before torch is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DependencyError, ModelError

if TYPE_CHECKING:
    from .generator import DualDecoderGenerator

DEFAULT_MODEL = "visible-human-head"
CARD_NAME = "model.json"
WEIGHTS_NAME = "weights.safetensors"
MAX_CARD_BYTES = 1 << 20
MAX_WEIGHTS_BYTES = 1 << 30


@dataclass(frozen=True)
class ModelCard:
    """What a model's card says about it.

    spacing_mm: millimetres per pixel that the network works at. generator: fields of
    GeneratorConfig. temperature: of the tissue softmax at use. details: everything else on the card
    (training data and licences, measures with spread, intended use, limits).
    """

    name: str
    version: str
    title: str
    licence: str
    spacing_mm: float
    temperature: float
    generator: Mapping[str, Any]
    weights_sha256: str
    weights_bytes: int
    directory: Path
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A card and the generator with its weights, on the CPU, ready for use."""

    card: ModelCard
    generator: DualDecoderGenerator


def models_directory() -> Path:
    """Where the models that ship lie: beside the package in Slicer, inside it in a wheel."""
    package = Path(__file__).resolve().parent
    for root in (package.parent, package):
        if (root / "Resources" / "Models").is_dir():
            return root / "Resources" / "Models"
    raise ModelError("The folder of the models that ship is missing; install MRIColorize again.")


def list_models() -> list[ModelCard]:
    """Cards of the models that ship, the default first; unreadable ones are left out."""
    cards = []
    for directory in sorted(models_directory().iterdir()):
        try:
            cards.append(read_card(directory))
        except ModelError:
            continue
    return sorted(cards, key=lambda card: (card.name != DEFAULT_MODEL, card.name))


def find_model(name_or_directory: str | Path | None = None) -> Path:
    """Folder of a model given by name, by folder, or not at all (the default)."""
    if name_or_directory is None:
        return models_directory() / DEFAULT_MODEL
    text = str(name_or_directory)
    shipped = models_directory() / text
    if text == Path(text).name and (shipped / CARD_NAME).is_file():
        return shipped
    directory = Path(name_or_directory).expanduser()
    if directory.is_dir():
        return directory
    known = ", ".join(card.name for card in list_models())
    raise ModelError(f"There is no model {text!r}; give a model's folder or one of: {known}.")


def read_card(directory: Path) -> ModelCard:
    """Read and check a card. Raises ModelError when it is missing, damaged or not ours."""
    path = directory / CARD_NAME
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise ModelError(f"{path} is too large for a model card; get the model again.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{directory} has no readable {CARD_NAME}; it is no model.") from error
    except ValueError as error:
        raise ModelError(f"{path} is damaged (not JSON); get the model again.") from error
    try:
        weights = data["weights"]
        if weights["file"] != WEIGHTS_NAME:
            raise ModelError(f"{path} names other weights than {WEIGHTS_NAME}; refused.")
        card = ModelCard(
            name=str(data["name"]),
            version=str(data["version"]),
            title=str(data["title"]),
            licence=str(data["licence"]),
            spacing_mm=float(data["spacing_mm"]),
            temperature=float(data["temperature"]),
            generator=dict(data["generator"]),
            weights_sha256=str(weights["sha256"]),
            weights_bytes=int(weights["bytes"]),
            directory=directory,
            details=data,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} lacks or garbles {error}; get the model again.") from error
    if not 0.05 <= card.spacing_mm <= 20 or not 0.05 <= card.temperature <= 5:
        raise ModelError(f"{path} has an impossible spacing or temperature; get the model again.")
    return card


def load_model(name_or_directory: str | Path | None = None) -> Model:
    """Load and verify a model: card, size and SHA-256 of the weights, names and shapes of tensors.

    Raises ModelError when anything does not fit, DependencyError when torch or safetensors is
    missing. Weights are safetensors; no pickle is ever read.
    """
    card = read_card(find_model(name_or_directory))
    raw = _read_weights(card)
    try:
        import safetensors
        from safetensors.torch import load as load_safetensors

        from .generator import DualDecoderGenerator, GeneratorConfig
    except ImportError as error:
        raise DependencyError(
            f"The Python package {error.name} is missing; install PyTorch and safetensors first."
        ) from error
    known = {field.name for field in fields(GeneratorConfig)}
    if unknown := sorted(set(card.generator) - known):
        raise ModelError(
            f"The card of {card.name} asks for {', '.join(unknown)}, which this version does not "
            "know; update MRIColorize."
        )
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in card.generator.items()
    }
    try:
        generator = DualDecoderGenerator(GeneratorConfig(**settings))
        generator.load_state_dict(load_safetensors(raw))
    except (safetensors.SafetensorError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The weights of {card.name} do not fit its card: {reason}") from error
    return Model(card, generator.eval().requires_grad_(False))


def _read_weights(card: ModelCard) -> bytes:
    path = card.directory / WEIGHTS_NAME
    try:
        size = path.stat().st_size
        if size != card.weights_bytes or size > MAX_WEIGHTS_BYTES:
            raise ModelError(
                f"{path} has {size} bytes, its card says {card.weights_bytes}; get the model again."
            )
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable; get the model again.") from error
    if hashlib.sha256(raw).hexdigest() != card.weights_sha256:
        raise ModelError(f"{path} is damaged (its SHA-256 is not the card's); get the model again.")
    return raw
