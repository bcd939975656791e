"""The few most probable tissues of each pixel, and their mean over several planes."""

from __future__ import annotations

import torch
from torch import Tensor

from .recoloring import KEPT


def keep_most_probable(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """(B, classes, H, W) to tissues and weights uint8 (B, H, W, KEPT), the largest first."""
    weights, tissues = probabilities.topk(KEPT, dim=1)
    return (
        tissues.to(torch.uint8).permute(0, 2, 3, 1),
        weights.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1),
    )


def average(probabilities: Tensor, tissues: Tensor, weights: Tensor, planes: int) -> Tensor:
    """Mean (B, classes, H, W) of these probabilities and the ones kept from `planes` planes."""
    before = torch.zeros_like(probabilities).scatter_add_(
        1, tissues.permute(0, 3, 1, 2).long(), weights.permute(0, 3, 1, 2).float() / 255
    )
    return before + (probabilities - before) / (planes + 1)
