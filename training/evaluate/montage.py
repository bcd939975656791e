"""Pictures of an evaluation: MRI, both modes and tissue map side by side, one row a contrast."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from MRIColorizeLib.output import NOTICE, atomic
from MRIColorizeLib.picture import EDGES, Tile, compose
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES
from MRIColorizeLib.volume import PLANE_NORMAL, bounding_box
from training.evaluate import measures
from training.evaluate.stacks import NATURAL, STRUCTURE, ColoredStack, slices_with_body

# Where the two ordinary slices lie, as shares of the body's extent from the first slice on.
PLACES = (0.45, 0.65)
BORDER = 4  # pixels of background kept around the body


def write_montages(stacks: Sequence[ColoredStack], out: Path) -> list[str]:
    """Write three pictures into `out` for every person, and return their names.

    Two slices at fixed places and the worst one: where the natural colours of two contrasts lie
    farthest apart, or, for a volume alone, where they follow the MRI least (NCC^2).
    """
    names = []
    for group in _groups(stacks):
        used = slices_with_body(np.logical_and.reduce([stack.mask for stack in group]))
        for place in PLACES:
            index = int(used[round(place * (len(used) - 1))])
            names.append(f"{_title(group)}_slice_{index:03d}.png")
            _write(group, index, f"slice {index}", out / names[-1])
        index, reason = _worst(group, used)
        names.append(f"{_title(group)}_worst.png")
        _write(group, index, f"slice {index}, {reason}", out / names[-1])
    return list(dict.fromkeys(names))


def _title(group: Sequence[ColoredStack]) -> str:
    """A name that no other group has."""
    if len(group) == 1:
        return group[0].name
    return "_".join((group[0].subject, *(stack.contrast.lower() for stack in group)))


def _groups(stacks: Sequence[ColoredStack]) -> list[list[ColoredStack]]:
    """Volumes of one subject that lie voxel on voxel belong into one picture."""
    groups: list[list[ColoredStack]] = []
    for stack in stacks:
        for group in groups:
            if group[0].subject == stack.subject and group[0].same_grid(stack):
                group.append(stack)
                break
        else:
            groups.append([stack])
    return groups


def _worst(group: Sequence[ColoredStack], used: np.ndarray) -> tuple[int, str]:
    """Index of the worst slice, and in what it is the worst."""
    natural = [stack.pictures[NATURAL][used].astype(np.float32) / 255 for stack in group]
    if len(group) == 1:
        light = measures.lightness(natural[0])
        ncc = measures.squared_ncc(light, group[0].mri[used], group[0].mask[used])
        place = int(np.nanargmin(ncc))
        return int(used[place]), f"the lowest NCC^2 of natural colours ({ncc[place]:.2f})"
    mask = np.logical_and.reduce([stack.mask[used] for stack in group])
    distances = [
        measures.color_distance(first, second, mask).ciede2000
        for first, second in itertools.combinations(natural, 2)
    ]
    largest = np.nanmax(distances, axis=0)
    place = int(np.nanargmax(largest))
    return int(used[place]), f"contrasts farthest apart (CIEDE2000 {largest[place]:.1f})"


def _write(group: Sequence[ColoredStack], index: int, what: str, path: Path) -> None:
    body = np.logical_or.reduce([stack.mask[index] for stack in group])
    box = bounding_box(body, (BORDER, BORDER))
    rows = [_tiles(stack, index, box) for stack in group]
    made = group[0].provenance
    title = f"{_title(group)}, {made.plane} {what}"
    footer = f"{NOTICE}  Model {made.model_name} {made.model_version}"
    picture = compose(rows, title, footer)
    maps = [stack.tissue[index] for stack in group if stack.tissue is not None]
    if maps:
        picture = _with_legend(picture, np.unique(np.concatenate([m.ravel() for m in maps])))
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")


def _tiles(stack: ColoredStack, index: int, box: tuple[slice, ...]) -> list[Tile]:
    mri = np.rint(stack.mri[index] * 255).astype(np.uint8)
    tissue = np.zeros_like(mri) if stack.tissue is None else stack.tissue[index]
    spacing = np.linalg.norm(stack.ijk_to_ras[:3, :3], axis=0)[::-1]  # along array axes K, J, I
    rows, columns = (float(spacing[axis]) for axis in stack.order[1:])
    plane = stack.provenance.plane

    def tile(pixels: np.ndarray, caption: str) -> Tile:
        seen = as_seen(pixels[box], plane, stack.order, stack.ijk_to_ras)
        size_mm = (seen.shape[0] * rows, seen.shape[1] * columns)
        return Tile(seen, size_mm, caption, EDGES[plane])

    return [
        tile(mri, f"{stack.contrast} MRI"),
        tile(stack.pictures[NATURAL][index], "natural"),
        tile(stack.pictures[STRUCTURE][index], "structure-locked"),
        tile(DISPLAY_RGB[tissue], "tissue map"),
    ]


def as_seen(
    image: np.ndarray, plane: str, order: tuple[int, int, int], ijk_to_ras: np.ndarray
) -> np.ndarray:
    """As radiologists see it: anterior or superior on top, right or anterior at the left.

    image: (H, W) or (H, W, 3), a slice of an array whose axes `order` are slice, row, column.
    """
    upward = 1 if plane == "axial" else 2  # patient axes: 0 R, 1 A, 2 S
    leftward = 1 if PLANE_NORMAL[plane] == 0 else 0
    for position, (patient, axis) in enumerate(zip((upward, leftward), order[1:], strict=True)):
        if ijk_to_ras[patient, 2 - axis] > 0:
            image = np.flip(image, position)
    return np.ascontiguousarray(image)


def _with_legend(picture: Image.Image, codes: np.ndarray) -> Image.Image:
    """The picture with a line that says which colour of the tissue maps is which tissue."""
    height, size = 34, 14
    longer = Image.new("RGB", (picture.width, picture.height + height), picture.getpixel((0, 0)))
    longer.paste(picture, (0, 0))
    draw = ImageDraw.Draw(longer)
    font = ImageFont.load_default(size)
    x, y = 16, picture.height + 6
    for code in codes[codes > 0]:
        draw.rectangle((x, y + 2, x + size, y + 2 + size), fill=tuple(DISPLAY_RGB[code].tolist()))
        draw.text((x + size + 5, y), NAMES[code], fill=(235, 235, 235), font=font)
        x += size + 19 + round(draw.textlength(NAMES[code], font=font))
    return longer
