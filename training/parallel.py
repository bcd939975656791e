"""One process or several: Lightning Fabric for the processes that torchrun started."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy
from torch import Tensor, nn


def make_fabric(precision: str) -> Fabric:
    """Fabric on the best device of this machine; data-parallel when torchrun started us."""
    if not dist.is_torchelastic_launched():
        return Fabric(accelerator="auto", devices=1, precision=precision)
    world, local = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    fabric = Fabric(
        accelerator="auto",
        devices=local,
        num_nodes=world // local,
        # A network runs several times before one backward pass: buffers may not be sent in between.
        strategy=DDPStrategy(broadcast_buffers=False),
        precision=precision,
    )
    fabric.launch()
    return fabric


def synchronized(network: nn.Module, device: torch.device, processes: int) -> nn.Module:
    """Batch norm over all processes where several GPUs train; elsewhere the network as it is."""
    if device.type != "cuda" or processes == 1:
        return network
    return nn.SyncBatchNorm.convert_sync_batchnorm(network)


def world_mean(value: Tensor) -> Tensor:
    """Mean of a tensor over the processes, without gradient; in a single one the tensor itself.

    A loss that divides by a sum of weights divides by this mean of it: then the mean of the
    processes' gradients is the gradient of the loss over all their samples.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()
