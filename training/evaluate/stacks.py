"""A case coloured: by the engine in both modes, by every baseline and by other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import ColorVolume, Provenance, check_volume, choose_plane, slice_order
from training.evaluate.baselines import BASELINES, Subject
from training.evaluate.cases import MRI, Case
from training.evaluate.invariance import Change, engine_changes, network_changes
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
    None; labels, truth: the case's, on these slices; pictures: (S, H, W, 3) uint8 by method.
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


def color_case(
    case: Case,
    colorizer: Colorizer,
    statistics: ColorStatistics,
    predictions: Sequence[Predictions] = (),
    count: int = 0,
    before: Sequence[ColoredStack] = (),
    progress: Callable[[str], None] = print,
) -> ColoredStack:
    """Colour a case in both modes, once each, with every baseline, and add the predictions.

    count: how many slices to keep (see choose_slices). before: stacks already coloured; a case of
    a subject that is among them, on the same grid, keeps the same slices.
    Raises InputError when the volume cannot be used or a prediction is missing.
    """
    volume = check_volume(case.volume)
    plane = choose_plane(volume, case.plane)
    order = slice_order(volume, plane)
    colored: dict[str, ColorVolume] = {}
    for method, mode in MODES.items():
        progress(f"{case.name}: {method}")
        options = ColorizeOptions(mode=mode, plane=plane, mask=case.mask)
        colored[method] = colorizer.colorize(volume, options)
    natural = colored[NATURAL]
    whole_mask = natural.mask.transpose(order)
    # The engine's own normalisation, on the body that it found.
    whole_mri = normalize(volume.array, natural.mask)[0].transpose(order)
    index = _slices_as_before(case, volume.array.shape, order, before)
    index = choose_slices(whole_mask, count) if index is None else index

    def chosen(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array.transpose(*order, *range(3, array.ndim))[index])

    mri, mask = np.ascontiguousarray(whole_mri[index]), np.ascontiguousarray(whole_mask[index])
    subject = Subject.of(whole_mri, whole_mask, case.weighting, case.region)
    pictures = {method: chosen(color.array) for method, color in colored.items()}
    for method, baseline in BASELINES.items():
        pictures[method] = baseline(mri, mask, subject, statistics)
    for system in predictions:
        pictures[system.name] = system.read(case.name, index, mask)
    truth = None if case.truth is None else chosen(case.truth)
    if truth is not None and case.photograph:
        pictures[TRUTH] = truth
    return ColoredStack(
        case=case,
        index=index,
        mri=mri,
        mask=mask,
        tissue=None if natural.tissue is None else chosen(natural.tissue),
        labels=None if case.labels is None else chosen(case.labels),
        truth=truth,
        pictures=pictures,
        order=order,
        grid=volume.array.shape,
        provenance=natural.provenance,
        changes=_changes(case, colorizer, plane, order, index, natural.mask, mri, mask),
    )


def _slices_as_before(
    case: Case, grid: tuple[int, ...], order: tuple[int, ...], before: Sequence[ColoredStack]
) -> np.ndarray | None:
    for stack in before:
        if stack.case.subject == case.subject and (stack.grid, stack.order) == (grid, order):
            return stack.index
    return None


def _changes(
    case: Case,
    colorizer: Colorizer,
    plane: str,
    order: tuple[int, int, int],
    index: np.ndarray,
    body: np.ndarray,
    mri: np.ndarray,
    mask: np.ndarray,
) -> tuple[Change, ...]:
    """Invariances of the model on a few of the measured slices of an MRI."""
    if case.kind != MRI:
        return ()
    places = np.linspace(0, len(index) - 1, min(PROBED, len(index))).round().astype(int)
    spacing = [case.volume.spacing[::-1][axis] for axis in order[1:]]
    return (
        *network_changes(colorizer.model, mri[places], mask[places], (spacing[0], spacing[1])),
        *engine_changes(colorizer, case.volume, body, plane, order, index[places]),
    )
