"""The tissue classes, their names, their true colours and their colours on label pictures."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Tissue(IntEnum):
    """Code of a tissue in every label map and in the network's semantic output."""

    BACKGROUND = 0
    SKIN = 1
    FAT = 2  # with yellow marrow, which has the same colour
    MUSCLE = 3  # skeletal
    BONE = 4  # cortical
    MARROW = 5  # red
    GREY_MATTER = 6  # deep nuclei too
    WHITE_MATTER = 7  # with cord and nerves
    CSF = 8  # any clear fluid: vitreous body, bile, urine
    AIR = 9  # cavities inside the body; gel in a cryosection
    LUNG = 10
    BLOOD = 11  # models of 13 classes: any organ or blood
    OTHER = 12
    HEART = 13  # its muscle
    LIVER = 14
    KIDNEY = 15
    SPLEEN = 16
    BOWEL = 17  # stomach too
    CARTILAGE = 18  # with discs, tendons, ligaments
    GLAND = 19


NAMES: tuple[str, ...] = (
    "background",
    "skin",
    "fat",
    "muscle",
    "cortical bone",
    "red marrow",
    "grey matter",
    "white matter",
    "clear fluid",
    "air",
    "lung",
    "blood",
    "other tissue",
    "heart muscle",
    "liver",
    "kidney",
    "spleen",
    "stomach and bowel",
    "cartilage and tendon",
    "gland",
)

CLASSES = len(NAMES)
HEAD_CLASSES = 13  # of the models before the organs were told apart
# What the classes that they lack were to them.
PARENTS = {
    Tissue.HEART: Tissue.MUSCLE,
    Tissue.LIVER: Tissue.BLOOD,
    Tissue.KIDNEY: Tissue.BLOOD,
    Tissue.SPLEEN: Tissue.BLOOD,
    Tissue.BOWEL: Tissue.BLOOD,
    Tissue.CARTILAGE: Tissue.OTHER,
    Tissue.GLAND: Tissue.OTHER,
}

# CIELAB (D65) of each tissue: medians of pixels well inside it, over the labelled cryosections of
# the Visible Human Male (the untouched head slices where they show the tissue, else the stack).
# Its vessels and heart are drained: blood is what earlier models called organ or blood, and not far
# from the clots that were left (5, 7, 6). The cartilage is that of ribs and discs.
PALETTE_LAB = np.array(
    [
        (0, 0, 0),
        (46, 4, 16),
        (66, 3, 28),
        (27, 19, 17),
        (62, 3, 24),
        (49, 13, 22),
        (56, 9, 29),
        (74, -2, 31),
        (24, 5, 10),
        (3, 1, -1),
        (12, 9, 8),
        (20, 15, 15),
        (42, 9, 20),
        (21, 16, 26),
        (16, 18, 18),
        (32, 14, 15),
        (6, 8, 7),
        (40, 17, 24),
        (80, -5, 25),
        (40, 16, 24),
    ],
    dtype=np.float32,
)

# Loud colours that tell the classes apart on a label picture; not the colours of tissue.
DISPLAY_RGB = np.array(
    [
        (0, 0, 0),
        (222, 158, 118),
        (240, 220, 90),
        (160, 30, 30),
        (255, 255, 255),
        (255, 150, 180),
        (150, 110, 60),
        (255, 255, 170),
        (0, 120, 255),
        (0, 60, 130),
        (120, 120, 200),
        (255, 0, 0),
        (130, 60, 150),
        (110, 0, 60),
        (150, 75, 20),
        (255, 120, 0),
        (90, 0, 200),
        (230, 125, 225),
        (60, 220, 120),
        (0, 200, 200),
    ],
    dtype=np.uint8,
)


def tissue_name(tissue: Tissue, classes: int = CLASSES) -> str:
    """What a class is called in the results of a model of so many classes."""
    if tissue == Tissue.BLOOD and classes == HEAD_CLASSES:
        return "organ or blood"  # such models do not tell the organs apart
    return NAMES[tissue]


def fit_palette(lab: np.ndarray, classes: int) -> np.ndarray:
    """Colours (13 or 20, 3) for a model of 13 or 20 classes: (classes, 3).

    Classes that the palette lacks get the colours of what they were to models of 13.
    """
    if len(lab) >= classes:
        return lab[:classes]
    return np.concatenate((lab, lab[[PARENTS[Tissue(code)] for code in range(len(lab), classes)]]))
