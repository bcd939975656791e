"""A case coloured: by the engine in both modes, by every baseline and by other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import (
    ColorVolume,
    Provenance,
    Volume,
    check_volume,
    choose_plane,
    slice_order,
)
from training.evaluate.baselines import BASELINES, Subject
from training.evaluate.cases import MRI, Case
from training.evaluate.engine_invariance import engine_changes
from training.evaluate.invariance import Change, network_changes
from training.evaluate.learned import ColorStatistics
from training.evaluate.predictions import Predictions

NATURAL, STRUCTURE = "natural", "structure-locked"
MODES = {NATURAL: "natural", STRUCTURE: "structure"}  # row of the tables -> option of the engine
TRUTH = "truth"  # the photograph itself, as if it were a colouring: what structure it has
# Slices with less body than this share of the fullest slice's are left out of the measures.
SMALLEST_BODY = 0.05
PROBED = 3  # slices of a volume on which the invariances are measured


@dataclass(frozen=True, eq=False)
class ColoredStack:
    """The measured slices of a case in the plane that the engine chose, in every colouring.

    index (S,): the slices' numbers along the normal; mri (S, H, W) float32 in [0, 1], as the
    network sees it; mask (S, H, W) bool, the body; tissue (S, H, W) uint8 codes of the model, or
    None; confidence (S, H, W) uint8, 255 where the model is certain of the tissue, or None;
    labels, truth: the case's, on these slices; pictures: (S, H, W, 3) uint8 by method.
    order: array axes of the volume in the order slice, row, column. grid: shape of the volume.
    changes: how much the model's colours change when they should not.
    """

    case: Case
    index: np.ndarray
    mri: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray | None
    labels: np.ndarray | None
    truth: np.ndarray | None
    pictures: dict[str, np.ndarray]
    order: tuple[int, int, int]
    grid: tuple[int, ...]
    provenance: Provenance
    confidence: np.ndarray | None = None
    changes: tuple[Change, ...] = ()

    def same_grid(self, other: ColoredStack) -> bool:
        """Whether both lie voxel on voxel and the same slices of them are measured."""
        return (
            self.grid == other.grid
            and self.order == other.order
            and np.allclose(self.case.volume.ijk_to_ras, other.case.volume.ijk_to_ras, atol=1e-3)
            and np.array_equal(self.index, other.index)
        )


def slices_with_body(mask: np.ndarray) -> np.ndarray:
    """Indices of slices whose body is at least SMALLEST_BODY of the fullest slice's."""
    area = mask.sum(axis=(1, 2))
    return np.flatnonzero((area > 0) & (area >= SMALLEST_BODY * area.max()))


