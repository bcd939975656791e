"""Pictures of a result as PNG: slices of the MRI and the same slices in colour, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..engine.body import UPPER_PERCENTILE
from ..orientation import in_patient_axes
from ..provenance import NOTICE, unusual_choices
from ..staging import atomic
from ..volume import PLANE_NORMAL, ColorVolume, Volume, bounding_box, slice_order

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

VIEWS = ("axial", "coronal", "sagittal")
# What lies at a view's left and right edge: the radiologist's convention.
EDGES = {"axial": ("R", "L"), "coronal": ("R", "L"), "sagittal": ("A", "P")}
PAPER, INK, FAINT = (14, 14, 16), (235, 235, 235), (150, 150, 155)
WIDTH, MAX_TILE_HEIGHT = 1440, 900
GAP, TEXT = 16, 20
BORDER_MM = 4.0


@dataclass(frozen=True)
class Tile:
    """One image of a picture: uint8 (H, W) or (H, W, 3), row 0 on top, with its size in mm."""

    pixels: np.ndarray
    size_mm: tuple[float, float]
    caption: str
    edges: tuple[str, str]


def write_montage(volume: Volume, color: ColorVolume, path: Path, title: str) -> None:
    """Write three planes through the body's middle: the MRI above, the colour below.

    Raises OutputError.
    """
    mask, _ = in_patient_axes(color.mask, volume.ijk_to_ras)
    box = bounding_box(mask, (0, 0, 0))
    window = grey_window(volume, color.mask)
    columns = []
    for plane in VIEWS:
        axis = _axis(plane)
        # A volume that is one voxel thin has no picture in the other two planes.
        if min(n for other, n in enumerate(mask.shape) if other != axis) > 1:
            middle = (box[axis].start + box[axis].stop) // 2
            columns.append(slice_pair(volume, color, plane, middle, window))
    rows = [list(row) for row in zip(*columns, strict=True)]
    _save(compose(rows, title, _footer(color)), path)


def write_preview(
    volume: Volume, color: ColorVolume, plane: str, index: int, path: Path, title: str
) -> None:
    """Write one slice, the MRI beside the colour; `index` counts along the input's own axis."""
    axis = slice_order(volume, plane)[0]
    numbers = np.arange(volume.array.shape[axis]).reshape(
        *(-1 if n == axis else 1 for n in range(3))
    )
    place = int(np.argmax(in_patient_axes(numbers, volume.ijk_to_ras)[0].ravel() == index))
    pair = slice_pair(volume, color, plane, place)
    _save(compose([list(pair)], f"{title} · slice {index}", _footer(color)), path)


def compose(rows: list[list[Tile]], title: str, footer: str) -> Image.Image:
    """Lay tiles out in rows of equal columns, all at one scale, with title and footer.

    Each further line of the footer makes the picture a line higher.
    """
    from PIL import Image, ImageDraw

    widths = [max(row[column].size_mm[1] for row in rows) for column in range(len(rows[0]))]
    heights = [max(tile.size_mm[0] for tile in row) for row in rows]
    scale = min(
        (WIDTH - GAP * (len(widths) + 1)) / sum(widths), MAX_TILE_HEIGHT / max(heights)
    )  # pixels per mm
    # A slice that is all height or all width still has a pixel across.
    cells = [[max(1, round(n * scale)) for n in sides] for sides in (widths, heights)]
    size = (
        max(sum(cells[0]) + GAP * (len(widths) + 1), WIDTH // 2),
        sum(cells[1]) + GAP * (len(heights) + 1) + 2 * (TEXT + GAP) + TEXT * footer.count("\n"),
    )
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((GAP, GAP), title, fill=INK, font=_font(TEXT))
    y = TEXT + 2 * GAP
    for row, height in zip(rows, cells[1], strict=True):
        x = GAP
        for tile, width in zip(row, cells[0], strict=True):
            _place(image, draw, tile, (x, y, width, height), scale)
            x += width + GAP
        y += height + GAP
    draw.text((GAP, y), footer, fill=FAINT, font=_font(TEXT - 4))
    return image


def _place(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    tile: Tile,
    cell: tuple[int, int, int, int],
    scale: float,
) -> None:
    """Draw a tile into the middle of its cell (x, y, width, height), with caption and edges."""
    from PIL import Image

    x, y, width, height = cell
    size = (max(1, round(tile.size_mm[1] * scale)), max(1, round(tile.size_mm[0] * scale)))
    pixels = Image.fromarray(tile.pixels).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=(0, 0, 0))
    image.paste(pixels, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))
    font = _font(TEXT - 4)
    bottom = y + height - 6
    look = {"fill": INK, "font": font, "stroke_width": 2, "stroke_fill": PAPER}  # on bright tissue
    draw.text((x + 8, y + 6), tile.caption, **look)
    draw.text((x + 8, bottom), tile.edges[0], anchor="ld", **look)
    draw.text((x + width - 8, bottom), tile.edges[1], anchor="rd", **look)


