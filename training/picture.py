"""Pictures of training batches as grids, one row a sample."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from MRIColorizeLib.network.generator import GeneratorOutput
from MRIColorizeLib.tissue import DISPLAY_RGB
from training.data.slices import Batch
from training.objective import Domains


def batch_picture(batch: Batch, output: GeneratorOutput | None, rows: int = 8) -> np.ndarray:
    """MRI, labels, truth and, with an output, its tissue, pseudo-cryosection and colours.

    Returns uint8 (rows * H, columns * W, 3).
    """
    columns = [_grey(batch.real_A), _labels(batch.labels), _uint8(batch.real_B)]
    if output is not None:
        if output.logits is not None:
            columns.append(_labels(output.logits.argmax(1)))
        columns += [_uint8(output.pseudo_cryosection), _uint8(output.color)]
    return _grid(columns, rows)


def domain_picture(domains: Domains, rows: int = 4) -> np.ndarray:
    """MRI, its colours, and back to MRI; then the same round from the cryosection."""
    first = [_grey(domains.mri.real_A), _uint8(domains.fake_B.color)]
    if domains.rec_A is not None:
        first.append(_grey(domains.rec_A))
    second = [_uint8(domains.cryosection.real_B)]
    if domains.fake_A is not None:
        second.append(_grey(domains.fake_A))
    if domains.rec_B is not None:
        second.append(_uint8(domains.rec_B))
    upper, lower = _grid(first, rows), _grid(second, rows)
    width = max(upper.shape[1], lower.shape[1])
    return np.vstack(
        [np.pad(grid, ((0, 0), (0, width - grid.shape[1]), (0, 0))) for grid in (upper, lower)]
    )


def _grid(columns: list[np.ndarray], rows: int) -> np.ndarray:
    """Columns of pictures (B, H, W, 3) side by side, the first `rows` samples one below another."""
    return np.concatenate([np.concatenate(list(part[:rows])) for part in columns], axis=1)


def _grey(image: Tensor) -> np.ndarray:
    return _uint8(image.expand(-1, 3, -1, -1))


def _labels(codes: Tensor) -> np.ndarray:
    return DISPLAY_RGB[codes.cpu().numpy()]


def _uint8(rgb: Tensor) -> np.ndarray:
    picture = rgb.detach().float().clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    return (picture * 255).round().astype(np.uint8)