def choose_slices(mask: np.ndarray, count: int) -> np.ndarray:
    """At most `count` slices in evenly spaced pairs of neighbours; 0 takes every slice with body.

    Neighbours, because flicker needs them; spread, because near slices tell the same.
    """
    used = slices_with_body(mask)
    if count <= 0 or count >= len(used):
        return used
    if count == 1:
        return used[len(used) // 2 : len(used) // 2 + 1]
    places = np.linspace(0, len(used) - 2, count // 2 + 2)[1:-1].round().astype(int)
    return used[np.unique(np.concatenate((places, places + 1)))]


@dataclass(frozen=True)
class _Painted:
    """A whole volume in both modes: mri, mask (S, H, W) in the order of the slices."""

    volume: Volume
    plane: str
    order: tuple[int, int, int]
    colored: dict[str, ColorVolume]
    mri: np.ndarray
    mask: np.ndarray

    @property
    def natural(self) -> ColorVolume:
        return self.colored[NATURAL]


def few_slices(stack: ColoredStack, most: int) -> ColoredStack:
    """At most so many of an MRI's measured slices, evenly spaced; a slab keeps all its frames."""
    if stack.case.kind != MRI or len(stack.index) <= most:
        return stack
    places = np.linspace(0, len(stack.index) - 1, most).round().astype(int)

    def chosen(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[places]

    return replace(
        stack,
        index=stack.index[places],
        mri=stack.mri[places],
        mask=stack.mask[places],
        tissue=chosen(stack.tissue),
        labels=chosen(stack.labels),
        truth=chosen(stack.truth),
        pictures={method: picture[places] for method, picture in stack.pictures.items()},
        confidence=chosen(stack.confidence),
    )


def paint_case(
    case: Case,
    colorizer: Colorizer,
    count: int = 0,
    before: Sequence[ColoredStack] = (),
    progress: Callable[[str], None] = print,
    modes: Sequence[str] = tuple(MODES),
) -> ColoredStack:
    """Colour a case in the model's modes, NATURAL among them, and in no other way.

    The other arguments are those of `color_case`.
    """
    painted = _paint(case, colorizer, progress, modes)
    return _stack(case, painted, _index(case, painted, count, before))


def color_case(
    case: Case,
    colorizer: Colorizer,
    statistics: ColorStatistics,
    predictions: Sequence[Predictions] = (),
    count: int = 0,
    before: Sequence[ColoredStack] = (),
    progress: Callable[[str], None] = print,
) -> ColoredStack:
    """Colour a case in both modes, with every baseline, and add predictions and invariances.

    count: how many slices to keep (see choose_slices). before: stacks already coloured; a case of
    a subject that is among them, on the same grid, keeps the same slices.
    Raises InputError when the volume cannot be used or a prediction is missing.
    """
    painted = _paint(case, colorizer, progress, tuple(MODES))
    stack = _stack(case, painted, _index(case, painted, count, before))
    subject = Subject.of(painted.mri, painted.mask, case.weighting, case.region)
    pictures = dict(stack.pictures)
    truth = pictures.pop(TRUTH, None)
    for method, baseline in BASELINES.items():
        pictures[method] = baseline(stack.mri, stack.mask, subject, statistics)
    for system in predictions:
        pictures[system.name] = system.read(case.name, stack.index, stack.mask)
    if truth is not None:
        pictures[TRUTH] = truth
    changes = _changes(stack, colorizer, painted)
    return replace(stack, pictures=pictures, changes=changes)


def _paint(
    case: Case, colorizer: Colorizer, progress: Callable[[str], None], modes: Sequence[str]
) -> _Painted:
    volume = check_volume(case.volume)
    plane = choose_plane(volume, case.plane)
    order = slice_order(volume, plane)
    sure = colorizer.palette is not None
    colored: dict[str, ColorVolume] = {}
    for method in modes:
        progress(f"{case.name}: {method}")
        options = ColorizeOptions(
            mode=MODES[method], plane=plane, mask=case.mask, confidence=sure and method == NATURAL
        )
        colored[method] = colorizer.colorize(volume, options)
    body = colored[NATURAL].mask
    # The engine's own normalisation, on the body that it found.
    mri = normalize(volume.array, body)[0].transpose(order)
    return _Painted(volume, plane, order, colored, mri, body.transpose(order))


def _index(case: Case, painted: _Painted, count: int, before: Sequence[ColoredStack]) -> np.ndarray:
    grid = painted.volume.array.shape
    for stack in before:
        same_grid = (stack.grid, stack.order) == (grid, painted.order)
        if stack.case.subject == case.subject and same_grid:
            return stack.index
    return choose_slices(painted.mask, count)


def _stack(case: Case, painted: _Painted, index: np.ndarray) -> ColoredStack:
    order, natural = painted.order, painted.natural

    def chosen(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.ascontiguousarray(_slices(array, order)[index])

    pictures = {m: c.array for m, c in painted.colored.items()}
    if case.truth is not None and case.photograph:
        pictures[TRUTH] = case.truth
    return ColoredStack(
        case=case,
        index=index,
        mri=np.ascontiguousarray(painted.mri[index]),
        mask=np.ascontiguousarray(painted.mask[index]),
        tissue=chosen(natural.tissue),
        labels=chosen(case.labels),
        truth=chosen(case.truth),
        pictures={m: _slices(array, order)[index] for m, array in pictures.items()},
        order=order,
        grid=painted.volume.array.shape,
        provenance=natural.provenance,
        confidence=chosen(natural.confidence),
    )


def _slices(array: np.ndarray, order: tuple[int, int, int]) -> np.ndarray:
    """The array with its slices first; colour channels stay last."""
    return array.transpose(*order, *range(3, array.ndim))


def _changes(stack: ColoredStack, colorizer: Colorizer, painted: _Painted) -> tuple[Change, ...]:
    """Invariances of the model on a few of the measured slices of an MRI."""
    if stack.case.kind != MRI:
        return ()
    order, volume = painted.order, painted.volume
    places = np.linspace(0, len(stack.index) - 1, min(PROBED, len(stack.index)))
    places = places.round().astype(int)
    spacing = [volume.spacing[::-1][axis] for axis in order[1:]]
    probed = stack.mri[places], stack.mask[places]
    return (
        *network_changes(colorizer.model, *probed, (spacing[0], spacing[1])),
        *engine_changes(
            colorizer, volume, painted.natural.mask, painted.plane, order, stack.index[places]
        ),
    )
