"""The machine that a benchmark runs on: what it is, its threads, how fast it multiplies."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk
import torch

SIDE = 1024
PRODUCT = 2 * SIDE**3  # operations of one product of two matrices


def setting() -> dict[str, object]:
    """What the times were taken on."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def processor_name() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def use_threads(count: int) -> None:
    """Give PyTorch and ITK so many threads."""
    torch.set_num_threads(count)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)


def synchronize(device: str) -> None:
    """Wait until a card has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def products(device: str, dtype: torch.dtype, count: int) -> Callable[[], None]:
    """Multiply two square matrices `count` times: what the machine can do at best."""
    left, right = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))

    def run() -> None:
        for _ in range(count):
            torch.mm(left, right)
        synchronize(device)

    return run
