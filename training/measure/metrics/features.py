"""Features of pictures for the kernel distance, from the project's frozen segmentation network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.measure.metrics.kid import Features
from training.segmentation import load_segnet


def segnet_features(folder: Path) -> Features:
    """Features of the SegNet that `python -m training segnet` wrote into `folder`.

    The deepest level of its U-Net, averaged over the picture's body (what is not black): (N, D)
    float32. Numbers made with them compare the rows of one table; the literature's are Inception's.
    Raises RunError when there is no such network or it is damaged.
    """
    network = load_segnet(folder).network

    def features(pictures: np.ndarray) -> np.ndarray:
        return np.concatenate([_describe(network, picture) for picture in pictures])

    return features


@torch.inference_mode()
def _describe(network: nn.Module, picture: np.ndarray) -> np.ndarray:
    """(1, D) of one picture (H, W, 3) in [0, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float32)).permute(2, 0, 1)[None]
    multiple = 2 ** (len(network.down) - 1)
    x = F.pad(x, (0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple))
    body = (x.amax(dim=1, keepdim=True) > 0).float()
    deepest = _deepest(network, x)
    weight = F.adaptive_avg_pool2d(body, deepest.shape[-2:])
    return ((deepest * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-6)).numpy()


def _deepest(network: nn.Module, x: Tensor) -> Tensor:
    for level, block in enumerate(network.down):
        x = block(F.max_pool2d(x, 2) if level else x)
    return x
