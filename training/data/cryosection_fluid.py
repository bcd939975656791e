"""The brain's fluid, which a frozen cadaver has lost, put back into photograph and labels.

A brain in a cryosection fills its skull and shows next to no cerebrospinal fluid, while in a T2
image the fluid is the brightest thing there is. Training pictures get it back in both places at
once, so that input and target stay true to each other; test pictures are never touched.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, grey_closing, label
from skimage.color import lab2rgb, rgb2lab
from skimage.morphology import disk

from MRIColorizeLib.tissue import PALETTE_LAB, Tissue

RIM_MM = 1.0  # fluid between brain and skull
SULCUS_WIDTH_MM = 2.2  # half the width of the widest dark line taken for a sulcus
SULCUS_DARKNESS = 4.0  # L* below its surroundings
SMALLEST_SULCUS_MM2 = 3.0


def add_rim(
    rgb: np.ndarray, labels: np.ndarray, brain: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the outermost RIM_MM inside `brain` into fluid.

    rgb uint8 (H, W, 3), labels uint8 (H, W), brain bool (H, W), spacing in mm a pixel. Returns
    the painted photograph and the new labels.
    """
    # The outermost pixel has distance 1, but its centre lies half a pixel inside.
    depth = (distance_transform_edt(brain) - 0.5) * spacing
    return _pour(rgb, labels, brain & (depth < RIM_MM), brain)


def add_sulci(
    rgb: np.ndarray, labels: np.ndarray, brain: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the thin dark lines in grey matter, residues of sulci, into fluid.

    Arguments and result are those of `add_rim`. Needs a fine slice: a coarse or posterised one
    has dark lines that are no sulci.
    """
    grey = brain & (labels == Tissue.GREY_MATTER)
    if not grey.any():
        return rgb, labels
    lightness = gaussian_filter(rgb2lab(rgb)[..., 0], 0.4 / spacing)
    # Everything lighter counts as typical grey matter: a thin cortex between white matter is no
    # sulcus, nor is the brain's border.
    typical = np.median(lightness[grey])
    flat = np.where(brain, np.minimum(lightness, typical), typical)
    closed = grey_closing(flat, footprint=disk(max(1, round(SULCUS_WIDTH_MM / spacing))))
    pieces, _ = label(grey & (closed - flat > SULCUS_DARKNESS), np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    sulci = (sizes * spacing**2 >= SMALLEST_SULCUS_MM2)[pieces]
    return _pour(rgb, labels, sulci, brain)


def _pour(
    rgb: np.ndarray, labels: np.ndarray, fluid: np.ndarray, brain: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paint `fluid` with a soft edge in the fluid's colour, and label it; only inside `brain`."""
    if not fluid.any():
        return rgb, labels
    share = np.where(brain, gaussian_filter(fluid.astype(float), 0.5), 0.0)[..., None]
    colour = lab2rgb(PALETTE_LAB[Tissue.CSF].astype(float)) * 255
    painted = np.rint((1 - share) * rgb + share * colour).astype(np.uint8)
    return painted, np.where(fluid, Tissue.CSF, labels).astype(np.uint8)
