"""Pictures of an evaluation: MRI, truth, both modes and tissue map, one row a contrast."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.files.picture import EDGES, Tile, compose
from MRIColorizeLib.provenance import NOTICE
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES
from MRIColorizeLib.volume import PLANE_NORMAL, bounding_box
from training.measure.cases.cases import SLAB
from training.measure.cases.learned import BRAIN, Region
from training.measure.colorings.scores import unit_rgb
from training.measure.colorings.stacks import NATURAL, STRUCTURE, ColoredStack
from training.measure.evaluation.blocks import Picture
from training.measure.metrics import measures

BORDER = 4  # pixels of background kept around the body
BRAIN_SHOWN = 0.25  # least share of a head's slice that is brain, for it to be shown


def write_montages(stacks: Sequence[ColoredStack], out: Path) -> list[Picture]:
    """Write a picture of every slab and, of every other subject, of its worst and its best slice.

    The worst come first: slabs by CIEDE2000 of the natural colours to the photograph; other
    subjects by how far the natural colours of two contrasts lie apart or, for a volume alone, by
    how little they follow the MRI (NCC^2).
    """
    slabs, others = [], []
    for group in groups_on_one_grid(stacks):
        badness, reason = _badness(group)
        badness = np.where(np.isnan(badness), 0.0, badness)
        allowed = np.logical_and.reduce([may_show(stack) for stack in group])
        if not allowed.any():
            continue
        worst = int(np.argmax(np.where(allowed, badness, -np.inf)))
        best = int(np.argmin(np.where(allowed, badness, np.inf)))
        entry = (float(badness[worst]), group, worst, f"{reason} {abs(badness[worst]):.2f}")
        if group[0].case.kind == SLAB:
            slabs.append(entry)
        else:
            others.append(entry)
            if best != worst:
                others.append((-np.inf, group, best, f"{reason} {abs(badness[best]):.2f}"))
    pictures = []
    for start, entries in (("slab", slabs), ("mri", others)):
        ordered = sorted(entries, key=lambda entry: -entry[0])
        for rank, (_, group, place, reason) in enumerate(ordered, start=1):
            number = group[0].case.first + int(group[0].index[place])
            what = f"slice {number}, {reason}"
            name = f"{start}_{rank:02d}_{_title(group)}_{number:03d}.png"
            write_group(group, place, what, out / name)
            pictures.append(Picture(name, f"{_title(group)}, {what}"))
    return pictures


def may_show(stack: ColoredStack) -> np.ndarray:
    """Which slices (S,) may stand in a report.

    A face can tell who was scanned: of a head that is not defaced only axial slices through the
    brain are shown, where the labels or the model's own tissues say that there is brain.
    """
    case = stack.case
    if case.kind == SLAB or case.region != Region.HEAD or "defaced" in case.name:
        return np.ones(len(stack.index), dtype=bool)
    codes = stack.labels if stack.labels is not None else stack.tissue
    if stack.provenance.plane != "axial" or codes is None:
        return np.zeros(len(stack.index), dtype=bool)
    brain = (np.isin(codes, BRAIN) & stack.mask).sum(axis=(1, 2))
    return brain >= BRAIN_SHOWN * np.maximum(stack.mask.sum(axis=(1, 2)), 1)


def _title(group: Sequence[ColoredStack]) -> str:
    """A name that no other group has."""
    if len(group) == 1:
        return group[0].case.name
    contrasts = (stack.case.contrast.lower().replace(" ", "-") for stack in group)
    return "_".join((group[0].case.subject, *contrasts))


def groups_on_one_grid(stacks: Sequence[ColoredStack]) -> list[list[ColoredStack]]:
    """Cases of one subject that lie voxel on voxel: they belong into one picture."""
    groups: list[list[ColoredStack]] = []
    for stack in stacks:
        for group in groups:
            if group[0].case.subject == stack.case.subject and group[0].same_grid(stack):
                group.append(stack)
                break
        else:
            groups.append([stack])
    return groups


def _badness(group: Sequence[ColoredStack]) -> tuple[np.ndarray, str]:
    """How bad every slice is (S,), and in what."""
    natural = [unit_rgb(stack.pictures[NATURAL]) for stack in group]
    if group[0].case.photograph and group[0].truth is not None:
        truth = unit_rgb(group[0].truth)
        away = [measures.color_distance(n, truth, group[0].mask).ciede2000 for n in natural]
        return np.mean(away, axis=0), "CIEDE2000 of natural to the photograph"
    if len(group) == 1:
        light = measures.lightness(natural[0])
        return -measures.squared_ncc(light, group[0].mri, group[0].mask), "NCC^2 of natural"
    mask = np.logical_and.reduce([stack.mask for stack in group])
    distances = [
        measures.color_distance(first, second, mask).ciede2000
        for first, second in itertools.combinations(natural, 2)
    ]
    return np.max(distances, axis=0), "contrasts apart by CIEDE2000"


def write_group(group: Sequence[ColoredStack], index: int, what: str, path: Path) -> None:
    """Write one slice of a subject's contrasts, a row each; what: the end of the title."""
    body = np.logical_or.reduce([stack.mask[index] for stack in group])
    box = bounding_box(body, (BORDER, BORDER))
    rows = [_tiles(stack, index, box) for stack in group]
    made = group[0].provenance
    title = f"{_title(group)}, {made.plane} {what}"
    footer = f"{NOTICE}  Model {made.model_name} {made.model_version}"
    picture = compose(rows, title, footer)
    maps = [stack.tissue[index] for stack in group if stack.tissue is not None]
    if maps:
        picture = with_legend(picture, np.unique(np.concatenate([m.ravel() for m in maps])))
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")


def _tiles(stack: ColoredStack, index: int, box: tuple[slice, ...]) -> list[Tile]:
    mri = np.rint(stack.mri[index] * 255).astype(np.uint8)
    tissue = np.zeros_like(mri) if stack.tissue is None else stack.tissue[index]
    shown = [
        (mri, f"{stack.case.contrast} MRI"),
        (stack.pictures[NATURAL][index], "natural"),
        (stack.pictures[STRUCTURE][index], "structure-locked"),
        (DISPLAY_RGB[tissue], "tissue map"),
    ]
    if stack.truth is not None:
        what = "photograph" if stack.case.photograph else "palette on the labels"
        shown.insert(1, (stack.truth[index], what))
    return [slice_tile(stack, pixels, box, caption) for pixels, caption in shown]


def slice_tile(
    stack: ColoredStack, pixels: np.ndarray, box: tuple[slice, ...], caption: str
) -> Tile:
    """A slice of a stack, (H, W) or (H, W, 3) uint8, cut to `box` and turned as it is looked at."""
    ijk_to_ras = stack.case.volume.ijk_to_ras
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)[::-1]  # along array axes K, J, I
    rows, columns = (float(spacing[axis]) for axis in stack.order[1:])
    plane = stack.provenance.plane
    seen = as_seen(pixels[box], plane, stack.order, ijk_to_ras)
    return Tile(seen, (seen.shape[0] * rows, seen.shape[1] * columns), caption, EDGES[plane])


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


def with_legend(picture: Image.Image, codes: np.ndarray) -> Image.Image:
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
