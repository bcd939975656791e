"""The held-out cases that every arm is measured on: some slices of each, the same for all."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.volume import Volume, check_volume, choose_plane, slice_order
from training.data.prepared import PreparedVolume
from training.measure.cases.cases import (
    MRI,
    TEST_VOLUMES,
    Case,
    file_cases,
    labelled_cases,
    only_slices,
    slab_cases,
)
from training.measure.colorings.selection import choose_slices

SMALLEST_SIDE = 32  # pixels of a slice that all measures have room in
SLICES = 4  # of each MRI, in pairs of neighbours; a slab's frames are few anyway


@dataclass(frozen=True)
class HeldOut:
    """A case whose slices lie along its first axis, and which of them are measured.

    index (S,): numbers of the measured slices in their source, of which neighbours follow one
    another; places (S,): where they are in the case.
    """

    case: Case
    index: np.ndarray
    places: np.ndarray

    def thin(self) -> HeldOut:
        """The measured slices alone, their body told."""
        case = self.case
        if case.mask is None:
            case = dataclasses.replace(case, mask=normalize(case.volume.array)[1])
        return HeldOut(only_slices(case, self.places), self.index, np.arange(len(self.index)))


def held_out(
    volumes: Sequence[PreparedVolume],
    split: str,
    data: Path | None = None,
    plane: str = "axial",
    slices: int = SLICES,
    names: Sequence[str] | None = None,
) -> Iterator[HeldOut]:
    """Slabs and MRI of a split, one at a time; of synthetic MRI the measured slices alone.

    data: folder with mri/, which the test part needs. plane: of MRI whose slices are thin; thick
    ones are seen in their own, and left out of another, as are few ones. Slabs are axial. slices:
    measured of each MRI, 0 for all; of a slab all. names: MRI files instead of the split's.
    Contrasts of one subject on one grid keep the same slices. Raises ValueError, InputError.
    """
    if names is not None or split == "test":
        if data is None:
            raise ValueError("The test part's MRI are read from files; give --data.")
        scans = file_cases(data, TEST_VOLUMES if names is None else names)
    else:
        scans = labelled_cases(volumes, split)
    chosen: dict[tuple, np.ndarray] = {}
    for case in itertools.chain(slab_cases(volumes, split), scans):
        seen, body = _seen_in(case, plane)
        thin = min(seen.volume.array.shape[1:]) < SMALLEST_SIDE
        if plane != "axial" and (thin or seen.plane != plane):
            continue
        key = (seen.subject, seen.volume.array.shape)
        if key not in chosen:
            chosen[key] = choose_slices(body, slices if seen.kind == MRI else 0)
        held = HeldOut(seen, chosen[key], chosen[key])
        yield held.thin() if seen.synthetic else held


def _seen_in(case: Case, wanted: str) -> tuple[Case, np.ndarray]:
    """The case with its slices along the first axis, and its body, bool (S, H, W)."""
    volume = check_volume(case.volume)
    mask = case.mask
    if mask is None:
        mask = normalize(volume.array)[1]
    plane = choose_plane(volume, case.plane)
    if plane == "axial" and case.kind == MRI:
        plane = wanted
    order = slice_order(volume, plane)
    if order == (0, 1, 2):
        return dataclasses.replace(case, volume=volume, plane=plane), mask

    def turned(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array.transpose(*order, *range(3, array.ndim)))

    matrix = volume.ijk_to_ras.copy()
    matrix[:, [0, 1, 2]] = volume.ijk_to_ras[:, [2 - axis for axis in order[::-1]]]
    seen = dataclasses.replace(
        case,
        volume=Volume(turned(volume.array), matrix),
        mask=None if case.mask is None else turned(case.mask),
        labels=None if case.labels is None else turned(case.labels),
        truth=None if case.truth is None else turned(case.truth),
        plane=plane,
    )
    return seen, turned(mask)
