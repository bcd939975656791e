"""Where the queue of the experiments reads and writes; what it reads is read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from MRIColorizeLib.engine.body import normalize
from training.data.prepared import PreparedVolume, load_all
from training.measure.cases.learned import ColorStatistics, learn_statistics
from training.measure.colorings.held_out import ThinCase, data_digest, held_out
from training.measure.colorings.predictions import write_inputs
from training.measure.experiments.results import RESULTS


@dataclass(frozen=True)
class Workplace:
    """Where a queue reads and writes.

    prepared: folder made by `prepare`. out: runs, weights and results. data: folder with mri/, for
    the test part. split: of the measurements. threads: of the CPU, 0 for what each arm asks for.
    predictions: folder of other systems' pictures, ARM/CASE/NNNN.png, which fill their rows.
    """

    prepared: Path
    out: Path
    data: Path | None = None
    split: str = "val"
    threads: int = 0
    predictions: Path | None = None

    @property
    def results(self) -> Path:
        """Folder of the results, one file an arm and seed."""
        return self.out / RESULTS

    @cached_property
    def volumes(self) -> list[PreparedVolume]:
        return load_all(self.prepared)

    @cached_property
    def digest(self) -> str:
        return data_digest([volume.entry for volume in self.volumes])

    @cached_property
    def statistics(self) -> ColorStatistics:
        return learn_statistics(self.volumes)

    @cached_property
    def _cases(self) -> dict[str, list[ThinCase]]:
        return {}

    def cases(self, plane: str) -> list[ThinCase]:
        """The held-out slices of a plane; read once."""
        if plane not in self._cases:
            self._cases[plane] = held_out(self.volumes, self.split, self.data, plane)
        return self._cases[plane]


def write_slices(place: Workplace, folder: Path) -> int:
    """Write the slices that other systems are to colour, `folder`/CASE/NNNN.png, grey; how many.

    Their numbers count the slices of a case from 0.
    """
    total = 0
    for thin in place.cases("axial"):
        mri, _ = normalize(thin.case.volume.array, thin.case.mask)
        write_inputs(folder, thin.case.name, np.arange(len(mri)), mri)
        total += len(mri)
    return total
