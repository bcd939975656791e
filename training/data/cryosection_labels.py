"""Tissue labels of cryosection slices from colour, hand-drawn outlines and position."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import (
    binary_dilation,
    distance_transform_edt,
    gaussian_filter,
    label,
    median_filter,
)
from skimage.color import rgb2lab
from skimage.filters import threshold_otsu

from MRIColorizeLib.tissue import CLASSES, Tissue
from training.data.cryosection_outlines import ColourRules, Photograph
from training.data.cryosection_read import BodyPicture

SKIN_SURE_MM = 1.7  # always skin, whatever its colour
SKIN_MOST_MM = 2.6  # skin where darker than fat
LOCAL_MEAN_MM = 16.0  # reach of the local mean for grey against white matter
LOCAL_MEAN_WEIGHT = 0.55  # share of the local mean taken off before Otsu
CORTEX_MM = 1.4  # no white matter nearer than this to the brain's border
SMALLEST_SPOT_MM2 = 1.5  # smaller islands of one class join their surroundings


@dataclass(frozen=True)
class SliceMasks:
    """Outlines of one slice on its grid, each bool (H, W); those that do not apply are empty."""

    brain_parts: tuple[np.ndarray, ...]  # cerebrum, cerebellum: each has its own threshold
    skull: np.ndarray
    eye: np.ndarray
    lens: np.ndarray
    nasal: np.ndarray
    lung: np.ndarray
    heart: np.ndarray
    bone: np.ndarray
    cartilage: np.ndarray
    canal: np.ndarray

    @classmethod
    def of_photograph(cls, photograph: Photograph, shape: tuple[int, int]) -> SliceMasks:
        """Draw the outlines of a photograph on its working grid."""
        names = [field.name for field in fields(cls) if field.name != "brain_parts"]
        masks = {name: photograph.mask(name, shape) for name in names}
        return cls(brain_parts=photograph.parts("brain", shape), **masks)

    @property
    def brain(self) -> np.ndarray:
        """Everything inside the skull, bool (H, W)."""
        return np.any([np.zeros_like(self.skull), *self.brain_parts], axis=0)


def smooth_lab(rgb: np.ndarray, size: int = 3) -> np.ndarray:
    """CIELAB float (H, W, 3) of an sRGB picture after a median filter of `size` pixels."""
    return median_filter(rgb2lab(rgb), size=(size, size, 1))


def label_photograph(picture: BodyPicture, masks: SliceMasks, rules: ColourRules) -> np.ndarray:
    """Tissue codes uint8 (H, W) of one fine slice."""
    lab, spacing = smooth_lab(picture.rgb), picture.spacing_mm
    labels = label_by_colour(lab, picture.body, rules)
    labels[picture.cavity] = Tissue.AIR
    label_skin(labels, lab, picture.body, rules, spacing)
    _label_skull(labels, lab, masks, rules, spacing)
    _label_trunk(labels, lab, masks, rules, spacing)
    _label_face(labels, lab, masks, rules)
    labels[masks.eye] = Tissue.CSF
    labels[masks.eye & masks.lens] = Tissue.OTHER
    labels = remove_spots(labels, SMALLEST_SPOT_MM2 / spacing**2)
    # The brain comes last: its thin sulci and gyri are not specks.
    for part in masks.brain_parts:
        brain = part & picture.body
        labels[brain] = label_brain(lab, brain, rules, spacing)[brain]
    return majority(labels, picture.body, radius=0.8)


def label_by_colour(lab: np.ndarray, body: np.ndarray, rules: ColourRules) -> np.ndarray:
    """First guess outside brain, bones and lungs, uint8 (H, W): blood, muscle, fat or other."""
    lightness, redness = lab[..., 0], lab[..., 1]
    labels = np.full(body.shape, Tissue.OTHER, np.uint8)
    labels[(lightness < rules.muscle_lightness) & (redness > rules.muscle_redness)] = Tissue.MUSCLE
    labels[lightness >= rules.fat_lightness] = Tissue.FAT
    labels[lightness < rules.dark_lightness] = Tissue.BLOOD
    labels[~body] = Tissue.BACKGROUND
    return labels


def label_skin(
    labels: np.ndarray, lab: np.ndarray, body: np.ndarray, rules: ColourRules, spacing: float
) -> None:
    """Write skin into `labels`: the surface layer, deeper where it is darker than fat."""
    # The padding makes the picture's edge no surface unless there is room beside the body.
    depth = distance_transform_edt(np.pad(body, 1, mode="edge"))[1:-1, 1:-1] * spacing
    # Redness tells skin from the muscle that nearly reaches the surface in places.
    dermis = (lab[..., 0] < rules.fat_lightness + 6) & (labels != Tissue.MUSCLE)
    skin = (depth <= SKIN_SURE_MM) | ((depth <= SKIN_MOST_MM) & dermis)
    labels[body & skin & (labels != Tissue.AIR)] = Tissue.SKIN


def label_brain(
    lab: np.ndarray, brain: np.ndarray, rules: ColourRules, spacing: float
) -> np.ndarray:
    """Grey matter, white matter and fluid inside `brain`, uint8 (H, W), zero elsewhere.

    Grey and white differ in lightness and redness. A part of the local mean is taken off first,
    because the film's exposure drifts over the slice; then one Otsu threshold serves the whole.
    """
    labels = np.zeros(brain.shape, np.uint8)
    if not brain.any():
        return labels
    whiteness = lab[..., 0] - lab[..., 1]
    fluid = brain & (lab[..., 0] < rules.csf_lightness)
    tissue = brain & ~fluid
    if not tissue.any():
        labels[brain] = Tissue.CSF
        return labels
    sigma = LOCAL_MEAN_MM / spacing
    weight = np.maximum(gaussian_filter(tissue.astype(float), sigma), 1e-6)
    local = gaussian_filter(np.where(tissue, whiteness, 0.0), sigma) / weight
    corrected = whiteness - LOCAL_MEAN_WEIGHT * local
    depth = distance_transform_edt(brain) * spacing
    inner = tissue & (depth > 1.5)
    threshold = threshold_otsu(corrected[inner if inner.any() else tissue])
    labels[tissue] = Tissue.GREY_MATTER
    white = (corrected > threshold) & (whiteness > rules.white_floor)
    # The skull's cream bleeds into the border, where there is cortex or fluid.
    white &= depth > CORTEX_MM
    labels[tissue & white] = Tissue.WHITE_MATTER
    labels[fluid] = Tissue.CSF
    return labels


def _label_skull(
    labels: np.ndarray, lab: np.ndarray, masks: SliceMasks, rules: ColourRules, spacing: float
) -> None:
    """Bone and red marrow between the skull's outline and the brain's."""
    ring = masks.skull & ~masks.brain & (labels != Tissue.AIR) & (labels != Tissue.BACKGROUND)
    ring |= binary_dilation(masks.brain, iterations=max(1, round(1.0 / spacing))) & (
        labels != Tissue.AIR
    )
    ring &= ~masks.brain
    depth = distance_transform_edt(masks.skull & ~masks.brain) * spacing
    blood = ring & (lab[..., 0] < rules.dark_lightness + 6)
    # The diploe is red in grains: its mean over a millimetre is what tells it from the tables.
    redness = gaussian_filter(lab[..., 1], 1.0 / spacing)
    spongy = ring & (redness > rules.marrow_redness) & (depth > 1.0)
    labels[ring] = Tissue.BONE
    labels[spongy] = Tissue.MARROW
    labels[blood] = Tissue.BLOOD


def _label_trunk(
    labels: np.ndarray, lab: np.ndarray, masks: SliceMasks, rules: ColourRules, spacing: float
) -> None:
    """Lungs, heart, outlined bones, cartilage and the spinal canal."""
    lightness, redness = lab[..., 0], lab[..., 1]
    labels[masks.lung & (lightness < rules.fat_lightness)] = Tissue.LUNG
    heart = masks.heart & (lightness < rules.fat_lightness)
    labels[heart] = Tissue.HEART
    labels[heart & (gaussian_filter(lightness, 2.0 / spacing) < 16)] = Tissue.BLOOD
    labels[masks.bone] = Tissue.BONE
    spongy = gaussian_filter(redness, 0.5 / spacing) > rules.marrow_redness
    labels[masks.bone & (spongy | (lightness < rules.muscle_lightness))] = Tissue.MARROW
    labels[masks.cartilage] = Tissue.CARTILAGE
    labels[masks.canal] = Tissue.CSF
    labels[masks.canal & (lightness > rules.csf_lightness + 12)] = Tissue.WHITE_MATTER


def _label_face(labels: np.ndarray, lab: np.ndarray, masks: SliceMasks, rules: ColourRules) -> None:
    """Inside the nose and its sinuses bright is thin bone, black is air, the rest mucosa."""
    nasal = masks.nasal & (labels != Tissue.AIR) & (labels != Tissue.BACKGROUND)
    lightness = lab[..., 0]
    labels[nasal] = Tissue.OTHER
    labels[nasal & (lightness >= rules.fat_lightness)] = Tissue.BONE
    labels[nasal & (lightness < rules.dark_lightness - 3)] = Tissue.AIR


def majority(labels: np.ndarray, body: np.ndarray, radius: float) -> np.ndarray:
    """Smooth a label map: each pixel takes the class whose blurred indicator is highest.

    radius: sigma of the blur in pixels. Background stays where `body` is False and nowhere else.
    """
    best = np.full(labels.shape, -1.0, np.float32)
    smooth = np.zeros_like(labels)
    for code in range(1, CLASSES):
        if not (labels == code).any():
            continue
        share = gaussian_filter((labels == code).astype(np.float32), radius)
        smooth[share > best] = code
        best = np.maximum(best, share)
    return np.where(body, smooth, Tissue.BACKGROUND).astype(np.uint8)


def remove_spots(labels: np.ndarray, smallest: float) -> np.ndarray:
    """Give islands of fewer than `smallest` pixels the class of the nearest larger region."""
    specks = np.zeros(labels.shape, bool)
    for code in range(1, CLASSES):
        pieces, _ = label(labels == code)
        sizes = np.bincount(pieces.ravel())
        sizes[0] = np.iinfo(sizes.dtype).max
        specks |= (sizes < smallest)[pieces]
    if not specks.any():
        return labels
    keep = ~specks & (labels != Tissue.BACKGROUND)
    if not keep.any():
        return labels
    nearest = distance_transform_edt(~keep, return_distances=False, return_indices=True)
    return np.where(specks, labels[tuple(nearest)], labels).astype(np.uint8)
