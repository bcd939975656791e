"""What makes colours doubtful: a volume is coloured all the same, and it is said."""

from __future__ import annotations

import numpy as np

from ..notes import tell
from ..volume import bounding_box
from .certainty import Certainty

MOST_SLICES, MOST_ROWS = 16, 256  # looked at of a volume, and of a slice
FEWEST_PAIRS = 200  # of neighbours; fewer say nothing
# Noise and partial volume make neighbours of an MRI differ; those of a label map are mostly one. Of
# 40 volumes looked at, whole-number MRI had at most 0.22 (cut down to four bits 0.51), label maps
# of 1 mm 0.81 to 0.92 and coarse ones 0.67 or more.
SAME_NEIGHBOURS = 0.6
# Air in Hounsfield units, and how much of a CT it is at least. The padding of an MRI may be such a
# value, but not beside so much fat and lung.
AIR = (-1100.0, -900.0)
SHARE_OF_AIR = 0.05
FAT_AND_LUNG = (-900.0, -20.0)
SHARE_OF_FAT = 0.01
# Bodies and parts of them that are scanned span this many mm: from a finger to a tall person. What
# is smaller or larger has voxels in another unit, or is no human's. A crop may be smaller, but its
# voxels are as large as any.
SMALLEST_MM, LARGEST_MM = 30.0, 2500.0
SMALLEST_VOXEL_MM = 0.4
# Below this many "mm", the unit is the metre; from this many on, the micrometre.
METRES, MICROMETRES = 2.0, 20_000.0
# A volume of which the mean confidence is below this, or that is so much one tissue, is unlike what
# models are trained on. Chosen with both models that ship: of 23 MRI of the training and validation
# parts the least is 0.63 and the most of one tissue 0.70; docs/robustness.md tells what is found.
LEAST_CONFIDENCE = 0.55
MOST_OF_ONE_TISSUE = 0.85


def warn_of_no_mri(array: np.ndarray) -> None:
    """Warn when a volume (K, J, I) looks like a label map or like a CT."""
    slices, rows = (
        -(-n // most) for n, most in zip(array.shape[:2], (MOST_SLICES, MOST_ROWS), strict=True)
    )
    seen = array[::slices, ::rows]
    if _is_label_map(seen):
        tell(
            "Most neighbouring voxels hold the same whole number: this looks like a label map; "
            "colours are made for MRI.",
            stacklevel=3,
        )
    elif _is_ct(seen):
        tell("Many voxels lie near -1000, as air in a CT; colours are made for MRI.", stacklevel=3)


def warn_of_no_air(body: np.ndarray) -> None:
    """Warn when all of a volume was found to be body, bool (K, J, I)."""
    if body.all():
        tell(
            "No air was found around the body, so the whole volume is coloured; "
            "if there is air in it, give a mask of the body (--mask).",
            stacklevel=3,
        )


def warn_of_size(body: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Warn when a body, bool (K, J, I), has a size that nothing human has.

    spacing: mm along i, j, k.
    """
    box = bounding_box(body, (0, 0, 0))
    lengths = [(one.stop - one.start) * mm for one, mm in zip(box, spacing[::-1], strict=True)]
    size = max(lengths)
    if size <= LARGEST_MM and (size >= SMALLEST_MM or min(spacing) >= SMALLEST_VOXEL_MM):
        return
    tell(
        f"The body is {_number(size)} mm long, which no human part is: "
        f"the spacing of {'x'.join(map(_number, spacing))} mm is probably {_unit(size)}. "
        "Correct the spacing; colours are made for human anatomy at its size.",
        stacklevel=3,
    )


def warn_of_the_unknown(certainty: Certainty) -> None:
    """Warn when what the network made of a whole volume is unlike what it makes of its training."""
    mean, largest = certainty.mean, certainty.largest
    if mean is None or largest is None:
        return
    reason = ""
    if mean < LEAST_CONFIDENCE:
        reason = f"its mean confidence is {mean:.2f}"
    elif largest > MOST_OF_ONE_TISSUE:
        reason = f"{100 * largest:.0f} % of it is one tissue"
    if reason:
        tell(
            f"The volume is unlike anything the model was trained on ({reason}): its colours are "
            "probably wrong, check that it is an MRI of a human.",
            stacklevel=3,
        )


def _number(mm: float) -> str:
    return f"{mm:.3g}" if mm < 1000 else f"{mm:.0f}"


def _unit(size: float) -> str:
    """The likely unit of voxels with which a body is this many "mm" long."""
    if size < METRES:
        return "in metres"
    if size < SMALLEST_MM:
        return "in centimetres, or the scan is of a small animal"
    return "in micrometres" if size >= MICROMETRES else "in tenths of a millimetre"


def _is_ct(array: np.ndarray) -> bool:
    """Whether there is air of Hounsfield's scale, and not as a padding of -1024 beside an MRI."""
    air = (array > AIR[0]) & (array < AIR[1])
    if np.mean(air) <= SHARE_OF_AIR:
        return False
    fat = (array > FAT_AND_LUNG[0]) & (array < FAT_AND_LUNG[1])
    noisy = air & (array != array.min())
    return bool(np.mean(noisy) > SHARE_OF_AIR or np.mean(fat) > SHARE_OF_FAT)


def _is_label_map(array: np.ndarray) -> bool:
    """Whether whole numbers beside the background mostly have neighbours of the same value.

    The background is the most frequent value: filtered images have some below it.
    """
    if not np.array_equal(array, np.rint(array)):
        return False
    values, counts = np.unique(array, return_counts=True)
    background = values[counts.argmax()]
    first, second = array[..., :-1], array[..., 1:]
    inside = (first != background) & (second != background)
    first, second = first[inside], second[inside]
    return first.size >= FEWEST_PAIRS and float(np.mean(first == second)) > SAME_NEIGHBOURS
