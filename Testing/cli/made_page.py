"""A made head whose eight corners are told apart by colour, grey value and tissue."""

from __future__ import annotations

import numpy as np

from MRIColorizeLib.network.palettes import MALE, Palette
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.provenance import Provenance
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from MRIColorizeLib.volume import ColorVolume, Volume

SIZE = (20, 24, 16)  # along superior, anterior, right
DARK, BRIGHT = 60, 200
# One for each corner: the bits say superior, anterior, right.
TISSUES = tuple(Tissue(code) for code in range(1, 9))
PALETTE = Palette(MALE, PALETTE_LAB)


def corner(superior: bool, anterior: bool, right: bool) -> int:
    """A corner's number, 0 to 7."""
    return 4 * superior + 2 * anterior + right


def corner_color(superior: bool, anterior: bool, right: bool) -> tuple[int, int, int]:
    """Its colour: red is bright to the right, green to the front, blue above."""
    red, green, blue = (BRIGHT if on else DARK for on in (right, anterior, superior))
    return red, green, blue


def corner_grey(superior: bool, anterior: bool, right: bool) -> int:
    """Its value in the MRI."""
    return 50 + 25 * corner(superior, anterior, right)


def made_result(
    ijk_to_ras: np.ndarray | None = None, order: tuple[int, int, int] = (0, 1, 2), **options: object
) -> tuple[Volume, ColorVolume]:
    """MRI and colours, stored with any axes: ijk_to_ras leads from them to the patient.

    order: which of superior, anterior and right the array's axes K, J, I follow. The body fills
    the grid but for a voxel's border.
    """
    matrix = np.eye(4) if ijk_to_ras is None else ijk_to_ras
    shape = tuple(SIZE[axis] for axis in order)
    columns = [matrix[:3, 2 - order.index(axis)] for axis in range(3)]
    forward = [column[2 - axis] > 0 for axis, column in enumerate(columns)]
    far = []
    for axis, ahead in enumerate(forward):
        half = np.arange(SIZE[axis]) >= SIZE[axis] // 2
        along = [1, 1, 1]
        along[order.index(axis)] = -1
        far.append(np.broadcast_to((half if ahead else half[::-1]).reshape(along), shape))
    number = 4 * far[0] + 2 * far[1] + far[2]
    mask = np.zeros(shape, dtype=bool)
    mask[1:-1, 1:-1, 1:-1] = True
    bits = (far[2], far[1], far[0])
    rgb = np.stack([np.where(bit, BRIGHT, DARK) for bit in bits], axis=-1).astype(np.uint8)
    rgb[~mask] = 0
    grey = np.where(mask, 50 + 25 * number, 0).astype(np.float32)
    tissue = np.where(mask, 1 + number, 0).astype(np.uint8)
    made = Provenance("made", "1.0", "cpu", "float32", "axial", 1, 0.1, ColorizeOptions(**options))  # type: ignore[arg-type]
    return Volume(grey, matrix), ColorVolume(rgb, mask, tissue, matrix, made)
