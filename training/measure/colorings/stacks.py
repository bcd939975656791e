"""A case coloured: by the engine in both modes, by every baseline and by other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import (
    ColorVolume,
    Provenance,
    Volume,
    check_volume,
    choose_plane,
    slice_order,
)
from training.measure.cases.cases import MRI, Case
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.baselines import BASELINES, Subject
from training.measure.colorings.predictions import Predictions
from training.measure.colorings.selection import choose_slices
from training.measure.metrics.engine_invariance import engine_changes
from training.measure.metrics.invariance import Change, network_changes

NATURAL, STRUCTURE = "natural", "structure-locked"
MODES = {NATURAL: "natural", STRUCTURE: "structure"}  # row of the tables -> option of the engine
TRUTH = "truth"  # the photograph itself, as if it were a colouring: what structure it has
PROBED = 3  # slices of a volume on which the invariances are measured


def silent(text: str) -> None:
    """Progress that nobody is told: of what takes a second or two, or is reported as a whole."""


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


@dataclass(frozen=True)
class _Painted:
    """A volume in the model's modes: mri, mask (S, H, W) in the order of the slices.

    index: the slices to keep; of a synthetic contrast no others were coloured.
    """

    volume: Volume
    plane: str
    order: tuple[int, int, int]
    colored: dict[str, ColorVolume]
    mri: np.ndarray
    mask: np.ndarray
    index: np.ndarray

    @property
    def natural(self) -> ColorVolume:
        return self.colored[NATURAL]


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
    return _stack(case, _paint(case, colorizer, progress, modes, (count, before)))


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
    painted = _paint(case, colorizer, progress, tuple(MODES), (count, before))
    stack = _stack(case, painted)
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
    case: Case,
    colorizer: Colorizer,
    progress: Callable[[str], None],
    modes: Sequence[str],
    keep: tuple[int, Sequence[ColoredStack]],
) -> _Painted:
    """keep: how many slices, and the stacks before that may have chosen them."""
    volume = check_volume(case.volume)
    plane = choose_plane(volume, case.plane)
    order = slice_order(volume, plane)
    mask = case.mask
    index = _index(case, mask, volume.array.shape, order, keep)
    if case.synthetic and mask is not None and index is not None:
        # Made to be measured: nobody looks at its other slices, and there are hundreds.
        mask = _slices_alone(mask, order, index)
    sure = colorizer.palette is not None
    colored: dict[str, ColorVolume] = {}
    for method in modes:
        progress(f"{case.name}: {method}")
        options = ColorizeOptions(
            mode=MODES[method], plane=plane, mask=mask, confidence=sure and method == NATURAL
        )
        colored[method] = colorizer.colorize(volume, options)
    body = colored[NATURAL].mask
    if index is None:
        index = choose_slices(body.transpose(order), keep[0])
    # The engine's own normalisation, on the body that it found.
    mri = normalize(volume.array, body)[0].transpose(order)
    return _Painted(volume, plane, order, colored, mri, body.transpose(order), index)


def _index(
    case: Case,
    mask: np.ndarray | None,
    grid: tuple[int, ...],
    order: tuple[int, int, int],
    keep: tuple[int, Sequence[ColoredStack]],
) -> np.ndarray | None:
    """The slices of an earlier stack on this grid, or by the body; None while it is not known."""
    count, before = keep
    for stack in before:
        same_grid = (stack.grid, stack.order) == (grid, order)
        if stack.case.subject == case.subject and same_grid:
            return stack.index
    return None if mask is None else choose_slices(mask.transpose(order), count)


def _slices_alone(mask: np.ndarray, order: tuple[int, ...], index: np.ndarray) -> np.ndarray:
    """The body in the slices `index`, and nowhere else."""
    alone = np.zeros_like(mask)
    alone.transpose(order)[index] = mask.transpose(order)[index]
    return alone


def _stack(case: Case, painted: _Painted) -> ColoredStack:
    order, natural, index = painted.order, painted.natural, painted.index

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
