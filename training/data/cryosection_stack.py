"""The coarse whole-body stack: tissue labels of its frames, and its colours brought right."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    distance_transform_edt,
    gaussian_filter,
    label,
)
from skimage.color import lab2rgb, rgb2lab

from MRIColorizeLib.tissue import Tissue
from training.data.cryosection_labels import (
    label_brain,
    label_by_colour,
    label_skin,
    majority,
    remove_spots,
    smooth_lab,
)
from training.data.cryosection_outlines import ColourRules, StackOutlines
from training.data.cryosection_palette import LabAffine, core, fit_between_films
from training.data.cryosection_read import CAVITY_RGB, find_stack_body

# In-plane: the usual 1760 x 1024 cut of the 0.33 mm photographs, reduced to 347 x 200.
STACK_SPACING_MM = (12.8, 1.69, 1.67)
STACK_FRAMES = 146  # what follows is a closing title
MATCHED_FRAMES = range(9, 14)  # the level of the untouched heads: like is compared with like
RAW_RULES = ColourRules(8, 44, 15, 52, 24, 30, 60)  # on the frames' own colours
CORE_PIXELS = 1.2  # distance from a border at which a pixel's colour is its tissue's own
BLEND_PIXELS = 1.2  # reach of the filter against posterisation
BLEND_COLOURS = 13.0  # CIELAB distance at which neighbours stop counting
FIRST_LIMB_FRAME = 53  # above, fat between muscles would be taken for bone; bones are outlined
SKIN_PAINT = 0.7  # share of the reference colour in the skin
SKULL_STEPS = 4  # the skull grows this many pixels out from the brain, muscle permitting
FITTED_CLASSES = (
    Tissue.FAT,
    Tissue.MUSCLE,
    Tissue.GREY_MATTER,
    Tissue.WHITE_MATTER,
    Tissue.BONE,
    Tissue.CSF,
)


Outline = Callable[[str], np.ndarray]  # a region's name to its mask on the frame at hand


@dataclass(frozen=True)
class StackFrame:
    """One frame: sRGB uint8 (H, W, 3) black outside, body and void bool (H, W), its number."""

    number: int
    rgb: np.ndarray
    body: np.ndarray
    void: np.ndarray


def clean_frames(frames: np.ndarray) -> list[StackFrame]:
    """Body and voids of each frame uint8 (K, H, W, 3), without the closing title."""
    cleaned = []
    for number, rgb in enumerate(frames[:STACK_FRAMES]):
        body, void = find_stack_body(rgb)
        smooth = blend_posterised(np.where(body[..., None], rgb, 0), body & ~void)
        cleaned.append(StackFrame(number, smooth, body, void))
    return cleaned


def blend_posterised(rgb: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Bilateral filter that undoes the palette's speckle, sRGB uint8 (H, W, 3) in and out.

    The frames know at most 86 colours, and neighbours jump between the two nearest. Averaging
    over neighbours of similar colour gives the shades back and leaves the organs' borders.
    Only pixels of `tissue` (H, W) change or count.
    """
    lab = rgb2lab(rgb)
    total, weights = np.zeros_like(lab), np.zeros(tissue.shape)
    for row, column in itertools.product((-2, -1, 0, 1, 2), repeat=2):
        near = np.roll(lab, (row, column), (0, 1))
        distance = ((near - lab) ** 2).sum(-1) / (2 * BLEND_COLOURS**2)
        weight = np.exp(-distance - (row**2 + column**2) / (2 * BLEND_PIXELS**2))
        weight *= np.roll(tissue, (row, column), (0, 1))
        total += weight[..., None] * near
        weights += weight
    blended = lab2rgb(total / np.maximum(weights, 1e-9)[..., None])
    return np.where(tissue[..., None], np.rint(blended * 255), rgb).astype(np.uint8)


def fit_colours(
    frames: list[StackFrame], outlines: StackOutlines, target_medians: np.ndarray
) -> LabAffine:
    """Affine map in CIELAB from the stack's colours to the untouched slices' medians (13, 3).

    The frames at the level of those slices are labelled on their own colours first; their class
    medians are matched.
    """
    chosen = [f for f in frames if f.number in MATCHED_FRAMES]
    labels = [core(label_frame(f, f.rgb, outlines, RAW_RULES), CORE_PIXELS)[f.body] for f in chosen]
    colours = [rgb2lab(f.rgb)[f.body] for f in chosen]
    return fit_between_films(
        np.concatenate(colours), np.concatenate(labels), target_medians, FITTED_CLASSES
    )


def recolour(frame: StackFrame, affine: LabAffine) -> np.ndarray:
    """The frame in corrected colours, uint8 (H, W, 3), voids near-black, outside black."""
    mapped = affine.recolour(frame.rgb, frame.body)
    mapped[frame.void] = CAVITY_RGB
    return mapped


def paint_skin(rgb: np.ndarray, labels: np.ndarray, skin_lab: np.ndarray) -> np.ndarray:
    """Bring the skin, where sharpening left a pale halo, to a skin colour (3,) in CIELAB.

    rgb uint8 (H, W, 3), labels uint8 (H, W). The frame's own colour keeps a share.
    """
    colour = lab2rgb(np.asarray(skin_lab, float)) * 255
    blended = SKIN_PAINT * colour + (1 - SKIN_PAINT) * rgb
    skin = (labels == Tissue.SKIN)[..., None]
    return np.where(skin, np.rint(blended), rgb).astype(np.uint8)


