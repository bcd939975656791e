"""A run's files: checkpoints that are written whole or not at all, and read with care."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from MRIColorizeLib.network.card import WEIGHTS_NAME
from training.config import TrainConfig
from training.errors import RunError

CHECKPOINT = "checkpoint.pt"  # the last state: what a run goes on from
BEST = "best.pt"  # the averaged weights that scored best on the validation part
CONFIG = "config.json"
# Settings that may differ when a run goes on: they change what is reported, not what is learnt.
FREE = (
    "name",
    "initial",
    "threads",
    "save_every",
    "validate_every",
    "tensorboard",
    "temperature",
    "segnet.path",
)


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint; whatever happens on the way, the file that was there stays whole.

    Raises RunError when the disk is full or not writable.
    """
    stream = io.BytesIO()  # torch's own writer hides the reason why a disk refuses
    torch.save(dict(state), stream)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(stream.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        kept = f"; the one before it is whole: {path}" if path.exists() else ""
        raise RunError(
            f"The checkpoint could not be written ({error.strerror}){kept}. Make room and start "
            "the same command again."
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU. Raises RunError when it is missing or damaged."""
    if not path.exists():
        raise RunError(f"{path} does not exist; train first, or give another folder.")
    if not zipfile.is_zipfile(path):  # torch's form; a file cut short is none
        raise RunError(f"{path} is no checkpoint, or a damaged one; move it away, or get it again.")
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} is no readable checkpoint: {reason}") from error


def config_text(config: TrainConfig) -> str:
    """A configuration as JSON, as it lies in a run's folder and in its checkpoints."""
    return json.dumps(dataclasses.asdict(config), indent=1)


def check_same_config(state: Mapping[str, Any], config: TrainConfig, folder: Path) -> None:
    """Raise RunError when a checkpoint was made with other settings than `config`.

    A checkpoint that does not say its settings (of version 0.1) is taken as it is.
    """
    if "config" not in state:
        return
    then = flat_settings(json.loads(state["config"]))
    now = flat_settings(json.loads(config_text(config)))
    # A setting that the older file does not know had no other value then.
    names = [name for name in now if name in then and then[name] != now[name] and name not in FREE]
    if names:
        changed = ", ".join(f"{name}={then[name]} (now {now[name]})" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        raise RunError(
            f"{folder} was trained with {changed}{more}: give the same settings, another --run, "
            f"or begin a new run from its weights with initial={folder}."
        )


def averaged_weights(place: Path) -> dict[str, Tensor]:
    """Averaged weights of a run's folder (its last), a checkpoint file or an exported model."""
    if place.is_dir() and (place / WEIGHTS_NAME).exists():
        try:
            return load_file(place / WEIGHTS_NAME)
        except safetensors.SafetensorError as error:
            raise RunError(f"{place / WEIGHTS_NAME} is damaged: {error}") from error
    path = place / CHECKPOINT if place.is_dir() else place
    state = read_state(path)
    if "average" not in state:
        raise RunError(f"{path} holds no averaged weights; give a run, checkpoint.pt or best.pt.")
    return state["average"]


def flat_settings(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names, such as `losses.color`."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{above}{key}"
        nested = isinstance(value, dict)
        flat |= flat_settings(value, f"{name}.") if nested else {name: value}
    return flat
