"""What an arm's network costs at use: multiply-adds, memory and time of one slice."""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.network.folding import fold_batch_norm
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import load_model
from training.hardware import describe_hardware
from training.learner import make_generator
from training.measure.arms.manifest import Arm, Manifest
from training.measure.arms.records import RecordError

COSTS = "costs.json"  # beside the records
SIDE = 256
ROUNDS = 9


@dataclass(frozen=True)
class Cost:
    """Of one slice of 256 x 256 in float32 on one thread of the CPU, batch norms folded away.

    multiply_adds: of convolutions and linear layers. megabytes: the most that the tensors between
    the layers take at once, workspaces of the kernels left out. milliseconds: median.
    """

    parameters: int
    multiply_adds: int
    megabytes: float
    milliseconds: float


def measure_costs(manifest: Manifest) -> dict[str, Cost]:
    """The cost of every arm that has a network; arms with the same one share it.

    The networks take turns, so that a busy machine slows them all alike.
    """
    networks: dict[str, nn.Module] = {}
    same: dict[str, str] = {}
    for arm in manifest.arms.values():
        if (found := _network(arm)) is not None:
            name, network = found
            same[arm.name] = name
            networks.setdefault(name, network)
    image, mask = torch.rand(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            counted = {name: _counted(network, image, mask) for name, network in networks.items()}
            seconds: dict[str, list[float]] = {name: [] for name in networks}
            for _ in range(ROUNDS):
                for name, network in networks.items():
                    began = time.perf_counter()
                    network(image, mask)
                    seconds[name].append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return {
        arm: Cost(*counted[name], round(1000 * statistics.median(seconds[name]), 1))
        for arm, name in same.items()
    }


def write_costs(costs: Mapping[str, Cost], folder: Path) -> Path:
    """Write them beside the records, with the hardware. Raises OutputError."""
    told = {
        "hardware": describe_hardware(torch.device("cpu"), 1),
        "software": f"torch {torch.__version__}",
        "arms": {arm: dataclasses.asdict(cost) for arm, cost in costs.items()},
    }
    with atomic(folder / COSTS) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return folder / COSTS


def read_costs(folder: Path) -> tuple[dict[str, Cost], str]:
    """The costs by arm and the hardware; ({}, "") when none were measured. Raises RecordError."""
    path = folder / COSTS
    if not path.exists():
        return {}, ""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {arm: Cost(**cost) for arm, cost in told["arms"].items()}, told["hardware"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path} holds no costs: {error!r}; delete it.") from error


class LiveMemory(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make, as long as these live."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            self._see(tensor.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place in self._known:
            return
        self._known.add(place)
        self.bytes += storage.nbytes()
        self.most = max(self.most, self.bytes)
        weakref.finalize(storage, self._gone, place, storage.nbytes())

    def _gone(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.bytes -= size


def _network(arm: Arm) -> tuple[str, nn.Module] | None:
    """An arm's network as it is used, and a name that equal networks share."""
    if arm.config is not None:
        config = arm.settings(1)
        name = f"{config.network} {config.generator}"
        network = make_generator(config).eval()
    elif arm.model is not None:
        network = load_model(arm.model).generator
        name = f"dual-decoder {network.config}"
    else:
        return None
    if isinstance(network, DualDecoderGenerator):
        network = fold_batch_norm(network)
    return name, network.requires_grad_(False).to(memory_format=torch.channels_last)


def _counted(network: nn.Module, image: Tensor, mask: Tensor) -> tuple[int, int, float]:
    """Parameters, multiply-adds, megabytes."""
    counter = FlopCounterMode(display=False)
    with counter:
        network(image, mask)
    memory = LiveMemory()
    with memory:
        network(image, mask)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return parameters, counter.get_total_flops() // 2, round(memory.most / 1e6, 1)


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, tuple | list):
        for part in result:
            yield from _tensors(part)
