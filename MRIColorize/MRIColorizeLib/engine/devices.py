"""Which device and which number format a run uses."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..errors import DeviceError
from ..memory import free_memory
from ..options import DEVICES


@dataclass(frozen=True)
class DeviceDescription:
    """A device that is there: `name` for the options, `label` for people, free bytes if known."""

    name: str
    label: str
    free_bytes: int | None


def describe_devices() -> list[DeviceDescription]:
    """The devices found here, the one that "auto" takes first."""
    devices = []
    if torch.cuda.is_available():
        try:
            free = free_card_memory()
        except RuntimeError:  # no room left even to ask
            free = 0
        devices.append(DeviceDescription("cuda", torch.cuda.get_device_name(), free))
    if torch.backends.mps.is_available():
        # It shares the computer's memory; what of that is free nobody tells.
        devices.append(DeviceDescription("mps", "Apple GPU", None))
    threads = torch.get_num_threads()
    label = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    devices.append(DeviceDescription("cpu", label, free_memory()))
    return devices


def resolve_device(name: str = "auto") -> str:
    """The device to use; "auto" is CUDA, then MPS, then the CPU. Raises DeviceError."""
    if name not in DEVICES:
        raise DeviceError(f"There is no device {name!r}; choose one of {', '.join(DEVICES)}.")
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return next(device for device, there in available.items() if there)
    if not available[name]:
        raise DeviceError(f"PyTorch finds no {name} device here; choose auto or cpu.")
    return name


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Number format of the network; "auto" takes 16 bits where the device has them natively."""
    if precision != "auto":
        return {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "float16": torch.float16,
        }[precision]
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AMX or AVX-512 BF16)."""
    amx = getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    avx = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return bool(amx or avx)


def free_card_memory() -> int:
    """Bytes of the CUDA card that this process can have.

    What PyTorch's allocator holds without using it counts as free: it takes from there first.
    """
    free, _ = torch.cuda.mem_get_info()
    return int(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())


def release_cache(device: str) -> None:
    """Give back what PyTorch's allocator holds of a device's memory without using it."""
    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


# How the allocators, the libraries of NVIDIA's cards and Apple's GPUs say that memory ran out.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "bad_alloc",
    "insufficient memory",
    "invalid buffer size",
    "failed to allocate",
    "alloc_failed",
    "allocation_failed",
    # On a card that could be used, these two libraries lack nothing but memory to begin with.
    "cublascreate",
    "cudnn_status_not_initialized",
    # cuDNN without room for the workspace of any of its algorithms.
    "unable to find an engine to execute",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; most libraries have no error of its own for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in text for said in _OUT_OF_MEMORY)
