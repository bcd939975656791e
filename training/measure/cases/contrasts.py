"""Contrasts that the training's sequences do not make, rendered from a case's labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from MRIColorizeLib.tissue import Tissue
from MRIColorizeLib.volume import Volume
from training.measure.cases.cases import Case
from training.measure.cases.synthetic import INTENSITIES, rendered_mri

T = Tissue


@dataclass(frozen=True)
class Unseen:
    """A contrast by the intensities of its tissues, set by hand, in [0, 1]."""

    title: str
    intensities: Mapping[Tissue, float]


UNSEEN = {
    # Water alone is bright (heavily T2-weighted, as in cisternography).
    "hydrography": Unseen(
        "fluid alone is bright",
        {**dict.fromkeys(INTENSITIES["T2"], 0.12), T.CSF: 1.0, T.AIR: 0.03, T.BONE: 0.05},
    ),
    # Blood-suppressed diffusion-like: grey and white matter near each other, all else dark.
    "diffusion": Unseen(
        "brain bright, the rest dark",
        {
            **dict.fromkeys(INTENSITIES["T1"], 0.15),
            T.GREY_MATTER: 0.95, T.WHITE_MATTER: 0.80, T.CSF: 0.30, T.FAT: 0.10, T.AIR: 0.03,
        },
    ),
    # What no scanner makes: a T1 turned over. A network that read intensities alone would fail.
    "negative": Unseen(
        "a T1 with its greys reversed",
        {tissue: 1.05 - value for tissue, value in INTENSITIES["T1"].items()},
    ),
}  # fmt: skip


def unseen_contrast(unseen: Unseen) -> Callable[[Case, float], Case | None]:
    """Render a case's labels in another contrast; once for each set of labels."""

    def change(case: Case, spacing_mm: float) -> Case | None:
        labels = case.labels
        # The synthetic T1 of a volume or slab stands for its labels; the others would repeat it.
        made = case.photograph or case.synthetic
        if labels is None or not made or case.weighting != "T1":
            return None
        flat = np.zeros(labels.shape, np.float32)
        array = rendered_mri(labels, unseen.intensities, flat, f"{case.name} {unseen.title}")
        volume = Volume(array, case.volume.ijk_to_ras)
        return dataclasses.replace(case, volume=volume, contrast=unseen.title)

    return change
