"""Pictures of training batches: MRI, tissue, pseudo-cryosection, colours, and the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from MRIColorizeLib.generator import GeneratorOutput
from MRIColorizeLib.tissue import DISPLAY_RGB
from training.data.slices import Batch


def save_batch_picture(
    batch: Batch, output: GeneratorOutput | None, path: Path, rows: int = 8
) -> None:
    """Write one row a sample: MRI, labels, truth and, with an output, tissue, pseudo, colour."""
    lines = []
    for index in range(min(rows, len(batch.labels))):
        grey = batch.real_A[index].expand(3, -1, -1)
        columns = [
            _to_uint8(grey),
            DISPLAY_RGB[batch.labels[index].cpu().numpy()],
            _to_uint8(batch.real_B[index]),
        ]
        if output is not None:
            if output.logits is not None:
                columns.append(DISPLAY_RGB[output.logits[index].argmax(0).cpu().numpy()])
            columns.append(_to_uint8(output.pseudo_cryosection[index]))
            columns.append(_to_uint8(output.color[index]))
        lines.append(np.concatenate(columns, axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines, axis=0)).save(path)


def _to_uint8(rgb) -> np.ndarray:  # type: ignore[no-untyped-def]
    return (rgb.float().permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
