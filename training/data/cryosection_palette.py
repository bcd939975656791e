"""Measuring a palette of tissues, and bringing one film's colours to another's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.color import lab2rgb, rgb2lab

from MRIColorizeLib.tissue import CLASSES

FEWEST_PIXELS = 60  # a class with fewer has no trustworthy median


@dataclass(frozen=True)
class LabAffine:
    """An affine map of CIELAB colours: lab @ matrix + offset."""

    matrix: np.ndarray  # (3, 3)
    offset: np.ndarray  # (3,)

    def __call__(self, lab: np.ndarray) -> np.ndarray:
        """Map colours (..., 3)."""
        return lab @ self.matrix + self.offset

    def recolour(self, rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Map the sRGB uint8 (H, W, 3) inside `mask` (H, W); the rest becomes black."""
        lab = self(rgb2lab(rgb))
        lab[..., 0] = np.clip(lab[..., 0], 0, 100)
        mapped = np.rint(np.clip(lab2rgb(lab), 0, 1) * 255).astype(np.uint8)
        return np.where(mask[..., None], mapped, 0).astype(np.uint8)


def class_medians(lab: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median colour (13, 3) and pixel count (13,) per Tissue code of colours (..., 3).

    The median of a class with no pixel is NaN.
    """
    medians = np.full((CLASSES, 3), np.nan)
    counts = np.bincount(labels.ravel(), minlength=CLASSES)[:CLASSES]
    for code in np.flatnonzero(counts):
        medians[code] = np.median(lab[labels == code], axis=0)
    return medians, counts


def fit_affine(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray, ridge: float = 10.0
) -> LabAffine:
    """Affine map from colours `source` (N, 3) to `target` (N, 3), near the identity.

    Weighted least squares with `ridge` times the squared distance of the matrix from the identity
    added, because a handful of tissue medians does not fix twelve numbers. The offset is free.
    Raises ValueError with no colours to fit.
    """
    if len(source) == 0:
        raise ValueError("no colours to fit an affine map on")
    share = weights / weights.sum()
    source_mean, target_mean = share @ source, share @ target
    centred, wanted = source - source_mean, target - target_mean
    gram = (centred * share[:, None]).T @ centred + ridge * np.eye(3)
    cross = (centred * share[:, None]).T @ wanted + ridge * np.eye(3)
    matrix = np.linalg.solve(gram, cross)
    return LabAffine(matrix, target_mean - source_mean @ matrix)


def core(labels: np.ndarray, depth: float) -> np.ndarray:
    """Labels (H, W) where every pixel within `depth` pixels has the same class, else background.

    Colours at a border are mixtures; those of the core are the tissue's own.
    """
    kept = np.zeros_like(labels)
    for code in np.unique(labels[labels > 0]):
        # The padding lets a class that reaches the picture's edge keep its core there.
        mask = np.pad(labels == code, 1, mode="edge")
        kept[(distance_transform_edt(mask) > depth)[1:-1, 1:-1]] = code
    return kept


def fit_between_films(
    source_lab: np.ndarray,
    source_labels: np.ndarray,
    target_medians: np.ndarray,
    classes: tuple[int, ...],
) -> LabAffine:
    """Map that brings the class medians of one film to those of another.

    source_lab (N, 3) and source_labels (N,) are the film's pixels; target_medians is (13, 3).
    Each of `classes` found on both films counts alike, and so does black, which stays black.
    """
    medians, counts = class_medians(source_lab, source_labels)
    usable = [
        code
        for code in classes
        if counts[code] >= FEWEST_PIXELS and np.isfinite(target_medians[code]).all()
    ]
    black = np.zeros((1, 3))
    source = np.concatenate([medians[usable], black])
    target = np.concatenate([target_medians[usable], black])
    return fit_affine(source, target, np.ones(len(source)))
