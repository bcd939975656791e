"""How far each layer of a generator sees: by the gradient of a copy in which nothing cancels."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from MRIColorizeLib.generator import DualDecoderGenerator
from MRIColorizeLib.generator_config import GeneratorConfig
from training.architecture.layers import CONVOLUTIONS, audited_layers

SIDE = 512  # rows of the probe; what reaches its border is not measured, but refused
STRIP = 16  # columns of the probe: kernels are square, so that rows tell all
STRIDE = 4  # of the coarsest features: a layer may see further from one place than from the next


def receptive_fields(config: GeneratorConfig, side: int = SIDE) -> dict[str, int]:
    """Pixels of the input, along one side, that can change one value of each layer's output.

    Largest over the places of a 4 x 4 cell. Left out: norms and gates, whose means are taken over
    slice or body. Exact: the same layers one channel wide, with equal positive weights, so that no
    path cancels another and no ReLU stops one. Raises ValueError when a field is wider than `side`.
    """
    network = _probe(config)
    outputs: dict[str, Tensor] = {}
    for name, unit in audited_layers(network):
        unit.register_forward_hook(lambda m, i, o, name=name: outputs.update({name: o}))
    x = torch.ones(1, config.in_channels, side, STRIP, dtype=torch.float64, requires_grad=True)
    network._decode(x, torch.ones_like(x[:, :1]))
    return {name: _field(output, x) for name, output in outputs.items()}


def _probe(config: GeneratorConfig) -> DualDecoderGenerator:
    thin = dataclasses.replace(
        config, width=1, branch_width=1, attention=False, norm="batch", pool="slice"
    )
    network = DualDecoderGenerator(thin).double().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, CONVOLUTIONS):
                module.weight.fill_(1 / module.weight[0].numel())
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
    return network


def _field(output: Tensor, x: Tensor) -> int:
    side, size = x.shape[-2], output.shape[-2]
    places = STRIDE * size // side  # of this layer in one cell
    first = size // 2
    widest = 0
    for place in range(first, first + max(places, 1)):
        value = output[0, :, place, output.shape[-1] // 2].sum()
        (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
        seen = torch.nonzero(gradient[0].abs().sum(dim=(0, 2))).flatten()
        start, stop = int(seen[0]), int(seen[-1]) + 1
        if start == 0 or stop == side:
            raise ValueError(f"The field is wider than the probe of {side} pixels.")
        widest = max(widest, stop - start)
    return widest
