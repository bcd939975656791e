"""Batch norm folded into the convolution before it: the same numbers, fewer passes over memory."""

from __future__ import annotations

import copy
from typing import cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """A copy of `network` in evaluation mode where every Conv2d followed by BatchNorm2d is one."""
    folded = copy.deepcopy(network).eval()
    for parent in list(folded.modules()):
        if isinstance(parent, nn.Sequential):
            _fold_sequence(parent)
    return folded


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        first, second = sequence[index], sequence[index + 1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            sequence[index] = cast(nn.Module, fuse_conv_bn_eval(first, second))
            sequence[index + 1] = nn.Identity()
