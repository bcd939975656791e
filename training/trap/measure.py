"""The validation part seen through one model: structure bought, tissues and colours paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.engine.colorizer import Colorizer
from training.data.prepared import PreparedVolume
from training.evaluate import measures
from training.evaluate.baselines import grey_picture
from training.evaluate.cases import MRI, Case, labelled_cases, only_slices, slab_cases
from training.evaluate.scores import unit_rgb
from training.evaluate.selection import choose_slices
from training.evaluate.stacks import NATURAL, STRUCTURE, ColoredStack, paint_case

CONTRASTS = ("T1", "T2")
SPLIT = "val"


@dataclass(frozen=True)
class Row:
    """One colouring of the real T1 and T2 of a person, and of the synthetic MRI of photographs.

    ssim, ncc2, labelled: by contrast, in the body, mean over slices. agreement, by_chance: share of
    the body with one tissue in both contrasts; None in structure mode, whose map is the natural's.
    apart: CIEDE2000 between the contrasts. photograph: CIEDE2000 to the held-out photographs;
    photograph_ssim: SSIM to their synthetic MRI.
    """

    name: str
    ssim: tuple[float, float]
    ncc2: tuple[float, float]
    labelled: tuple[float, float] | None
    agreement: float | None
    by_chance: float | None
    apart: float
    photograph: float
    photograph_ssim: float
    slices: int


@dataclass(frozen=True)
class Seen:
    """A model's colourings: t1 and t2 of one person, voxel on voxel, and the slabs."""

    t1: ColoredStack
    t2: ColoredStack
    slabs: tuple[ColoredStack, ...]


def person_and_slabs(
    volumes: Sequence[PreparedVolume], count: int
) -> tuple[list[Case], list[Case]]:
    """`count` slices of one person's real T1 and T2, and the slabs in both: the validation part.

    Raises ValueError when there is no such person or no slab.
    """
    scans: dict[str, dict[str, Case]] = {}
    for case in labelled_cases(volumes, SPLIT):
        if case.kind == MRI and case.contrast in CONTRASTS:
            scans.setdefault(case.subject, {})[case.contrast] = case
    persons = [found for found in scans.values() if set(found) == set(CONTRASTS)]
    slabs = [case for case in slab_cases(volumes, SPLIT) if case.contrast in CONTRASTS]
    if not persons or not slabs:
        raise ValueError(
            "The validation part needs a person in T1 and T2 and a cryosection; prepare them."
        )
    person = [persons[0][contrast] for contrast in CONTRASTS]
    index = choose_slices(np.logical_and.reduce([labelled(case) > 0 for case in person]), count)
    thin = (only_slices(case, index) for case in person)
    return [replace(case, plane="axial", mask=labelled(case) > 0) for case in thin], slabs


def labelled(case: Case) -> np.ndarray:
    """The labels of a case that has some. Raises ValueError otherwise."""
    if case.labels is None:
        raise ValueError(f"{case.name} has no labels.")
    return case.labels


def see(
    colorizer: Colorizer,
    person: Sequence[Case],
    slabs: Sequence[Case],
    progress: Callable[[str], None],
) -> Seen:
    """Colour everything in both modes."""
    t1 = paint_case(person[0], colorizer, progress=progress)
    t2 = paint_case(person[1], colorizer, before=[t1], progress=progress)
    painted = tuple(paint_case(slab, colorizer, progress=progress) for slab in slabs)
    return Seen(t1, t2, painted)


def grey_copies(seen: Seen) -> Seen:
    """The same slices with the MRI itself for a picture, which names no tissue."""

    def grey(stack: ColoredStack) -> ColoredStack:
        return replace(stack, pictures={NATURAL: grey_picture(stack.mri, stack.mask)}, tissue=None)

    return Seen(grey(seen.t1), grey(seen.t2), tuple(grey(slab) for slab in seen.slabs))


def rows_of(seen: Seen, name: str, modes: Sequence[str] = (NATURAL,)) -> Iterator[Row]:
    """The numbers of a model in one or both modes."""
    both = seen.t1.mask & seen.t2.mask
    for mode in modes:
        agreement = labelled = None
        if mode == NATURAL and seen.t1.tissue is not None and seen.t2.tissue is not None:
            agreement = measures.tissue_agreement(seen.t1.tissue, seen.t2.tissue, both)
            labelled = _labelled(seen.t1), _labelled(seen.t2)
        first, second = (unit_rgb(stack.pictures[mode]) for stack in (seen.t1, seen.t2))
        structure = [_structure(stack, mode) for stack in (seen.t1, seen.t2)]
        of_slabs = [_structure(stack, mode)[0] for stack in seen.slabs]
        yield Row(
            name=name if mode == NATURAL else f"{name}, {STRUCTURE}",
            ssim=(structure[0][0], structure[1][0]),
            ncc2=(structure[0][1], structure[1][1]),
            labelled=labelled,
            agreement=None if agreement is None else float(np.nanmean(agreement.share)),
            by_chance=None if agreement is None else agreement.by_chance,
            apart=float(np.nanmean(measures.color_distance(first, second, both).ciede2000)),
            photograph=float(np.mean([_to_photograph(stack, mode) for stack in seen.slabs])),
            photograph_ssim=float(np.mean(of_slabs)),
            slices=len(seen.t1.index),
        )


def _structure(stack: ColoredStack, mode: str) -> tuple[float, float]:
    """SSIM and NCC^2 to the MRI, in the body."""
    rgb = unit_rgb(stack.pictures[mode])
    ssim = measures.ssim_in_body(measures.grey(rgb), stack.mri, stack.mask)
    ncc2 = measures.squared_ncc(measures.lightness(rgb), stack.mri, stack.mask)
    return float(np.nanmean(ssim)), float(np.nanmean(ncc2))


def _labelled(stack: ColoredStack) -> float:
    if stack.tissue is None or stack.labels is None:
        return float("nan")
    return float(
        np.nanmean(measures.tissue_agreement(stack.tissue, stack.labels, stack.mask).share)
    )


def _to_photograph(stack: ColoredStack, mode: str) -> float:
    if stack.truth is None:
        return float("nan")
    pictures = unit_rgb(stack.pictures[mode]), unit_rgb(stack.truth)
    return float(np.nanmean(measures.color_distance(*pictures, stack.mask).ciede2000))
