"""Tissues inside a brain mask: a three-class Gaussian mixture with a bias field, smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data.mri_read import box_around
from training.errors import TrainingError

# Order of the classes by their brightness in T1.
T1_ORDER = (Tissue.CSF, Tissue.GREY_MATTER, Tissue.WHITE_MATTER)

_FIT_SPACING_MM = 2.0
_BIAS_SIGMA_MM = 25.0
# T1 brightness of CSF, grey and white matter over that of the brighter tenth, to start from.
_START = np.array([0.25, 0.72, 0.98])
_CEILING = np.array([0.4, 0.82, 1.0])
_NEIGHBOURS = np.array(
    [
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[0, 1, 0], [1, 0, 1], [0, 1, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    ],
    dtype=np.float32,
)


class BrainLabelError(TrainingError):
    """The brain mask holds too few voxels to tell tissues apart."""


@dataclass(frozen=True)
class Mixture:
    """Three Gaussians in order of brightness: means, deviations and weights, float64 (3,)."""

    means: np.ndarray
    deviations: np.ndarray
    weights: np.ndarray

    def log_likelihood(self, values: np.ndarray) -> np.ndarray:
        """log of weight times density, float32 (3, ...).

        Values beyond the outer means count as those means: else the widest Gaussian, that of
        CSF, would also claim the brightest voxels.
        """
        clipped = np.clip(values, self.means[0], self.means[-1]).astype(np.float32)
        return np.stack(
            [
                np.log(w) - np.log(s) - 0.5 * ((clipped - np.float32(m)) / np.float32(s)) ** 2
                for m, s, w in zip(self.means, self.deviations, self.weights, strict=True)
            ]
        ).astype(np.float32)


def brain_tissues(
    image: np.ndarray,
    mask: np.ndarray,
    spacing: np.ndarray,
    order: tuple[Tissue, Tissue, Tissue] = T1_ORDER,
    smoothness: float = 0.5,
    grey_odds: float = 1.0,
    prior: np.ndarray | None = None,
) -> np.ndarray:
    """Label every voxel of a brain mask as one of three tissues; BACKGROUND outside.

    image: (K, J, I) of any number type; mask: bool (K, J, I); spacing: (3,) mm; order: the
    tissues from dark to bright; smoothness: weight of each of six neighbours (a Potts field,
    solved by mean field); grey_odds: prior weight of the second class over that of the third,
    for templates whose averaging has thinned the cortex; prior: log probabilities (3, K, J, I) of
    an atlas. Returns uint8 (K, J, I). Raises BrainLabelError for a tiny mask.
    """
    if np.count_nonzero(mask) < 1000:
        raise BrainLabelError("The brain mask has fewer than 1000 voxels.")
    box = box_around(mask, 1)
    inner, inside = image[box].astype(np.float32), mask[box]
    bias, mixture = estimate_bias(inner, inside, spacing)
    evidence = mixture.log_likelihood(inner / bias)
    evidence[1] += np.float32(np.log(grey_odds))
    if prior is not None:
        evidence += prior[(slice(None), *box)].astype(np.float32)
    classes = _mean_field(evidence, inside, smoothness).argmax(0)
    labels = np.zeros(image.shape, np.uint8)
    codes = np.array(order, dtype=np.uint8)
    labels[box] = np.where(inside, codes[classes], Tissue.BACKGROUND)
    return labels


def estimate_bias(
    image: np.ndarray, mask: np.ndarray, spacing: np.ndarray, rounds: int = 4
) -> tuple[np.ndarray, Mixture]:
    """Multiplicative bias field (K, J, I) about 1 and the mixture of the corrected image.

    Works on a thinned copy: the field is the smoothed ratio between the image and what the
    mixture expects at each voxel of grey or white matter.
    """
    step = tuple(max(1, round(_FIT_SPACING_MM / float(s))) for s in spacing)
    thin = tuple(slice(None, None, n) for n in step)
    coarse, inside = image[thin], mask[thin]
    sigma = [_BIAS_SIGMA_MM / (float(s) * n) for s, n in zip(spacing, step, strict=True)]
    field = np.ones_like(coarse)
    mixture = fit_mixture(coarse[inside])
    for _ in range(rounds):
        field = _residual_field(coarse, field, inside, mixture, sigma)
        mixture = fit_mixture((coarse / field)[inside])
    grow = [full / small for full, small in zip(image.shape, coarse.shape, strict=True)]
    wide = ndimage.zoom(field, grow, order=1, grid_mode=True, mode="nearest")
    return wide.astype(np.float32), mixture


def fit_mixture(values: np.ndarray, rounds: int = 40) -> Mixture:
    """Expectation maximisation of three Gaussians on a sample of intensities."""
    sample = values[:: max(1, values.size // 200_000)].astype(np.float64)
    low, middle, high = _START * np.percentile(sample, 90)
    means = np.array([low, middle, high])
    deviations = np.full(3, max(float(high - low) / 6, 1e-3))
    weights = np.full(3, 1 / 3)
    for _ in range(rounds):
        mixture = Mixture(means, deviations, weights)
        posterior = _softmax(mixture.log_likelihood(sample))
        mass = posterior.sum(1) + 1e-6
        means = _ordered((posterior @ sample) / mass)
        spread = (posterior * (sample[None] - means[:, None]) ** 2).sum(1) / mass
        weights = _tied(mass / mass.sum())
        deviations = _bounded(np.sqrt(spread), means)
    return Mixture(means, deviations, weights)


def _ordered(means: np.ndarray) -> np.ndarray:
    """Rising means, the lower two held below the share of white matter that T1 allows them."""
    rising = np.sort(means)
    return np.minimum(rising, _CEILING * rising[2])


def _tied(weights: np.ndarray) -> np.ndarray:
    first = float(np.clip(weights[0], 0.05, 1 / 3))
    return np.array([first, (1 - first) / 2, (1 - first) / 2])


def _bounded(deviations: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Deviations that neither vanish nor reach far over the neighbour, in a fixed proportion.

    Free ones let one class swallow the partial volume on both of its sides: with one weight and
    nearly one deviation for grey and white matter their border stands about half way. Grey matter
    is given the wider one, as its folds blur into both neighbours.
    """
    gaps = np.diff(means)
    shared = min(float(deviations[1:].mean()), 0.4 * float(gaps[1]))
    first = min(float(deviations[0]), shared, 0.3 * float(gaps[0]))
    floor = max(1e-3, 0.03 * float(means[-1] - means[0]))
    return np.maximum(np.array([first, 1.15 * shared, 0.85 * shared]), floor)


