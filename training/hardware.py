"""What a training runs on, in words for a model's card."""

from __future__ import annotations

import os
import platform

import torch


def describe_hardware(device: torch.device, processes: int = 1) -> str:
    """Such as `2 x NVIDIA H200`, or `CPU (x86_64, 2 threads of 8 cores)`."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
        name = f"CPU ({platform.machine()}, {threads})"
    else:
        name = f"{device.type} ({platform.machine()})"
    return name if processes == 1 else f"{processes} x {name}"
