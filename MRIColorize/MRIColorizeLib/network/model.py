"""A model on disk: its card and its weights; listed, verified and loaded.

Importing this file imports no torch: the panel lists models before torch is there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DependencyError, ModelError
from ..resources import find_resources
from ..scale import Scale
from .config import GeneratorConfig
from .weights import load_tensors, regular_size

if TYPE_CHECKING:
    from .generator import DualDecoderGenerator

DEFAULT_MODEL = "visible-human-head"
CARD_NAME = "model.json"
WEIGHTS_NAME = "weights.safetensors"
MAX_CARD_BYTES = 1 << 20
MAX_TEXT = 1000


@dataclass(frozen=True)
class ModelCard:
    """What a model's card says about it.

    scale: at which the network sees a section. generator: fields of
    GeneratorConfig. temperature: of the tissue softmax at use. details: everything else on the card
    (training data and licences, measures with spread, intended use, limits).
    """

    name: str
    version: str
    title: str
    licence: str
    scale: Scale
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
    directory = find_resources("Models")
    if directory is None:
        raise ModelError("The folder of the models that ship is missing; install it again.")
    return directory


def cache_folder() -> Path:
    """Where a person's own models lie, one folder each; it need not exist.

    $MRICOLORIZE_CACHE, or the system's folder for caches.
    """
    if chosen := os.environ.get("MRICOLORIZE_CACHE"):
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))
    return base / "MRIColorize" / "Models"


def cached_bytes() -> int:
    """How much the models in the cache folder take."""
    return sum(
        path.lstat().st_size
        for directory in _cached_directories()
        for path in directory.rglob("*")
        if path.is_file()
    )


def clear_cache() -> int:
    """Delete the models in the cache folder and return how many bytes they took.

    Other files there stay, and so does what a link points to. Raises ModelError when a model cannot
    be deleted.
    """
    freed = cached_bytes()
    for directory in _cached_directories():
        try:
            if directory.is_symlink():
                directory.unlink()
            else:
                shutil.rmtree(directory)
        except OSError as error:
            raise ModelError(f"{directory} cannot be deleted ({error.strerror}).") from error
    return freed


def list_models() -> list[ModelCard]:
    """Cards of the models that ship, the default first, then of those in the cache folder.

    Unreadable ones are left out, and so are cached ones with the name of one before them.
    """
    shipped = _cards(sorted(models_directory().iterdir()))
    shipped.sort(key=lambda card: (card.name != DEFAULT_MODEL, card.name))
    found: dict[str, ModelCard] = {}
    for card in (*shipped, *_cards(_cached_directories())):
        found.setdefault(card.name, card)
    return list(found.values())


def _cards(directories: list[Path]) -> list[ModelCard]:
    cards = []
    for directory in directories:
        try:
            cards.append(read_card(directory))
        except ModelError:
            continue
    return cards


def _cached_directories() -> list[Path]:
    """Folders of the cache that hold a card."""
    try:
        return sorted(path for path in cache_folder().iterdir() if (path / CARD_NAME).is_file())
    except OSError:
        return []


def find_model(name_or_directory: str | Path | None = None) -> Path:
    """Folder of a model given by name, by folder, or not at all (the default)."""
    if name_or_directory is None:
        return models_directory() / DEFAULT_MODEL
    text = str(name_or_directory)
    shipped = models_directory() / text
    if text == Path(text).name and (shipped / CARD_NAME).is_file():
        return shipped
    cards = list_models()
    for card in cards:
        if card.name == text:
            return card.directory
    directory = Path(name_or_directory).expanduser()
    if directory.is_dir():
        return directory
    known = ", ".join(card.name for card in cards)
    raise ModelError(f"There is no model {text!r}; give a model's folder or one of: {known}.")


def read_card(directory: Path) -> ModelCard:
    """Read and check a card. Raises ModelError when it is missing, damaged or not ours."""
    path = directory / CARD_NAME
    data = _read_json(path)
    try:
        weights = data["weights"]
        if weights["file"] != WEIGHTS_NAME:
            raise ModelError(f"{path} names other weights than {WEIGHTS_NAME}; refused.")
        if not isinstance(data["generator"], dict):
            raise TypeError("generator")
        card = ModelCard(
            name=_text(data, "name"),
            version=_text(data, "version"),
            title=_text(data, "title"),
            licence=_text(data, "licence"),
            scale=_scale(data),
            temperature=float(data["temperature"]),
            generator=data["generator"],
            weights_sha256=_text(weights, "sha256"),
            weights_bytes=int(weights["bytes"]),
            directory=directory,
            details=data,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(
            f"{path} lacks or garbles {str(error)[:80]}; get the model again."
        ) from error
    scale = card.scale
    possible = 0.05 <= scale.least_mm <= scale.most_mm <= 20 and 1 <= scale.pixels <= 4096
    if not possible or not 0.05 <= card.temperature <= 5:
        raise ModelError(f"{path} has an impossible spacing or temperature; get the model again.")
    return card


def _scale(data: Mapping[str, Any]) -> Scale:
    """The card's rule for millimetres a pixel; older cards give one number for all sections."""
    if "scale" not in data:
        return Scale.fixed(float(data["spacing_mm"]))
    rule = data["scale"]
    return Scale(int(rule["pixels"]), float(rule["least_mm"]), float(rule["most_mm"]))


def _read_json(path: Path) -> dict[str, Any]:
    """The card's content, an object. Raises ModelError."""
    try:
        if regular_size(path) > MAX_CARD_BYTES:
            raise ModelError(f"{path} is too large for a model card; get the model again.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path.parent} has no readable {CARD_NAME}; it is no model.") from error
    except (ValueError, RecursionError) as error:  # nested without end, too
        raise ModelError(f"{path} is damaged (not JSON); get the model again.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} is no model card; get the model again.")
    return data


def _text(data: Mapping[str, Any], key: str) -> str:
    """A text of the card that fits into one line of a message."""
    text = data[key]
    if not isinstance(text, str) or not text.isprintable() or len(text) > MAX_TEXT:
        raise TypeError(key)
    return text


def state_of(name_or_directory: str | Path | None) -> tuple[Any, ...] | None:
    """What tells a model on the disk from a later one of that name; None when there is no such.

    Its card, and the size and time of its weights, which are not read.
    """
    try:
        card = read_card(find_model(name_or_directory))
        weights = (card.directory / WEIGHTS_NAME).stat()
    except (OSError, ModelError):
        return None
    return card, weights.st_size, weights.st_mtime_ns


def load_model(name_or_directory: str | Path | None = None) -> Model:
    """Load and verify a model: card, names, shapes, size and SHA-256 of the weights.

    Raises ModelError when anything does not fit, DependencyError when torch or safetensors is
    missing. Weights are safetensors; no pickle is ever read.
    """
    card = read_card(find_model(name_or_directory))
    config = GeneratorConfig.checked(card.generator)
    try:
        import safetensors  # noqa: F401  # needed below, and missed here with a sentence
        import torch

        from .generator import DualDecoderGenerator
    except ImportError as error:
        raise DependencyError(
            f"The Python package {error.name} is missing; install PyTorch and safetensors first."
        ) from error
    # Without memory of its own: a card may ask for far more than its weights hold.
    with torch.device("meta"):
        generator = DualDecoderGenerator(config)
    path = card.directory / WEIGHTS_NAME
    tensors = load_tensors(path, card.weights_bytes, card.weights_sha256, generator)
    generator.load_state_dict(tensors, assign=True)
    return Model(card, generator.eval().requires_grad_(False))
