"""A model's card: what it says of the model, read and checked before anything is built from it."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..scale import Scale

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


def regular_size(path: Path) -> int:
    """Bytes of a regular file, or of the one that a link leads to.

    Raises OSError for anything else: opening a pipe waits for ever, and a device never ends.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no regular file")
    return status.st_size
