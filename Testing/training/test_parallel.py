"""Several processes: together they do what one does."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import parallel_worker
import pytest
import torch
from torch import nn

import phantoms
from training.checkpoint import CHECKPOINT, read_state
from training.errors import RunError
from training.parallel import make_fabric, synchronized, world_mean
from training.settings import load_config
from training.trainer import Trainer


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Folder of what one process and two processes wrote for the same total batch."""
    folder = tmp_path_factory.mktemp("parallel")
    with socket.socket() as probe:  # a port that is free now
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(parallel_worker.__file__)), str(folder), str(port)]
    pair = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        parallel_worker.write_gradients(folder)
        _, errors = pair.communicate(timeout=300)
        assert pair.returncode == 0, errors
    finally:
        if pair.poll() is None:
            os.killpg(pair.pid, signal.SIGKILL)
    return folder


@pytest.mark.parametrize("name", ["tiny.toml", "tiny_paper.toml"])
def test_the_gradients_of_two_processes_are_those_of_one(together, name):
    one, first, second = (
        torch.load(together / f"{name}.{part}.pt", weights_only=True)
        for part in ("1.0", "2.0", "2.1")
    )
    for network, expected in one.items():
        assert torch.equal(first[network], second[network]), network
        assert (first[network] - expected).norm() <= 1e-5 * expected.norm(), network


def test_two_processes_train_one_run(together):
    run = together / "run"
    state = read_state(run / CHECKPOINT)
    assert state["step"] == 2
    assert state["samples"] == 2 * 2 * 4  # processes, steps, slices of a step
    assert len(state["random"]) == 2
    assert not torch.equal(*state["random"])
    assert len((run / "validation.csv").read_text().splitlines()) == 2
    with pytest.raises(RunError, match="by 2 processes, not 1"):
        Trainer(load_config(run / "config.json"), phantoms.training_set(), run)


def test_batch_norm_is_joined_on_several_gpus_alone():
    def kinds(device, processes):
        network = synchronized(nn.Sequential(nn.BatchNorm2d(3)), torch.device(device), processes)
        return type(network[0])

    assert kinds("cuda", 2) is nn.SyncBatchNorm
    assert kinds("cuda", 1) is kinds("cpu", 2) is nn.BatchNorm2d


def test_alone_nothing_is_exchanged():
    value = torch.tensor(3.0)
    assert world_mean(value) is value
    assert make_fabric("32-true").world_size == 1
