"""What test_parallel runs in one process and in several: a part of a batch, its gradients."""

import os
import sys
from pathlib import Path

import torch
from torch import nn

import phantoms
from training.config import CONFIGS
from training.data.slices import Batch
from training.data.synthesis import Random
from training.learner import Learner
from training.networks.segnet import SegNet
from training.parallel import make_fabric
from training.sampling import StepBatch, StepSource
from training.settings import load_config
from training.trainer import Trainer

SMALL = ["pixels=4096", "slices.crops=[32]", "precision=32-true"]
# Statistics of a part of the batch are not those of the whole: each sample's own, or frozen.
FORMS = (("tiny.toml", "instance"), ("tiny_paper.toml", "batch"))


def write_gradients(folder: Path) -> None:
    """The gradient of every network in one step of the default and of the paper's form."""
    fabric = make_fabric("32-true")
    rank, world = fabric.global_rank, fabric.world_size
    for name, norm in FORMS:
        settings = [*SMALL, f"generator.norm={norm}", "segnet.path=made"]
        config = load_config(CONFIGS / name, settings)
        torch.manual_seed(1)
        learner = Learner(config, fabric, SegNet(4, 2).eval().requires_grad_(False))
        for player in learner.players.values():
            _freeze_statistics(player.plain)
        whole = StepSource(phantoms.training_set(), "train", config).draw(0.5, Random(0))
        batches = StepBatch(
            *(
                None if batch is None else _part(batch, rank, world)
                for batch in (whole.registered, whole.mri, whole.cryosection)
            )
        )
        _, domains = learner.generator_backward(batches)
        if "critics" in learner.players and domains is not None:
            learner.critic_backward(domains)
        gradients = {
            network: torch.cat([p.grad.flatten() for p in player.plain.parameters()])
            for network, player in learner.players.items()
        }
        torch.save(gradients, folder / f"{name}.{world}.{rank}.pt")


def train_together(folder: Path) -> None:
    """Two steps of a run, with its checkpoint and its validation."""
    config = load_config(CONFIGS / "tiny.toml", [*SMALL, "steps=2"])
    Trainer(config, phantoms.training_set(), folder / "run").run()


def _freeze_statistics(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            module.train = lambda mode=True, module=module: module


def _part(batch: Batch, rank: int, world: int) -> Batch:
    count = len(batch.labels) // world
    fields = (getattr(batch, name) for name in batch.__dataclass_fields__)
    return Batch(*(field[rank * count : (rank + 1) * count] for field in fields))


def _fork(folder: Path, port: str, world: int) -> int:
    """Start `world` processes as torchrun would, the imports done; 0 when all went well."""
    children = []
    for rank in range(world):
        child = os.fork()
        if child == 0:
            os.environ |= {
                "TORCHELASTIC_RUN_ID": "test",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "GROUP_RANK": "0",
                "WORLD_SIZE": str(world),
                "LOCAL_WORLD_SIZE": str(world),
            }
            write_gradients(folder)
            train_together(folder)
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    return max(os.waitpid(child, 0)[1] for child in children)


if __name__ == "__main__":
    sys.exit(1 if _fork(Path(sys.argv[1]), sys.argv[2], world=2) else 0)
