"""The tissue classes, their names, their true colours and their colours on label pictures."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Tissue(IntEnum):
    """Code of a tissue in every label map and in the network's semantic output."""

    BACKGROUND = 0
    SKIN = 1
    FAT = 2  # with yellow marrow, which has the same colour
    MUSCLE = 3
    BONE = 4  # cortical
    MARROW = 5  # red
    GREY_MATTER = 6
    WHITE_MATTER = 7
    CSF = 8  # and the vitreous body
    AIR = 9  # cavities inside the body; gel in a cryosection
    LUNG = 10
    ORGAN = 11  # other organs and blood
    OTHER = 12


NAMES: tuple[str, ...] = (
    "background",
    "skin",
    "fat",
    "muscle",
    "cortical bone",
    "red marrow",
    "grey matter",
    "white matter",
    "cerebrospinal fluid",
    "air",
    "lung",
    "organ or blood",
    "other tissue",
)

CLASSES = len(NAMES)

# CIELAB (D65) of each tissue: medians of pixels well inside it, over the labelled cryosections of
# the Visible Human Male (the untouched head slices where they show the tissue, else the stack).
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
        (100, 50, 150),
        (90, 170, 100),
    ],
    dtype=np.uint8,
)
