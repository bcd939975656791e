"""A model's weights on disk: checked by their names, shapes and sum before a tensor is made."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_WEIGHTS_BYTES = 1 << 30
# What safetensors calls the number formats that a network's tensors may be stored in.
REAL = {"F64", "F32", "F16", "BF16"}
WHOLE = {"I64", "I32", "I16", "I8", "U8"}


def regular_size(path: Path) -> int:
    """Bytes of a regular file, or of the one that a link leads to.

    Raises OSError for anything else: opening a pipe waits for ever, and a device never ends.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no regular file")
    return status.st_size


def load_tensors(path: Path, size: int, sha256: str, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a safetensors file, real ones as float32, for the state of `network`.

    size, sha256: what the card says. network: of which names, shapes and kinds are compared, before
    anything is read; it may lie on the meta device. Raises ModelError.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    _check_size(path, size)
    try:
        _check_header(path, network)
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise ModelError(
                f"{path} is damaged (its SHA-256 is not the card's); get the model again."
            )
        tensors = {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in load(raw).items()
        }
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable; get the model again.") from error
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} does not hold safetensors; it and its card do not fit."
        ) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelError(f"{path} holds numbers that are not finite ({name}); refused.")
    return tensors


def _check_size(path: Path, size: int) -> None:
    try:
        found = regular_size(path)
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable; get the model again.") from error
    if found != size or found > MAX_WEIGHTS_BYTES:
        raise ModelError(
            f"{path} has {found} bytes, its card says {size}, and at most {MAX_WEIGHTS_BYTES} are "
            "read; get the model again."
        )


def _check_header(path: Path, network: nn.Module) -> None:
    """Raise ModelError unless the file's tensors are those of the network."""
    from safetensors import safe_open

    wanted = network.state_dict()
    with safe_open(path, framework="pt") as stored:
        names = set(stored.keys())
        if names != wanted.keys():
            odd = min(names ^ wanted.keys())
            which = "unknown" if odd in names else "missing"
            raise ModelError(
                f"The weights in {path} do not fit the card: {odd[:80]!r} is {which}; refused."
            )
        for name, tensor in wanted.items():
            part = stored.get_slice(name)
            kinds = REAL if tensor.is_floating_point() else WHOLE
            if tuple(part.get_shape()) != tuple(tensor.shape) or part.get_dtype() not in kinds:
                raise ModelError(
                    f"The weights in {path} do not fit the card: {name} is {part.get_dtype()} "
                    f"{part.get_shape()}, not {list(tensor.shape)}; refused."
                )
