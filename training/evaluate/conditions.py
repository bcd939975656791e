"""The measured slices of a stack alone, to be coloured again under other conditions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from MRIColorizeLib.volume import Volume
from training.evaluate.cases import Case
from training.evaluate.stacks import ColoredStack


def thin_case(stack: ColoredStack) -> Case:
    """The measured slices of a stack alone, as an axial case: a network sees one slice at a time.

    Its volume holds the MRI as the network sees it, float32 (S, H, W) in [0, 1].
    """
    spacing = np.linalg.norm(stack.case.volume.ijk_to_ras[:3, :3], axis=0)[::-1]
    thick, rows, columns = (float(spacing[axis]) for axis in stack.order)
    return replace(
        stack.case,
        volume=Volume(stack.mri, np.diag([-columns, -rows, thick, 1.0])),
        plane="axial",
        mask=stack.mask,
        labels=stack.labels,
        truth=stack.truth,
    )


def thick_slices(stack: ColoredStack, millimetres: float) -> Case:
    """The measured slices as a scanner of thicker slices has them: means over neighbours."""
    thin = thin_case(stack)
    reach = max(1, round(millimetres / thin.volume.spacing[2])) // 2
    slices = stack.case.volume.array.transpose(stack.order)
    means = [
        slices[max(0, k - reach) : k + reach + 1].mean(axis=0, dtype=np.float32)
        for k in stack.index
    ]
    return _with(thin, np.stack(means))


def _with(case: Case, array: np.ndarray) -> Case:
    volume = Volume(array.astype(np.float32), case.volume.ijk_to_ras)
    return replace(case, volume=volume)
