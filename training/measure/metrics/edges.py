"""Where the colours' edges are: bleeding over tissue borders, fine detail, invented structure.

These three are this project's own; stacks are as in `measures`. Lab gradients are derivatives of a
Gaussian of sigma 1 pixel, chroma gradient is sqrt(|grad a|^2 + |grad b|^2).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.color import rgb2lab

from training.measure.metrics import measures

BORDER_RADIUS = 2  # pixels on both sides of a label border
DETAIL_SIGMA = 1.0  # what this Gaussian takes away is fine
REACH = 2  # pixels by which an edge of the MRI may lie beside one of the colours
EDGE = 0.02  # of the MRI's range a pixel: above the noise of an ordinary scan after smoothing


def border_sharpness(
    rgb: np.ndarray, truth: np.ndarray, labels: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Colour bleeding: chroma gradient within 2 pixels of label borders over that of the truth.

    1: as sharp as the truth; below: colours bleed; above: sharper than the truth. (S,); NaN where
    no border lies inside the body, or the truth has no chroma gradient there.
    """
    band = _borders(labels, mask)
    found, expected = (
        measures.mean_inside(chroma_gradient(picture), band) for picture in (rgb, truth)
    )
    defined = expected > 1e-3
    return np.where(defined, found / np.where(defined, expected, 1), np.nan).astype(np.float32)


def fine_detail(lightness: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """NCC^2 of what a Gaussian of sigma 1 pixel, of body pixels only, takes away; (S,)."""
    first, second = (_high_band(stack, mask) for stack in (lightness, mri))
    return measures.squared_ncc(first, second, mask)


def invented_structure(rgb: np.ndarray, mri: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Share of the chroma gradient at places where the MRI has no edge; (S,) in [0, 1].

    No edge: the MRI's gradient stays below 0.02 of its range a pixel within 2 pixels around.
    Pixels within 4 of the outline do not count. NaN where the picture has no chroma gradient. A
    truth also has some (tissues of equal intensity), so it is the truth's own share that is the
    best to be expected.
    """
    inner = measures.eroded(mask, measures.GRADIENT_RADIUS)
    edges = np.hypot(*measures.gradient(mri))
    reach = 2 * REACH + 1
    without = maximum_filter(edges, (1, reach, reach)) < EDGE
    chroma = np.where(inner, chroma_gradient(rgb), 0)
    total = chroma.sum(axis=(1, 2))
    leaked = np.where(without, chroma, 0).sum(axis=(1, 2))
    # A picture that is flat but for eight-bit rounding has no chroma edges to judge.
    defined = total > 0.05 * np.maximum(inner.sum(axis=(1, 2)), 1)
    return np.where(defined, leaked / np.where(defined, total, 1), np.nan).astype(np.float32)


def chroma_gradient(rgb: np.ndarray) -> np.ndarray:
    """Length of the gradient of (a, b), in CIELAB units a pixel: (S, H, W)."""
    lab = rgb2lab(rgb)
    parts = [part for channel in (1, 2) for part in measures.gradient(lab[..., channel])]
    return np.sqrt(sum(part**2 for part in parts)).astype(np.float32)


def _borders(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Body pixels within BORDER_RADIUS of a change of label between two tissues of the body."""
    change = np.zeros(labels.shape, dtype=bool)  # the pixels on either side of a border
    both = mask[:, 1:] & mask[:, :-1] & (labels[:, 1:] != labels[:, :-1])
    change[:, 1:] |= both
    change[:, :-1] |= both
    both = mask[:, :, 1:] & mask[:, :, :-1] & (labels[:, :, 1:] != labels[:, :, :-1])
    change[:, :, 1:] |= both
    change[:, :, :-1] |= both
    size = 2 * BORDER_RADIUS - 1
    near = maximum_filter(change, (1, size, size))
    return near & measures.eroded(mask, measures.GRADIENT_RADIUS)


def _high_band(stack: np.ndarray, mask: np.ndarray) -> np.ndarray:
    weights = mask.astype(np.float32)
    sigma = (0, DETAIL_SIGMA, DETAIL_SIGMA)
    total = np.maximum(gaussian_filter(weights, sigma), 1e-6)
    smooth = gaussian_filter(stack * weights, sigma) / total
    return ((stack - smooth) * weights).astype(np.float32)
