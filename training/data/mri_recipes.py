"""Label recipes: from a scan, its label map if any, and the atlas, to structure codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.data.mri_atlas import Atlas, lay_over, tissue_prior, with_deep_nuclei
from training.data.mri_brain import T1_ORDER
from training.data.mri_charm import label_charm_head
from training.data.mri_head import label_flair_head, label_head
from training.data.mri_read import Scan, resample_labels
from training.data.mri_scalp import HeadContrast
from training.data.mri_strip import labels_from_mixture, structures_from_freesurfer
from training.data.structures import tissue_of
from training.errors import TrainingError

# (scan, label map or None, atlas) -> uint8 (K, J, I) structures on the scan's grid
Recipe = Callable[[Scan, Scan | None, Atlas], np.ndarray]

_PVE_CSF = 1


class RecipeError(TrainingError):
    """A recipe was given no label map, or one on another grid."""


def stripped_brain(close_mm: float, vessel: float | None = None, grey_odds: float = 1.0) -> Recipe:
    """A T1 brain without skull, by mixture with the atlas as prior.

    A label map, where there is one, is a CSF (1), grey (2), white (3) map that is believed for
    CSF alone: such maps call the deep grey nuclei and the cerebellar cortex white.
    """

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        warped = lay_over(atlas, scan, stripped=True)
        prior = tissue_prior(warped, scan.spacing, T1_ORDER)
        tissues = labels_from_mixture(scan.array, scan.spacing, close_mm, vessel, grey_odds, prior)
        if labels is not None:
            fluid = _same_grid(scan, labels).array == _PVE_CSF
            tissues[fluid & (tissues > 0)] = Tissue.CSF
        return with_deep_nuclei(tissues, warped)

    return recipe


def freesurfer_brain() -> Recipe:
    """A stripped brain whose label map holds FreeSurfer codes on its own grid."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        return structures_from_freesurfer(scan.array, _same_grid(scan, labels).array)

    return recipe


def another_contrast(t1_recipe: Recipe) -> Recipe:
    """A scan registered to a T1 of the same person, which stands in for its label map."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        return t1_recipe(_same_grid(scan, labels), None, atlas)

    return recipe


def charm_head() -> Recipe:
    """A CHARM label map that comes without its scan: the file of the scan is the map itself."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        return label_charm_head(np.rint(scan.array).astype(np.int32), scan.spacing)

    return recipe


def t1_head(contrast: HeadContrast) -> Recipe:
    """A whole T1 head: brain found by the atlas, the rest by rules."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        warped = lay_over(atlas, scan, stripped=False)
        prior = tissue_prior(warped, scan.spacing, T1_ORDER)
        tissues = label_head(scan.array, scan.spacing, tissue_of(warped), prior, contrast)
        return with_deep_nuclei(tissues, warped)

    return recipe


def flair_head(contrast: HeadContrast) -> Recipe:
    """A whole FLAIR head whose label map holds GIF codes on any grid of the same visit."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        if labels is None:
            raise RecipeError("A FLAIR head needs its GIF label map.")
        codes = resample_labels(labels, scan)
        return label_flair_head(scan.array, scan.spacing, codes, contrast)

    return recipe


def labelled() -> Recipe:
    """A scan whose label map holds our own codes on its grid; a map alone is its own label map."""

    def recipe(scan: Scan, labels: Scan | None, atlas: Atlas) -> np.ndarray:
        return _same_grid(scan, labels or scan).array.astype(np.uint8)

    return recipe


def _same_grid(scan: Scan, labels: Scan | None) -> Scan:
    if labels is None or labels.array.shape != scan.array.shape:
        raise RecipeError("This recipe needs a label map on the grid of the scan.")
    return labels
