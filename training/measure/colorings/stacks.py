"""A case coloured: by the engine in both modes, and by the trivial colourings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import ColorVolume, Provenance, check_volume
from training.measure.cases.cases import Case, only_slices
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.baselines import BASELINES, Subject

NATURAL, STRUCTURE = "natural", "structure-locked"
MODES = {NATURAL: "natural", STRUCTURE: "structure"}  # row of the tables -> option of the engine
TRUTH = "truth"  # the photograph itself, as if it were a colouring: what structure it has


@dataclass(frozen=True, eq=False)
class ColoredStack:
    """The measured slices of a case in every colouring; they lie along the first axis.

    case: these slices alone. index (S,): their numbers in the source; mri (S, H, W) float32 in
    [0, 1], as the network sees it; mask (S, H, W) bool, the body; tissue (S, H, W) uint8 codes of
    the model, or None; confidence (S, H, W) uint8, 255 where the model is certain of the tissue, or
    None; pictures: (S, H, W, 3) uint8 by method.
    """

    case: Case
    index: np.ndarray
    mri: np.ndarray
    mask: np.ndarray
    tissue: np.ndarray | None
    pictures: dict[str, np.ndarray]
    provenance: Provenance
    confidence: np.ndarray | None = None

    @property
    def labels(self) -> np.ndarray | None:
        """Tissue codes (S, H, W) of the case, or None."""
        return self.case.labels

    @property
    def truth(self) -> np.ndarray | None:
        """The colours to reach, uint8 (S, H, W, 3), or None."""
        return self.case.truth

    def same_grid(self, other: ColoredStack) -> bool:
        """Whether both lie voxel on voxel and the same slices of them are measured."""
        return (
            self.mri.shape == other.mri.shape
            and self.provenance.plane == other.provenance.plane
            and np.allclose(self.case.volume.ijk_to_ras, other.case.volume.ijk_to_ras, atol=1e-3)
            and np.array_equal(self.index, other.index)
        )


def paint_case(
    case: Case,
    colorizer: Colorizer,
    index: np.ndarray,
    places: np.ndarray | None = None,
    modes: Sequence[str] = tuple(MODES),
) -> ColoredStack:
    """Colour a case, whose slices lie along the first axis, in the model's modes.

    index: the numbers of the measured slices in their source. places: where these are in the case;
    None for all of it. modes: NATURAL among them. Raises InputError when the volume cannot be used.
    """
    volume = check_volume(case.volume)
    sure = colorizer.palette is not None
    colored: dict[str, ColorVolume] = {}
    for method in modes:
        options = ColorizeOptions(
            mode=MODES[method],
            plane=case.plane,
            mask=case.mask,
            confidence=sure and method == NATURAL,
        )
        colored[method] = colorizer.colorize(volume, options)
    natural = colored[NATURAL]
    places = np.arange(len(volume.array)) if places is None else places

    def measured(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.ascontiguousarray(array[places])

    pictures = {method: result.array[places] for method, result in colored.items()}
    if case.truth is not None and case.photograph:
        pictures[TRUTH] = case.truth[places]
    return ColoredStack(
        case=only_slices(replace(case, mask=natural.mask), places),
        index=index,
        # The engine's own normalisation, on the body that it found.
        mri=np.ascontiguousarray(normalize(volume.array, natural.mask)[0][places]),
        mask=np.ascontiguousarray(natural.mask[places]),
        tissue=measured(natural.tissue),
        pictures=pictures,
        provenance=natural.provenance,
        confidence=measured(natural.confidence),
    )


def with_trivial(
    stack: ColoredStack, statistics: ColorStatistics, names: Sequence[str]
) -> ColoredStack:
    """The stack with trivial colourings of these names, before the truth if it has one."""
    case, pictures = stack.case, dict(stack.pictures)
    truth = {TRUTH: pictures.pop(TRUTH)} if TRUTH in pictures else {}
    subject = Subject.of(stack.mri, stack.mask, case.weighting, case.region)
    for name in names:
        pictures[name] = BASELINES[name](stack.mri, stack.mask, subject, statistics)
    return replace(stack, pictures=pictures | truth)
