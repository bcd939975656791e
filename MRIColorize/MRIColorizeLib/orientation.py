"""Arrays turned so that their axes run along the patient's, for pictures and renderings."""

from __future__ import annotations

import numpy as np

from .volume import nearest_axes


def in_patient_axes(
    array: np.ndarray, ijk_to_ras: np.ndarray
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """A view of (K, J, I, ...) as (S, A, R, ...), and its spacing along S, A, R in mm.

    Indices grow towards superior, anterior and right; an oblique grid goes to the nearest axes.
    """
    matrix = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3]
    order = nearest_axes(ijk_to_ras)[::-1]  # array axes nearest to S, A, R
    turned = array.transpose(*order, *range(3, array.ndim))
    spacing = []
    for position, (patient, axis) in enumerate(zip((2, 1, 0), order, strict=True)):
        column = matrix[:, 2 - axis]
        spacing.append(float(np.linalg.norm(column)))
        if column[patient] < 0:
            turned = np.flip(turned, position)
    return turned, (spacing[0], spacing[1], spacing[2])
