"""A generator taken apart: each layer's output, parameters and multiply-adds, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from MRIColorizeLib.generator import DualDecoderGenerator
from MRIColorizeLib.generator_config import GeneratorConfig
from MRIColorizeLib.layers import Block, Gate

SIDE = 256  # of the slice that is counted, as in the paper
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class LayerRow:
    """One layer: name in the generator, what it is, output (channels, rows, columns), counts.

    multiply_adds: of convolutions and linear layers, for one slice; norms, activations, resizes and
    the scaling by gates are not counted.
    """

    name: str
    what: str
    shape: tuple[int, int, int]
    parameters: int
    multiply_adds: int


def layer_rows(config: GeneratorConfig, side: int = SIDE) -> list[LayerRow]:
    """Every layer of a generator in the order of its forward pass on a side x side slice."""
    network = DualDecoderGenerator(config).eval().to("meta")  # shapes are all that is needed
    units = dict(audited_layers(network))
    found: list[LayerRow] = []
    counts: dict[nn.Module, int] = {}
    hooks = [
        module.register_forward_hook(lambda m, i, o: counts.update({m: _multiply_adds(m, i[0], o)}))
        for module in network.modules()
        if isinstance(module, (*CONVOLUTIONS, nn.Linear))
    ]

    def note(name: str, unit: nn.Module, output: Tensor) -> None:
        channels, rows, columns = output.shape[1:]
        parameters = sum(p.numel() for p in unit.parameters())
        work = sum(counts.get(module, 0) for module in unit.modules())
        shape = (channels, rows, columns)
        found.append(LayerRow(name, _describe(unit), shape, parameters, work))

    for name, unit in units.items():
        hooks.append(unit.register_forward_hook(lambda m, i, o, name=name: note(name, m, o)))
    with torch.no_grad():
        network._decode(torch.ones(1, config.in_channels, side, side, device="meta"), None)
    for hook in hooks:
        hook.remove()
    return found


def audited_layers(module: nn.Module, above: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers that get a row: convolution with norm and activation, gate, residual block."""
    for name, child in module.named_children():
        path = f"{above}{name}"
        if _is_layer(child):
            yield path, child
        else:
            yield from audited_layers(child, f"{path}.")


def unused_parameters(config: GeneratorConfig) -> int:
    """What the authors' code stores and never calls: two convolutions in each residual block."""
    if config.residual_convs:
        return 0
    channels = 4 * config.width
    return config.blocks * 2 * (channels * channels * 9 + channels)


def _is_layer(module: nn.Module) -> bool:
    if isinstance(module, (Block, Gate, *CONVOLUTIONS)):
        return True
    if isinstance(module, nn.Sequential):
        return sum(isinstance(m, CONVOLUTIONS) for m in module.modules()) == 1
    # A norm beside a transposed convolution, where it has weights of its own.
    return not list(module.children()) and any(True for _ in module.parameters())


def _multiply_adds(module: nn.Module, given: Tensor, made: Tensor) -> int:
    if isinstance(module, nn.ConvTranspose2d):  # every input value meets every weight of its own
        return given.numel() * module.weight[0].numel()
    if isinstance(module, nn.Conv2d):
        return made.numel() * module.weight[0].numel()
    return made.numel() * module.weight.shape[1]  # linear


def _describe(unit: nn.Module) -> str:
    if isinstance(unit, Block):
        first = [m for m in unit.modules() if isinstance(m, nn.Conv2d)]
        gate = " x gate" if unit.gate.attention is not None else ""
        if not first:
            return f"x + x{gate}" if gate else "2 x"
        return f"x + ({', '.join(_convolution(m) for m in first)}){gate}"
    if isinstance(unit, Gate):
        if unit.attention is None:
            return "skip"
        return f"skip x gate ({unit.attention.linear1.out_features} inside)"
    parts = [_part(m) for m in unit.modules() if not list(m.children())]
    return ", ".join(part for part in parts if part)


def _part(module: nn.Module) -> str:
    if isinstance(module, CONVOLUTIONS):
        return _convolution(module)
    if isinstance(module, nn.BatchNorm2d):
        return "batch norm"
    if isinstance(module, nn.InstanceNorm2d):
        return "instance norm"
    return "ReLU" if isinstance(module, nn.ReLU) else ""


def _convolution(module: nn.Conv2d | nn.ConvTranspose2d) -> str:
    size = f"{module.kernel_size[0]}x{module.kernel_size[1]}"
    text = f"{size} {module.in_channels}>{module.out_channels}"
    if isinstance(module, nn.ConvTranspose2d):
        text = f"transposed {text}"
    if module.stride[0] > 1:
        text += f" /{module.stride[0]}"
    if module.dilation[0] > 1:
        text += f" dilated {module.dilation[0]}"
    return text
