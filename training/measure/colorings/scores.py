"""The numbers of one colouring: every measure of every slice, and of pairs of contrasts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from MRIColorizeLib.tissue import CLASSES, PALETTE_LAB
from training.measure.cases.cases import SLAB
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.stacks import NATURAL, TRUTH, ColoredStack
from training.measure.metrics import measures
from training.measure.metrics.multiscale import ms_ssim_in_body, ms_ssim_whole, window_that_fits
from training.measure.metrics.pyramid import SMALLEST_SIDE
from training.measure.metrics.texture import TextureStatistics, compare_textures, describe_textures

# Slices below 97 pixels need an even smaller window, which makes MS-SSIM another measure.
SMALLEST_WINDOW = 7


class Measure(Enum):
    """Everything that is measured: label, digits, and whether more (1) or less (-1) is better.

    0: neither (colourfulness is to be the truth's, a flicker that of the MRI or less).
    Then the least and the most that it can be, 0 and infinity where nothing is said.
    """

    CIEDE2000 = ("CIEDE2000", 1, -1)
    TISSUE = ("tissue as labelled", 2, 1, 0, 1)
    TISSUE_OF_COLORS = ("tissue by colour", 2, 1, 0, 1)
    DCF_BODY = ("dCF", 3, -1)
    DCF_SLICE = ("dCF slice", 3, -1)
    DCF_REGION = ("dCF-region", 3, -1)
    CF_BODY = ("colourfulness", 3, 0)
    CF_SLICE = ("colourfulness slice", 3, 0)
    CONTRAST = ("contrast consistency", 1, -1)
    AGREEMENT = ("same tissue", 2, 1, 0, 1)
    AGREEMENT_OF_COLORS = ("same tissue by colour", 2, 1, 0, 1)
    CHANCE = ("same tissue by chance", 2, 0, 0, 1)
    NCC2 = ("NCC²", 3, 1, 0, 1)
    SSIM_BODY = ("SSIM", 3, 1, -1, 1)
    SSIM_SLICE = ("SSIM slice", 3, 1, -1, 1)
    MS_SSIM_BODY = ("MS-SSIM", 3, 1, 0, 1)
    MS_SSIM_SLICE = ("MS-SSIM slice", 3, 1, 0, 1)
    STSIM1_BODY = ("STSIM-1", 3, 1, 0, 1)
    STSIM1_SLICE = ("STSIM-1 slice", 3, 1, 0, 1)
    FLICKER = ("flicker", 2, 0)
    CONFIDENCE = ("confidence", 2, 0, 0, 1)
    KEPT = ("tissue as unchanged", 2, 1, 0, 1)
    AWAY = ("CIEDE2000 to unchanged", 1, -1)
    KID = ("KID", 3, -1, -math.inf)

    def __init__(
        self, label: str, digits: int, better: int, least: float = 0, most: float = math.inf
    ) -> None:
        self.label, self.digits, self.better = label, digits, better
        self.bounds = (least, most)

    @property
    def key(self) -> str:
        """Its name in records and tables for programs."""
        return self.name.lower()


@dataclass(frozen=True)
class Scores:
    """One colouring of one case.

    values: for each measure (S,), NaN where a slice leaves it undefined. per_tissue: (S, classes)
    mean CIEDE2000 to the truth over the pixels that the labels call so, or None without a truth.
    """

    stack: ColoredStack
    method: str
    values: Mapping[Measure, np.ndarray]
    per_tissue: np.ndarray | None


@dataclass(frozen=True)
class PairScores:
    """The same colouring of two contrasts of one subject, over the pixels of both bodies: (S,)."""

    first: ColoredStack
    second: ColoredStack
    method: str
    values: Mapping[Measure, np.ndarray]

    @property
    def contrasts(self) -> str:
        return f"{self.first.case.contrast}–{self.second.case.contrast}"


def score_stack(stack: ColoredStack, statistics: ColorStatistics) -> Iterator[Scores]:
    """Every colouring of a stack in every measure that it allows, contrasts left for the pairs."""
    # The MRI's textures are the same beside every colouring, and cost most of the time.
    large = min(stack.mri.shape[1:]) >= SMALLEST_SIDE
    textures = describe_textures(stack.mri) if large else None
    for method in stack.pictures:
        yield _score(stack, method, statistics, textures)


def _score(
    stack: ColoredStack,
    method: str,
    statistics: ColorStatistics,
    textures: Sequence[TextureStatistics] | None,
) -> Scores:
    rgb = unit_rgb(stack.pictures[method])
    values = _structure(stack, rgb, textures) | _color(stack, rgb, statistics)
    per_tissue = None
    if stack.truth is not None and method != TRUTH:
        truth = unit_rgb(stack.truth)
        values[Measure.CIEDE2000] = measures.color_distance(rgb, truth, stack.mask)
        per_tissue = _per_tissue(rgb, truth, stack)
    if stack.labels is not None:
        by_color = nearest_tissues(stack.pictures[method])
        agreement = measures.tissue_agreement(by_color, stack.labels, stack.mask)
        values[Measure.TISSUE_OF_COLORS] = agreement.share
    # Both modes come with the same tissue map: it is reported once.
    if stack.labels is not None and stack.tissue is not None and method == NATURAL:
        agreement = measures.tissue_agreement(stack.tissue, stack.labels, stack.mask)
        values[Measure.TISSUE] = agreement.share
    if stack.confidence is not None and method == NATURAL:
        values[Measure.CONFIDENCE] = mean_confidence(stack)
    return Scores(stack, method, values, per_tissue)


def score_pairs(stacks: Sequence[ColoredStack], method: str) -> Iterator[PairScores]:
    """Every two contrasts of one subject that lie voxel on voxel.

    A real T1 and a synthetic T1 are one contrast, and not compared.
    """
    for first, second in itertools.combinations(stacks, 2):
        other = first.case.weighting != second.case.weighting
        if other and first.case.subject == second.case.subject and first.same_grid(second):
            yield PairScores(first, second, method, _score_pair(first, second, method))


def nearest_tissues(rgb: np.ndarray) -> np.ndarray:
    """Tissue codes (S, H, W) of the palette colours nearest to uint8 pictures (S, H, W, 3).

    CIE76 distance. It reads tissues from any colouring, where a model's own map knows only its own.
    """
    lab = rgb2lab(rgb)
    # One colour at a time: all distances at once would take as many times the memory.
    nearest, codes = np.full(lab.shape[:-1], np.inf), np.zeros(lab.shape[:-1], np.uint8)
    for code, color in enumerate(PALETTE_LAB):
        distance = ((lab - color) ** 2).sum(axis=-1)
        closer = distance < nearest
        nearest[closer], codes[closer] = distance[closer], code
    return codes


def mean_confidence(stack: ColoredStack) -> np.ndarray:
    """Mean probability of the chosen tissue in the body of each slice, (S,); NaN without one."""
    if stack.confidence is None:
        return np.full(len(stack.index), np.nan)
    return measures.mean_inside(stack.confidence / np.float32(255), stack.mask)


def unit_rgb(picture: np.ndarray) -> np.ndarray:
    """uint8 to float32 in [0, 1]."""
    return picture.astype(np.float32) / 255


def _structure(
    stack: ColoredStack, rgb: np.ndarray, textures: Sequence[TextureStatistics] | None
) -> dict[Measure, np.ndarray]:
    """textures: the MRI's, None where slices are too small for STSIM."""
    mri, mask = stack.mri, stack.mask
    grey, light = measures.grey(rgb), measures.lightness(rgb)
    side = min(mri.shape[1:])
    values = {
        Measure.NCC2: measures.squared_ncc(light, mri, mask),
        Measure.SSIM_BODY: measures.ssim_in_body(grey, mri, mask),
        Measure.SSIM_SLICE: measures.ssim_whole(grey, mri),
        Measure.MS_SSIM_BODY: ms_ssim_in_body(grey, mri, mask),
    }
    if side > SMALLEST_SIDE and window_that_fits(side) >= SMALLEST_WINDOW:
        values[Measure.MS_SSIM_SLICE] = ms_ssim_whole(grey, mri)
    if textures is not None:
        found = compare_textures(describe_textures(grey), textures, mask)
        values |= {
            Measure.STSIM1_BODY: found.stsim1_body,
            Measure.STSIM1_SLICE: found.stsim1_slice,
        }
    return values


def _color(
    stack: ColoredStack, rgb: np.ndarray, statistics: ColorStatistics
) -> dict[Measure, np.ndarray]:
    inside = measures.colorfulness(rgb, stack.mask)
    everywhere = measures.colorfulness(rgb)
    region = statistics.regions[stack.case.region].colorfulness
    values = {
        Measure.CF_BODY: inside,
        Measure.CF_SLICE: everywhere,
        Measure.DCF_REGION: np.abs(inside - region),
    }
    if stack.case.kind != SLAB:  # whose frames are no neighbours
        values[Measure.FLICKER] = measures.flicker(rgb, stack.mri, stack.mask, stack.index)
    if stack.truth is not None and stack.case.photograph:
        truth = unit_rgb(stack.truth)
        del values[Measure.DCF_REGION]
        values |= {
            Measure.DCF_BODY: np.abs(inside - measures.colorfulness(truth, stack.mask)),
            Measure.DCF_SLICE: np.abs(everywhere - measures.colorfulness(truth)),
        }
    return values


def _per_tissue(rgb: np.ndarray, truth: np.ndarray, stack: ColoredStack) -> np.ndarray | None:
    if stack.labels is None:
        return None
    table = np.full((len(rgb), CLASSES), np.nan)
    for row, picture, real, codes, mask in zip(
        table, rgb, truth, stack.labels, stack.mask, strict=True
    ):
        away = deltaE_ciede2000(rgb2lab(picture[mask]), rgb2lab(real[mask]))
        count = np.bincount(codes[mask], minlength=CLASSES)
        total = np.bincount(codes[mask], away, CLASSES)
        row[count > 0] = total[count > 0] / count[count > 0]
    return table


def _score_pair(
    first: ColoredStack, second: ColoredStack, method: str
) -> dict[Measure, np.ndarray]:
    mask = first.mask & second.mask
    one, other = first.pictures[method], second.pictures[method]
    by_color = measures.tissue_agreement(nearest_tissues(one), nearest_tissues(other), mask)
    values = {
        Measure.CONTRAST: measures.color_distance(unit_rgb(one), unit_rgb(other), mask),
        Measure.AGREEMENT_OF_COLORS: by_color.share,
    }
    if method == NATURAL and first.tissue is not None and second.tissue is not None:
        found = measures.tissue_agreement(first.tissue, second.tissue, mask)
        values[Measure.AGREEMENT] = found.share
        values[Measure.CHANCE] = np.full(len(mask), found.by_chance)
    return values
