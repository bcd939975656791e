"""Weights of a generator with few tissue classes as the beginning of one with more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.tissue import CLASSES, HEAD_CLASSES, PALETTE_LAB, PARENTS, Tissue

RARER = 2.0  # how much lower a new class's score begins than its parent's
HEAD = "semantic.output"
PALETTE = "palette_lab"


def with_classes(weights: Mapping[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """The weights for a network of `config.classes`: new classes begin as their parents.

    Weights that have as many classes already, or another head, come back as they are.
    """
    widened = dict(weights)
    old = widened.get(PALETTE)
    if config.head != "palette" or old is None or len(old) == config.classes:
        return widened
    if (len(old), config.classes) != (HEAD_CLASSES, CLASSES):
        return widened  # to be told when they are loaded
    parents = [int(PARENTS[Tissue(code)]) for code in range(HEAD_CLASSES, CLASSES)]
    weight, bias = widened[f"{HEAD}.weight"], widened[f"{HEAD}.bias"]
    widened[f"{HEAD}.weight"] = torch.cat((weight, weight[parents]))
    widened[f"{HEAD}.bias"] = torch.cat((bias, bias[parents] - RARER))
    widened[PALETTE] = torch.from_numpy(PALETTE_LAB.copy())
    return widened
