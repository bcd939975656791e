"""The end of a consensus of planes: from the means that they left to colours and tissues."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from .canvas import Canvas
from .finishing import Finish, finish, to_bytes
from .painting import PaintedSlices
from .slicing import Layout, Patch


@torch.inference_mode()
def finish_consensus(canvas: Canvas, layout: Layout, how: Finish) -> None:
    """Fill colours, tissue map and confidence from the mean colours and tissues of all planes.

    layout: any of the planes'; its slices are finished one after the other.
    """
    means = layout.view(cast(np.ndarray, canvas.lab))  # always there when planes are averaged
    for index in layout.present():
        chosen = np.array([index])
        mri = torch.from_numpy(layout.mri(chosen))[:, None]
        lab = torch.from_numpy(means[chosen]).permute(0, 3, 1, 2).float()
        rgb = to_bytes(finish(lab, mri, how)).permute(0, 2, 3, 1).numpy()
        tissue = confidence = None
        if canvas.tissues is not None and canvas.weights is not None:
            tissue = layout.view(canvas.tissues)[chosen][..., 0]
            confidence = layout.view(canvas.weights)[chosen][..., 0]
        PaintedSlices(rgb, tissue, confidence).write(canvas, Patch.whole(layout, chosen))