def _residual_field(
    image: np.ndarray,
    field: np.ndarray,
    mask: np.ndarray,
    mixture: Mixture,
    sigma: list[float],
) -> np.ndarray:
    """The field that best explains grey and white matter, smoothed with a Gaussian."""
    posterior = _softmax(mixture.log_likelihood(image / field))
    weight = posterior[1:].sum(0) * mask
    expected = np.tensordot(mixture.means.astype(np.float32), posterior, 1)
    ratio = np.clip(image / np.maximum(expected, 1e-3), 0.5, 2.0)
    top = ndimage.gaussian_filter(weight * np.log(np.maximum(ratio, 1e-3)), sigma)
    log_field = top / (ndimage.gaussian_filter(weight, sigma) + 1e-3)
    return np.exp(log_field - log_field[mask].mean()).astype(np.float32)


def _mean_field(
    evidence: np.ndarray, mask: np.ndarray, smoothness: float, rounds: int = 3
) -> np.ndarray:
    """Class probabilities (3, K, J, I) after a few rounds in which neighbours agree."""
    posterior = _softmax(evidence)
    for _ in range(rounds):
        agreed = [ndimage.convolve(p * mask, _NEIGHBOURS, mode="constant") for p in posterior]
        posterior = _softmax(evidence + np.float32(smoothness) * np.stack(agreed))
    return posterior


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(0, keepdims=True))
    return powers / powers.sum(0, keepdims=True)
