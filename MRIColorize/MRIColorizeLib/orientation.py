"""Arrays turned so that their axes run along the patient's: for the network, and to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .volume import Volume, nearest_axes

# Towards superior, anterior and right: pictures and renderings.
SAR = (1, 1, 1)
# Towards inferior, posterior and left: slices as a radiologist sees them, and as the network does.
IPL = (-1, -1, -1)


@dataclass(frozen=True)
class Turn:
    """How an array (K, J, I, ...) is turned to the patient's axes, the nearest of an oblique grid.

    order: array axes nearest to the patient's vertical, depth and width; flipped: which of those
    run backwards. However the voxels of a volume are stored, they come out the same.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, ijk_to_ras: np.ndarray, towards: tuple[int, int, int] = IPL) -> Turn:
        """The turn of a grid; towards: the sign of each axis, of superior, anterior and right."""
        matrix = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3]
        vertical, depth, width = nearest_axes(ijk_to_ras)[::-1]
        order = (vertical, depth, width)
        flipped = [
            matrix[patient, 2 - axis] * sign < 0
            for patient, axis, sign in zip((2, 1, 0), order, towards, strict=True)
        ]
        return cls(order, (flipped[0], flipped[1], flipped[2]))

    def view(self, array: np.ndarray) -> np.ndarray:
        """The turned array, without a copy: what is written there stands in the array."""
        turned = array.transpose(*self.order, *range(3, array.ndim))
        return turned[tuple(slice(None, None, -1 if back else 1) for back in self.flipped)]

    def volume(self, volume: Volume) -> Volume:
        """The same voxels at the same places, their array a turned view."""
        matrix = np.asarray(volume.ijk_to_ras, dtype=np.float64)
        columns = [matrix[:, 2 - axis] for axis in self.order]  # of a step along each turned axis
        origin = matrix[:, 3]
        for place, (axis, back) in enumerate(zip(self.order, self.flipped, strict=True)):
            if back:
                origin = origin + (volume.array.shape[axis] - 1) * columns[place]
                columns[place] = -columns[place]
        return Volume(self.view(volume.array), np.stack([*columns[::-1], origin], axis=1))

    def back(self, turned: np.ndarray) -> np.ndarray:
        """An array like those that `view` gives, as the voxels are stored, in C order."""
        array = np.empty([turned.shape[self.order.index(axis)] for axis in range(3)], turned.dtype)
        self.view(array)[...] = turned
        return array

    def index(self, axis: int, index: int, length: int) -> int:
        """Where an index along a turned axis (0, 1 or 2) of that length lies before, and back."""
        return length - 1 - index if self.flipped[axis] else index


def in_patient_axes(
    array: np.ndarray, ijk_to_ras: np.ndarray
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """A view of (K, J, I, ...) as (S, A, R, ...), and its spacing along S, A, R in mm.

    Indices grow towards superior, anterior and right; an oblique grid goes to the nearest axes.
    """
    turn = Turn.of(ijk_to_ras, SAR)
    lengths = np.linalg.norm(np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3], axis=0)
    spacing = [float(lengths[2 - axis]) for axis in turn.order]
    return turn.view(array), (spacing[0], spacing[1], spacing[2])