def slice_pair(
    volume: Volume,
    color: ColorVolume,
    plane: str,
    index: int,
    window: tuple[float, float] | None = None,
) -> tuple[Tile, Tile]:
    """The MRI's and the colour's tile of a slice, cropped to the body.

    `index` counts along the patient's axis: towards superior, anterior or right. window: the MRI's
    values that become black and white, found when they are not given.
    """
    if window is None:
        window = grey_window(volume, color.mask)
    axis = _axis(plane)
    mask, spacing = in_patient_axes(color.mask, volume.ijk_to_ras)
    margin = tuple(int(np.ceil(BORDER_MM / step)) for step in spacing)
    box = list(bounding_box(mask, margin))
    box[axis] = slice(index, index + 1)
    rows, columns = (step for other, step in enumerate(spacing) if other != axis)

    def seen(array: np.ndarray) -> np.ndarray:
        turned, _ = in_patient_axes(array, volume.ijk_to_ras)
        # Both S and A (or S and R, A and R) grow; a picture's rows and columns run the other way.
        return np.ascontiguousarray(turned[tuple(box)].squeeze(axis)[::-1, ::-1])

    grey, rgb = grey_levels(seen(volume.array), window), seen(color.array)
    size = (grey.shape[0] * rows, grey.shape[1] * columns)
    name, edges = plane.capitalize(), EDGES[plane]
    return Tile(grey, size, f"{name}, MRI", edges), Tile(rgb, size, f"{name}, colour", edges)


def grey_window(volume: Volume, mask: np.ndarray) -> tuple[float, float]:
    """The MRI's values that become black and white, as the network sees them."""
    low = np.percentile(volume.array, 0.5)
    high = np.percentile(volume.array[mask] if mask.any() else volume.array, UPPER_PERCENTILE)
    return low, high


def grey_levels(image: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """MRI values as uint8."""
    low, high = window
    return (np.clip((image - low) / max(high - low, 1e-12), 0, 1) * 255).astype(np.uint8)


def _axis(plane: str) -> int:
    """Axis of a plane's normal in (S, A, R)."""
    return 2 - PLANE_NORMAL[plane]


def _footer(color: ColorVolume) -> str:
    """The notice and how the colours were made; what is not as usual in a line of its own."""
    made = color.provenance
    usual = (
        f"{NOTICE}  MRIColorize {__version__}, model {made.model_name} {made.model_version}, "
        f"{made.mode} mode, {made.plane} slices"
    )
    unusual = unusual_choices(made)
    return f"{usual}\nChosen: {unusual}" if unusual else usual


def _font(size: int):  # type: ignore[no-untyped-def]
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _save(image: Image.Image, path: Path) -> None:
    with atomic(path) as temporary:
        image.save(temporary, format="PNG")
