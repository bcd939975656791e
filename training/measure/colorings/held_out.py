"""The held-out cases that every arm is measured on: few slices of each, the same for all."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.volume import Volume, check_volume, choose_plane, slice_order
from training.data.prepared import ManifestEntry, PreparedVolume
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

SLICES = 4  # of each MRI, in pairs of neighbours; a slab's frames are few anyway


@dataclass(frozen=True)
class ThinCase:
    """A case of a few slices: what is coloured, and the slices' numbers in their source.

    case: every slice of it is measured. index (S,): numbers of the slices, of which neighbours
    follow one another.
    """

    case: Case
    index: np.ndarray


def held_out(
    volumes: Sequence[PreparedVolume], split: str, data: Path | None = None, plane: str = "axial"
) -> list[ThinCase]:
    """Slabs and MRI of a split. data: folder with mri/, which the test part needs.

    plane: of MRI whose slices are thin; thick ones are seen in their own, and left out of another.
    Slabs are axial. Contrasts of one subject on one grid keep the same slices. Raises ValueError,
    InputError.
    """
    if split == "test":
        if data is None:
            raise ValueError("The test part's MRI are read from files; give --data.")
        scans: Iterable[Case] = file_cases(data, TEST_VOLUMES)
    else:
        scans = labelled_cases(volumes, split)
    thin: list[ThinCase] = []
    chosen: dict[tuple, np.ndarray] = {}
    for case in itertools.chain(slab_cases(volumes, split), scans):
        seen, body = _seen_in(case, plane)
        if plane not in ("axial", seen.plane):
            continue
        key = (seen.subject, seen.volume.array.shape)
        if key not in chosen:
            chosen[key] = choose_slices(body, SLICES if seen.kind == MRI else 0)
        thin.append(ThinCase(only_slices(seen, chosen[key]), chosen[key]))
    if not thin:
        raise ValueError(f"The prepared data has no {plane} slices in the split {split!r}.")
    return thin


def data_digest(entries: Sequence[ManifestEntry]) -> str:
    """SHA-256 over what the prepared data is made of: sources, recipes and splits."""
    told = [dataclasses.asdict(entry) for entry in sorted(entries, key=lambda e: e.name)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


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
        return dataclasses.replace(case, volume=volume, mask=mask, plane=plane), mask

    def turned(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array.transpose(*order, *range(3, array.ndim)))

    matrix = volume.ijk_to_ras.copy()
    matrix[:, [0, 1, 2]] = volume.ijk_to_ras[:, [2 - axis for axis in order[::-1]]]
    body = turned(mask)
    seen = dataclasses.replace(
        case,
        volume=Volume(turned(volume.array), matrix),
        mask=body,
        labels=None if case.labels is None else turned(case.labels),
        truth=None if case.truth is None else turned(case.truth),
        plane=plane,
    )
    return seen, body
