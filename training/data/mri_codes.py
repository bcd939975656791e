"""What the codes of FreeSurfer's, GIF's and CHARM's parcellations mean in our tissues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.data.structures import Deep

Code = TypeVar("Code", Tissue, Deep)

# FreeSurfer aseg. The ventral diencephalon (28, 60) is mostly peduncle and looks like it; the
# choroid plexus (31, 63) and vessels (30, 62) are blood-rich.
_ASEG: dict[Tissue, tuple[int, ...]] = {
    Tissue.WHITE_MATTER: (2, 7, 16, 28, 41, 46, 60, 77, 78, 79, 85, *range(251, 256)),
    Tissue.GREY_MATTER: (3, 8, 10, 11, 12, 13, 17, 18, 26, 42, 47, 49, 50, 51, 52, 53, 54, 58),
    Tissue.CSF: (4, 5, 14, 15, 24, 43, 44, 72),
    Tissue.BLOOD: (30, 31, 62, 63),
}

# Cortical parcels: Desikan 1000/2000, Destrieux 11100/12100.
_APARC = ((1000, 1036), (2000, 2036), (11100, 11176), (12100, 12176))

# GIF version 3: Neuromorphometrics codes plus one, lobes of white matter 81-94, cortex from 101.
# The first four codes are what lies outside the brain. 35 and 36 are pons and medulla, 66 and 67
# lie along the lateral ventricles where the choroid plexus does, 96 and 97 are the claustrum.
_GIF: dict[Tissue, tuple[int, ...]] = {
    Tissue.WHITE_MATTER: (35, 36, 41, 42, 45, 46, 62, 63, 70, *range(81, 95)),
    Tissue.GREY_MATTER: (
        *(24, 31, 32, 33, 37, 38, 39, 40, 48, 49, *range(56, 62)),
        *(72, 73, 74, 76, 77, 96, 97, *range(101, 209)),
    ),
    Tissue.CSF: (5, 12, 16, 43, 47, 50, 51, 52, 53),
    Tissue.BLOOD: (64, 65, 66, 67),
}

# CHARM (SimNIBS 4), beside FreeSurfer's codes: the head around the brain. 515 and 516 are cortical
# and cancellous bone, 502 and 514 vessels, 509 mucosa, 506 eyes, 530 and 512 optic nerve and cord.
_CHARM: dict[Tissue, tuple[int, ...]] = {
    Tissue.SKIN: (511,),
    Tissue.MUSCLE: (507, 508),
    Tissue.BONE: (515,),
    Tissue.MARROW: (516,),
    Tissue.WHITE_MATTER: (512, 530),
    Tissue.CSF: (506, 25, 57),
    Tissue.BLOOD: (502, 514, 136, 137, 163, 164),
    Tissue.OTHER: (509,),
}
# Of FreeSurfer's codes, and so of CHARM's.
_DEEP: dict[Deep, tuple[int, ...]] = {
    Deep.THALAMUS: (9, 10, 48, 49),
    Deep.CAUDATE: (11, 26, 50, 58),
    Deep.PUTAMEN: (12, 51),
    Deep.PALLIDUM: (13, 52),
    Deep.BRAIN_STEM: (16, 28, 60),
}
CHARM_SOFT = 507  # fat and muscle without difference
CHARM_EYE = 506

GIF_OUTER_CSF = 4
GIF_BRAIN_STEM = (35, 36)


def tissues_from_freesurfer(codes: np.ndarray) -> np.ndarray:
    """uint8 Tissue of every FreeSurfer code; codes that no table knows are BACKGROUND."""
    tissues = _look_up(_ASEG, codes)
    for first, last in _APARC:
        tissues[(codes >= first) & (codes <= last)] = Tissue.GREY_MATTER
    return tissues


def tissues_from_gif(codes: np.ndarray) -> np.ndarray:
    """uint8 Tissue of every GIF code; what lies outside the brain (0 to 4) is BACKGROUND."""
    return _look_up(_GIF, codes)


def tissues_from_charm(codes: np.ndarray) -> np.ndarray:
    """uint8 Tissue of every CHARM code; soft tissue that it does not divide is MUSCLE."""
    tissues = tissues_from_freesurfer(codes)
    around = _look_up(_CHARM, codes)
    return np.where(around > 0, around, tissues).astype(np.uint8)


def deep_from_freesurfer(codes: np.ndarray) -> np.ndarray:
    """uint8 Deep of every FreeSurfer code that is such a structure, else 0."""
    return _look_up(_DEEP, codes)


def _look_up(table: Mapping[Code, tuple[int, ...]], codes: np.ndarray) -> np.ndarray:
    lut = np.zeros(600, np.uint8)
    for tissue, members in table.items():
        lut[list(members)] = tissue
    known = (codes >= 0) & (codes < lut.size)
    return np.where(known, lut[np.where(known, codes, 0)], Tissue.BACKGROUND).astype(np.uint8)
