"""The exponential moving average of a network's weights and statistics."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """A copy of a network that follows it slowly; what is validated and exported."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, current: nn.Module, step: int) -> None:
        """Follow `current`; over a short time in the first steps, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        state = current.state_dict()
        for name, mean in self.network.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(state[name], 1 - decay)
            else:
                mean.copy_(state[name])
