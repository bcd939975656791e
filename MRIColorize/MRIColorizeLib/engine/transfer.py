"""Arrays to a device and back; copies to and from a card go on while it computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def upload(array: np.ndarray, device: str) -> Tensor:
    """An array as a tensor on the device, copied on the current stream."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device != "cuda":
        return tensor.to(device)
    # Only from page-locked memory does a card copy by itself.
    return tensor.pin_memory().to(device, non_blocking=True)


def download(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Tensors as arrays, once the current stream has made them."""
    if not tensors or tensors[0].device.type != "cuda":
        return [tensor.cpu().numpy() for tensor in tensors]
    copies = []
    for tensor in tensors:
        copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        copies.append(copy.copy_(tensor, non_blocking=True))
    torch.cuda.current_stream().synchronize()
    return [copy.numpy() for copy in copies]
