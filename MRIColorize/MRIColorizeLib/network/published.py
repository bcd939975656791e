"""Weights in the layout of the authors' public code, loaded into our generator."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import ModelError
from .config import GeneratorConfig
from .generator import DualDecoderGenerator


def load_published_state_dict(
    generator: DualDecoderGenerator, state: Mapping[str, Tensor]
) -> DualDecoderGenerator:
    """Load tensors under the key names of the authors' code into a `published()` generator.

    Their unused residual convolutions are ignored, and so are the aliases `model_cryo.*` when equal
    to `model.*`. A `module.` prefix (left by DistributedDataParallel) is accepted.
    Raises ModelError when a tensor is missing, unknown or of another shape.
    """
    if generator.config != GeneratorConfig.published():
        raise ModelError("The authors' weights fit GeneratorConfig.published() only.")
    given = {key.removeprefix("module."): tensor for key, tensor in state.items()}
    for key in [key for key in given if key.startswith("model_cryo.")]:
        alias = given.pop(key)
        original = given.get("model." + key.removeprefix("model_cryo."))
        if original is None or not torch.equal(alias, original):
            raise ModelError(f"{key} is no alias of its twin in model.*: not the published layout.")
    for key in [key for key in given if _unused_convolution(key)]:
        del given[key]
    names = {
        theirs + part: ours + part
        for theirs, ours in _published_names().items()
        for part in (".weight", ".bias")
    }
    if set(given) != set(names):
        odd = sorted(set(given) ^ set(names))
        raise ModelError(f"Not the published layout: missing or unknown tensors {', '.join(odd)}.")
    target = generator.state_dict()
    for theirs, ours in names.items():
        if target[ours].shape != given[theirs].shape:
            raise ModelError(f"{theirs} has shape {tuple(given[theirs].shape)}, not the published.")
    for theirs, ours in names.items():
        target[ours].copy_(given[theirs])
    return generator


def _unused_convolution(key: str) -> bool:
    """model.{0..8}.conv1 and conv2 are stored by the authors' code and never called."""
    parts = key.split(".")
    return parts[0] == "model" and len(parts) > 2 and parts[2] in ("conv1", "conv2")


def _published_names() -> dict[str, str]:
    names = {
        "conv1": "encoder.stem.0",
        "conv2": "encoder.down1.0",
        "conv3": "encoder.down2.0",
        "model.9": "semantic.stage1.up",
        "model.12": "semantic.stage2.up",
        "model.16": "semantic.output",
    }
    for layer in (0, 2, 4):
        names[f"conv128.{layer}"] = f"encoder.half_branch.{layer}"
        names[f"conv64.{layer}"] = f"encoder.quarter_branch.{layer}"
    for block in range(9):
        for linear in ("linear1", "linear2"):
            names[f"model.{block}.sqex.{linear}"] = (
                f"encoder.blocks.{block}.gate.attention.{linear}"
            )
    return names
