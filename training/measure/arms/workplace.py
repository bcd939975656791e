"""Where measurements read and write; what they read is read once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from MRIColorizeLib.engine.body import normalize
from training.data.prepared import PreparedVolume, load_all
from training.measure.arms.records import RECORDS
from training.measure.cases.learned import ColorStatistics, learn_statistics
from training.measure.colorings.held_out import SLICES, HeldOut, held_out
from training.measure.colorings.predictions import write_inputs


@dataclass(frozen=True)
class Workplace:
    """Where measurements read and write.

    prepared: folder made by `prepare`. out: runs, weights and records. data: folder with mri/, for
    the test part. split: of the measurements. threads: of the CPU, 0 for what each arm asks for.
    predictions: folder of other systems' pictures, ARM/CASE/NNNN.png, which fill their rows.
    slices: measured of each MRI, 0 for all. volumes: MRI files instead of the split's, names or
    paths. whole: whether scans are coloured whole where nothing changes them, as a user has them,
    or their measured slices alone, which costs less.
    """

    prepared: Path
    out: Path
    data: Path | None = None
    split: str = "val"
    threads: int = 0
    predictions: Path | None = None
    slices: int = SLICES
    volumes: tuple[str, ...] | None = None
    whole: bool = False

    @property
    def records(self) -> Path:
        """Folder of the records, one file an arm and seed."""
        return self.out / RECORDS

    @cached_property
    def prepared_volumes(self) -> list[PreparedVolume]:
        return load_all(self.prepared)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over what is measured: sources, recipes, splits, and what was asked for."""
        entries = sorted((volume.entry for volume in self.prepared_volumes), key=lambda e: e.name)
        told = [
            [dataclasses.asdict(entry) for entry in entries],
            self.slices,
            self.volumes,
            self.whole,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @cached_property
    def statistics(self) -> ColorStatistics:
        return learn_statistics(self.prepared_volumes)

    @cached_property
    def _cases(self) -> dict[str, list[HeldOut]]:
        return {}

    def cases(self, plane: str) -> list[HeldOut]:
        """The held-out slices of a plane alone; read once."""
        if plane not in self._cases:
            self._cases[plane] = [held.thin() for held in self.whole_cases(plane)]
        return self._cases[plane]

    def whole_cases(self, plane: str = "axial") -> Iterator[HeldOut]:
        """The held-out slices of a plane in whole scans, one at a time."""
        return held_out(
            self.prepared_volumes, self.split, self.data, plane, self.slices, self.volumes
        )


def write_slices(place: Workplace, folder: Path) -> int:
    """Write the slices that other systems are to colour, `folder`/CASE/NNNN.png, grey; how many."""
    total = 0
    for held in place.cases("axial"):
        mri, _ = normalize(held.case.volume.array, held.case.mask)
        write_inputs(folder, held.case.name, held.index, mri)
        total += len(mri)
    return total
