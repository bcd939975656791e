"""Models on disk: where they lie, listed, their weights verified and loaded.

Importing this file imports no torch: the panel lists models before torch is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DependencyError, ModelError
from ..resources import find_resources
from .card import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card, regular_size
from .config import GeneratorConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .generator import DualDecoderGenerator

DEFAULT_MODEL = "visible-human-body"
MAX_WEIGHTS_BYTES = 1 << 30
# What safetensors calls the number formats that a network's tensors may be stored in.
REAL = {"F64", "F32", "F16", "BF16"}
WHOLE = {"I64", "I32", "I16", "I8", "U8"}


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
    if folder := os.environ.get("MRICOLORIZE_CACHE"):
        return Path(folder).expanduser()
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
    cards: dict[str, ModelCard] = {}
    for card in (*shipped, *_cards(_cached_directories())):
        cards.setdefault(card.name, card)
    return list(cards.values())


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


def load_tensors(path: Path, size: int, sha256: str, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a safetensors file, real ones as float32, for the state of `network`.

    size, sha256: what the card says. network: of which names, shapes and kinds are compared, before
    anything is read; it may lie on the meta device. Raises ModelError.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    _check_size(path, size)
    try:
        _check_header(path, network)
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise ModelError(
                f"{path} is damaged (its SHA-256 is not the card's); get the model again."
            )
        tensors = {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in load(raw).items()
        }
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable; get the model again.") from error
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} does not hold safetensors; it and its card do not fit."
        ) from error
    for name, tensor in tensors.items():
        # numpy's test is many times faster than torch's, whose threads wait for each other.
        if tensor.is_floating_point() and not np.isfinite(tensor.numpy()).all():
            raise ModelError(f"{path} holds numbers that are not finite ({name}); refused.")
    return tensors


def _check_size(path: Path, size: int) -> None:
    try:
        actual = regular_size(path)
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable; get the model again.") from error
    if actual != size or actual > MAX_WEIGHTS_BYTES:
        raise ModelError(
            f"{path} has {actual} bytes, its card says {size}, and at most {MAX_WEIGHTS_BYTES} are "
            "read; get the model again."
        )


def _check_header(path: Path, network: nn.Module) -> None:
    """Raise ModelError unless the file's tensors are those of the network."""
    from safetensors import safe_open

    wanted = network.state_dict()
    with safe_open(path, framework="pt") as stored:
        names = set(stored.keys())
        if names != wanted.keys():
            odd = min(names ^ wanted.keys())
            which = "unknown" if odd in names else "missing"
            raise ModelError(
                f"The weights in {path} do not fit the card: {odd[:80]!r} is {which}; refused."
            )
        for name, tensor in wanted.items():
            part = stored.get_slice(name)
            kinds = REAL if tensor.is_floating_point() else WHOLE
            if tuple(part.get_shape()) != tuple(tensor.shape) or part.get_dtype() not in kinds:
                raise ModelError(
                    f"The weights in {path} do not fit the card: {name} is {part.get_dtype()} "
                    f"{part.get_shape()}, not {list(tensor.shape)}; refused."
                )
