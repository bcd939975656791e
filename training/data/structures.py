"""Structures that MRI tells apart: finer than tissues, which are what has one colour.

A structure's code is its tissue's where a tissue has but one; the others follow after the tissues.
Proton density (water 1), T1 and T2 in ms near 1.5 T, and the share of the signal that is fat's:
Stanisz et al. 2005 and de Bazelaire et al. 2004 (tissues of head and body), Wansapura et al. 1999
and Whittall et al. 1997 (brain). Fat's T2 is that of fast spin echoes, whose pulses lengthen it;
solid bone and air have next to no signal at any echo time in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from MRIColorizeLib.tissue import CLASSES, Tissue


class Deep(IntEnum):
    """Codes of the structures that share their colour with a tissue, but not its intensity."""

    THALAMUS = 20
    CAUDATE = 21  # with the nucleus accumbens
    PUTAMEN = 22
    PALLIDUM = 23
    IRON_RICH = 24  # substantia nigra, red, subthalamic and dentate nuclei
    BRAIN_STEM = 25
    TENDON = 26  # with ligaments and menisci, where a label map tells them from cartilage


@dataclass(frozen=True)
class Structure:
    """What a scanner sees of a structure.

    density: protons, water 1. t1, t2: ms. fat: share of the signal from fat, 0 to 1. spread: of
    its properties from one body and region to the next, relative to the configured.
    """

    tissue: Tissue
    density: float
    t1: float
    t2: float
    fat: float = 0.0
    spread: float = 1.0


T = Tissue
STRUCTURES: dict[int, Structure] = {
    T.SKIN: Structure(T.SKIN, 0.70, 900, 40, 0.10, 2.5),
    T.FAT: Structure(T.FAT, 0.90, 290, 125, 0.94),
    T.MUSCLE: Structure(T.MUSCLE, 0.80, 950, 42, 0.03),
    T.BONE: Structure(T.BONE, 0.08, 500, 15),
    T.MARROW: Structure(T.MARROW, 0.80, 720, 60, 0.42, 1.8),
    T.GREY_MATTER: Structure(T.GREY_MATTER, 0.83, 1120, 98),
    T.WHITE_MATTER: Structure(T.WHITE_MATTER, 0.71, 720, 76),
    T.CSF: Structure(T.CSF, 1.00, 4200, 1500),
    T.AIR: Structure(T.AIR, 0.02, 800, 30),
    T.LUNG: Structure(T.LUNG, 0.20, 1100, 35, 0.0, 2.0),
    T.BLOOD: Structure(T.BLOOD, 0.85, 1440, 220, 0.0, 1.5),
    T.OTHER: Structure(T.OTHER, 0.80, 850, 60, 0.10, 2.5),
    T.HEART: Structure(T.HEART, 0.80, 1030, 45, 0.03),
    T.LIVER: Structure(T.LIVER, 0.76, 590, 46, 0.04, 1.5),
    T.KIDNEY: Structure(T.KIDNEY, 0.84, 1150, 85, 0.02, 1.3),
    T.SPLEEN: Structure(T.SPLEEN, 0.82, 1060, 79, 0.0, 1.2),
    T.BOWEL: Structure(T.BOWEL, 0.80, 1000, 65, 0.03, 2.5),
    T.CARTILAGE: Structure(T.CARTILAGE, 0.72, 950, 38, 0.0, 2.5),
    T.GLAND: Structure(T.GLAND, 0.80, 680, 62, 0.10, 2.0),
    Deep.THALAMUS: Structure(T.GREY_MATTER, 0.78, 900, 86),
    Deep.CAUDATE: Structure(T.GREY_MATTER, 0.82, 1080, 92),
    Deep.PUTAMEN: Structure(T.GREY_MATTER, 0.81, 1000, 80),
    Deep.PALLIDUM: Structure(T.GREY_MATTER, 0.74, 800, 66, 0.0, 1.3),
    Deep.IRON_RICH: Structure(T.GREY_MATTER, 0.76, 860, 62, 0.0, 1.3),
    Deep.BRAIN_STEM: Structure(T.WHITE_MATTER, 0.74, 820, 80),
    Deep.TENDON: Structure(T.CARTILAGE, 0.40, 700, 12, 0.0, 1.5),
}
CODES = max(STRUCTURES) + 1

_TISSUE_OF = np.zeros(256, np.uint8)
for _code, _structure in STRUCTURES.items():
    _TISSUE_OF[_code] = _structure.tissue


def tissue_of(structures: np.ndarray) -> np.ndarray:
    """Tissue codes of structure codes, uint8 of any shape; unknown ones are background."""
    return _TISSUE_OF[structures]


def is_fine(structures: np.ndarray) -> bool:
    """Whether structures say more than their tissues."""
    return bool((structures >= CLASSES).any())