def label_frame(
    frame: StackFrame, rgb: np.ndarray, outlines: StackOutlines, rules: ColourRules
) -> np.ndarray:
    """Tissue codes uint8 (H, W) of one frame from its colours `rgb` under `rules`."""
    spacing = STACK_SPACING_MM[1]
    lab, body, shape = smooth_lab(rgb), frame.body, frame.body.shape

    def outline(name: str) -> np.ndarray:
        return outlines.mask(name, frame.number, shape) & body

    labels = label_by_colour(lab, body, rules)
    _label_organs(labels, lab, outline, rules)
    _label_voids(labels, frame, outline)
    labels = remove_spots(majority(labels, body, radius=0.8), smallest=5)
    # What is as thin as the smoothing comes after it.
    _label_bones(labels, lab, outline, rules)
    brain = outline("brain")
    if brain.any():
        _label_skull(labels, lab, brain, body, rules)
        labels[brain] = label_brain(lab, brain, rules, spacing)[brain]
        labels = majority(labels, body, radius=0.6)
    elif frame.number >= FIRST_LIMB_FRAME:
        _label_limb_bones(labels, body)
    labels[outline("eye")] = Tissue.CSF
    label_skin(labels, lab, body, rules, spacing)
    return labels


def _label_voids(labels: np.ndarray, frame: StackFrame, outline: Outline) -> None:
    """Black cavities are air, but for drained blood spaces and the dark of the lung."""
    inside = outline("lung") | outline("heart") | outline("brain") | outline("liver")
    labels[frame.void & ~inside] = Tissue.AIR


def _label_skull(
    labels: np.ndarray, lab: np.ndarray, brain: np.ndarray, body: np.ndarray, rules: ColourRules
) -> None:
    """Grow the skull outward from the brain, stopping at muscle, air and the skin.

    Bone and fat have the same cream; only the position next to the brain tells them apart.
    """
    depth = distance_transform_edt(body)
    muscle = (lab[..., 0] < rules.muscle_lightness - 6) & (lab[..., 1] > rules.muscle_redness)
    allowed = (depth > 3) & ~muscle & (labels != Tissue.AIR) & ~brain
    ring = binary_dilation(brain) & ~brain & body
    for _ in range(SKULL_STEPS - 1):
        ring |= binary_dilation(ring | brain) & allowed
    labels[ring] = Tissue.BONE
    within = distance_transform_edt(~brain)
    spongy = ring & (lab[..., 1] > rules.marrow_redness) & (within > 1.2)
    labels[spongy & binary_erosion(ring | brain)] = Tissue.MARROW


def _label_limb_bones(labels: np.ndarray, body: np.ndarray) -> None:
    """Compact cream islands deep in the muscle of a limb are bone around yellow marrow."""
    depth = distance_transform_edt(body)
    pieces, count = label((labels == Tissue.FAT) & (depth > 4))
    for piece in range(1, count + 1):
        island = pieces == piece
        size = int(island.sum())
        if not 20 <= size <= 700:
            continue
        border = binary_dilation(island) & ~island
        enclosed = np.isin(labels[border], (Tissue.MUSCLE, Tissue.OTHER)).mean()
        thickness = distance_transform_edt(island).max()
        # A disc of this area would be this thick: bones are round, fat between muscles is not.
        if enclosed > 0.8 and thickness > 0.72 * np.sqrt(size / np.pi):
            labels[island & ~binary_erosion(island)] = Tissue.BONE


def _label_organs(
    labels: np.ndarray, lab: np.ndarray, outline: Outline, rules: ColourRules
) -> None:
    """Outlined mucosa of the nose, lungs, heart, liver, kidneys, spleen and bowel."""
    lightness = lab[..., 0]
    dark = lightness < rules.fat_lightness - 4
    nasal = outline("nasal") & np.isin(labels, (Tissue.MUSCLE, Tissue.BLOOD))
    labels[nasal] = Tissue.OTHER  # mucosa
    bowel = outline("bowel") & np.isin(labels, (Tissue.MUSCLE, Tissue.OTHER))
    labels[bowel] = Tissue.BOWEL
    labels[outline("lung") & dark] = Tissue.LUNG
    heart = outline("heart") & dark
    labels[heart] = Tissue.HEART
    labels[heart & (gaussian_filter(lightness, 1.0) < 14)] = Tissue.BLOOD
    for organ in (Tissue.LIVER, Tissue.KIDNEY, Tissue.SPLEEN):
        labels[outline(organ.name.lower()) & dark] = organ


def _label_bones(labels: np.ndarray, lab: np.ndarray, outline: Outline, rules: ColourRules) -> None:
    """Outlined bones and vertebrae with a rim of cortex, and the spinal canal."""
    lightness, redness = lab[..., 0], lab[..., 1]
    bone, vertebra = outline("bone"), outline("vertebra")
    labels[bone | vertebra] = Tissue.BONE
    inner = binary_erosion(bone)
    labels[inner] = Tissue.FAT
    labels[inner & (gaussian_filter(redness, 1.0) > rules.marrow_redness)] = Tissue.MARROW
    inner = binary_erosion(vertebra)
    labels[inner] = Tissue.MARROW
    labels[inner & (lightness > rules.fat_lightness)] = Tissue.CARTILAGE  # a disc
    canal = outline("canal")
    labels[canal] = Tissue.CSF
    labels[canal & (lightness > rules.fat_lightness)] = Tissue.WHITE_MATTER
