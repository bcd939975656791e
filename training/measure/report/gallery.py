"""The failures of a model in pictures: the worst slice of each kind, with how to recognise it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.files.picture import EDGES, Tile, compose
from MRIColorizeLib.provenance import NOTICE
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES
from MRIColorizeLib.volume import PLANE_NORMAL, bounding_box
from training.measure.arms.assessment import Assessment
from training.measure.cases.cases import MRI, SLAB
from training.measure.cases.learned import BRAIN, Region
from training.measure.cases.origins import NO_FINDING, UNKNOWN, finding_of
from training.measure.colorings.conditions import PLAIN
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import NATURAL, STRUCTURE, ColoredStack

BORDER = 4  # pixels of background kept around the body
BRAIN_SHOWN = 0.25  # least share of a head's slice that is brain, for it to be shown
WIDEST, QUALITY = 1200, 82  # pixels of a picture, and quality of its JPEG


def _scanned(stack: ColoredStack) -> bool:
    return stack.case.kind == MRI and not stack.case.synthetic


def _healthy(stack: ColoredStack) -> bool:
    return _scanned(stack) and finding_of(stack.case) in (NO_FINDING, UNKNOWN)


def _ill(stack: ColoredStack) -> bool:
    return _scanned(stack) and not _healthy(stack)


@dataclass(frozen=True)
class Failure:
    """A kind of failure: the slice where a measure of natural colours is the worst.

    of: which stacks. recognised: how a user sees it.
    """

    name: str
    title: str
    condition: str
    measure: Measure
    of: Callable[[ColoredStack], bool]
    recognised: str


M = Measure
FAILURES = (
    Failure(
        *("contrasts", "One tissue in two colours", PLAIN, M.CONTRAST, _scanned),
        "colour another contrast of the same person; where one place has two colours, at least one "
        "is wrong. With one contrast alone, look at the confidence volume and at tissues in places "
        "where they cannot be, such as white matter in the cortex.",
    ),
    Failure(
        *("disease", "Disease", PLAIN, M.CONFIDENCE, _ill),
        "a patch of another tissue inside one that should be whole, with the outline of the lesion "
        "in the MRI. No lesion was labelled in training, so a lesion gets the colour of what it "
        "resembles: fluid, grey matter or muscle. Never read a finding from the colours.",
    ),
    Failure(
        *("unsure", "Far from what was trained on", PLAIN, M.CONFIDENCE, _healthy),
        "the confidence volume (`--confidence`) is dark over whole regions, the colours are dull "
        "mixtures, and the tissue map has stripes or speckles that anatomy does not have.",
    ),
    Failure(
        *("photograph", "Furthest from the photograph", PLAIN, M.CIEDE2000),
        lambda stack: stack.case.kind == SLAB,
        "organs and muscle share one colour, cortical bone is coloured although it is black in "
        "every MRI contrast, marrow and fat change places.",
    ),
    Failure(
        *("noise", "Noise", "noise-9", M.KEPT, _scanned),
        "the tissue map is speckled, thin fluid vanishes and colours turn to one mixture. Denoise "
        "the MRI first.",
    ),
    Failure(
        *("bias", "A bias field", "bias-40", M.KEPT, _scanned),
        "one tissue changes its colour from one side of the picture to the other, with the "
        "brightness of the MRI. Correct the field first (N4, for example).",
    ),
    Failure(
        *("resolution", "Wide pixels", "resolution-4", M.KEPT, _scanned),
        "borders are round and broad; layers thinner than a pixel (skin, skull, fluid between the "
        "gyri) are missing or painted as a neighbour.",
    ),
)


class Gallery:
    """Keeps the worst slice of every kind of failure, as conditions are measured."""

    def __init__(self) -> None:
        self._worst: dict[str, tuple[float, float, int, tuple[ColoredStack, ...]]] = {}

    def see(self, condition: str, assessment: Assessment) -> None:
        """Look through what was measured under a condition."""
        for failure in FAILURES:
            if failure.condition == condition:
                for stacks, values in _candidates(failure, assessment):
                    self._keep(failure, stacks, values)

    def _keep(self, failure: Failure, stacks: tuple[ColoredStack, ...], values: np.ndarray) -> None:
        allowed = np.logical_and.reduce([may_show(stack) for stack in stacks])
        bad = np.where(allowed & np.isfinite(values), -failure.measure.better * values, -np.inf)
        if failure.measure is Measure.CONFIDENCE:
            bad = np.where(np.isfinite(bad), -values, -np.inf)
        place = int(np.argmax(bad))
        if np.isfinite(bad[place]) and bad[place] > self._worst.get(failure.name, (-np.inf,))[0]:
            self._worst[failure.name] = float(bad[place]), float(values[place]), place, stacks

    def write(self, out: Path) -> Iterator[str]:
        """Write the pictures and tell of them. Raises OutputError."""
        for failure in FAILURES:
            if failure.name not in self._worst:
                continue
            _, value, place, stacks = self._worst[failure.name]
            case, number = stacks[0].case, stacks[0].case.first + int(stacks[0].index[place])
            who = " and ".join(stack.case.name for stack in stacks)
            what = f"{failure.measure.label} {value:.{failure.measure.digits}f}"
            if _ill(stacks[0]):
                what += f", {finding_of(case)}"
            title = f"{who}, {stacks[0].provenance.plane} slice {number}: {what}"
            path = out / f"failure_{failure.name}.jpg"
            write_slices_of(stacks, place, title, path)
            yield f"### {failure.title}"
            yield f"{title}. How to recognise it: {failure.recognised}"
            yield f"![{title}]({path.name})"


def _candidates(
    failure: Failure, assessment: Assessment
) -> Iterator[tuple[tuple[ColoredStack, ...], np.ndarray]]:
    """Stacks that are shown together, and how they fared, (S,)."""
    if failure.measure is Measure.CONTRAST:
        for pair in assessment.pairs:
            if pair.method == NATURAL and failure.of(pair.first) and failure.of(pair.second):
                yield (pair.first, pair.second), pair.values[Measure.CONTRAST]
        return
    for one in assessment.scores:
        if one.method == NATURAL and failure.of(one.stack) and failure.measure in one.values:
            yield (one.stack,), one.values[failure.measure]


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


def write_slices_of(stacks: Sequence[ColoredStack], place: int, title: str, path: Path) -> None:
    """Write one slice of each stack, a row each, with the colours of the tissue maps named."""
    body = np.logical_or.reduce([stack.mask[place] for stack in stacks])
    box = bounding_box(body, (BORDER, BORDER))
    made = stacks[0].provenance
    footer = f"{NOTICE}  Model {made.model_name} {made.model_version}"
    picture = compose([_tiles(stack, place, box) for stack in stacks], title, footer)
    maps = [stack.tissue[place].ravel() for stack in stacks if stack.tissue is not None]
    if maps:
        picture = with_legend(picture, np.unique(np.concatenate(maps)))
    picture.thumbnail((WIDEST, picture.height))
    with atomic(path) as temporary:
        picture.convert("RGB").save(temporary, format="JPEG", quality=QUALITY, optimize=True)


def _tiles(stack: ColoredStack, place: int, box: tuple[slice, ...]) -> list[Tile]:
    # What was coloured: structure may be compared with an MRI that is not as noisy.
    scaled = normalize(stack.case.volume.array, stack.mask)[0][place]
    mri = np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    shown = [(mri, f"{stack.case.contrast} MRI")]
    if stack.truth is not None:
        what = "photograph" if stack.case.photograph else "palette on the labels"
        shown.append((stack.truth[place], what))
    shown += [(stack.pictures[m][place], m) for m in (NATURAL, STRUCTURE) if m in stack.pictures]
    if stack.tissue is not None:
        shown.append((DISPLAY_RGB[stack.tissue[place]], "tissue map"))
    columns, rows, _ = stack.case.volume.spacing
    plane = stack.provenance.plane
    tiles = []
    for pixels, caption in shown:
        seen = as_seen(pixels[box], plane, stack.case.volume.ijk_to_ras)
        size = (seen.shape[0] * rows, seen.shape[1] * columns)
        tiles.append(Tile(seen, size, caption, EDGES[plane]))
    return tiles


def as_seen(image: np.ndarray, plane: str, ijk_to_ras: np.ndarray) -> np.ndarray:
    """As radiologists see it: anterior or superior on top, right or anterior at the left.

    image: (H, W) or (H, W, 3), a slice of a volume whose slices lie along the first axis.
    """
    upward = 1 if plane == "axial" else 2  # patient axes: 0 R, 1 A, 2 S
    leftward = 1 if PLANE_NORMAL[plane] == 0 else 0
    for position, (patient, column) in enumerate(((upward, 1), (leftward, 0))):
        if ijk_to_ras[patient, column] > 0:
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
