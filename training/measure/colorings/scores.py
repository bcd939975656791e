"""The numbers of one colouring: every measure of every slice, and of pairs of contrasts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from MRIColorizeLib.tissue import CLASSES
from training.measure.cases.cases import SLAB
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.stacks import NATURAL, TRUTH, ColoredStack
from training.measure.metrics import edges, measures
from training.measure.metrics.multiscale import ms_ssim_in_body, ms_ssim_whole, window_that_fits
from training.measure.metrics.pyramid import SMALLEST_SIDE
from training.measure.metrics.texture import TextureStatistics, compare_textures, describe_textures

# Slices below 97 pixels need an even smaller window, which makes MS-SSIM another measure.
SMALLEST_WINDOW = 7


class Measure(Enum):
    """Everything that is measured: label, digits, and whether more (1) or less (-1) is better.

    0: neither (colourfulness and invented structure are to be the truth's, a flicker that of the
    MRI or less). Then the least and the most that it can be, 0 and infinity where nothing is said.
    """

    CIEDE2000 = ("CIEDE2000", 1, -1)
    AB = ("a,b distance", 1, -1)
    TISSUE = ("tissue as labelled", 2, 1, 0, 1)
    DCF_BODY = ("dCF", 3, -1)
    DCF_SLICE = ("dCF slice", 3, -1)
    DCF_REGION = ("dCF-region", 3, -1)
    CF_BODY = ("colourfulness", 3, 0)
    CF_SLICE = ("colourfulness slice", 3, 0)
    CONTRAST = ("contrast consistency", 1, -1)
    SHARPNESS = ("border sharpness", 2, 0)
    INVENTED = ("invented structure", 2, 0, 0, 1)
    NCC2 = ("NCC²", 3, 1, 0, 1)
    ORIENTATION = ("orientation", 3, 1, -1, 1)
    DETAIL = ("fine detail", 3, 1, 0, 1)
    SSIM_BODY = ("SSIM", 3, 1, -1, 1)
    SSIM_SLICE = ("SSIM slice", 3, 1, -1, 1)
    MS_SSIM_BODY = ("MS-SSIM", 3, 1, 0, 1)
    MS_SSIM_SLICE = ("MS-SSIM slice", 3, 1, 0, 1)
    STSIM1_BODY = ("STSIM-1", 3, 1, 0, 1)
    STSIM1_SLICE = ("STSIM-1 slice", 3, 1, 0, 1)
    STSIM2_BODY = ("STSIM-2", 3, 1, 0, 1)
    STSIM2_SLICE = ("STSIM-2 slice", 3, 1, 0, 1)
    FLICKER = ("flicker", 2, 0)
    CONFIDENCE = ("confidence", 2, 0, 0, 1)

    def __init__(
        self, label: str, digits: int, better: int, least: float = 0, most: float = math.inf
    ) -> None:
        self.label, self.digits, self.better = label, digits, better
        self.bounds = (least, most)


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
    """The same colouring of two contrasts of one subject, over the pixels of both bodies.

    ciede2000, ab: (S,). agreement: of the tissue maps, which only the model has; else None.
    """

    first: ColoredStack
    second: ColoredStack
    method: str
    ciede2000: np.ndarray
    ab: np.ndarray
    agreement: measures.TissueAgreement | None

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
        found = measures.color_distance(rgb, truth, stack.mask)
        values |= {Measure.CIEDE2000: found.ciede2000, Measure.AB: found.ab}
        per_tissue = _per_tissue(rgb, truth, stack)
    # Both modes come with the same tissue map: it is reported once.
    if stack.labels is not None and stack.tissue is not None and method == NATURAL:
        agreement = measures.tissue_agreement(stack.tissue, stack.labels, stack.mask)
        values[Measure.TISSUE] = agreement.share
    if stack.confidence is not None and method == NATURAL:
        values[Measure.CONFIDENCE] = mean_confidence(stack)
    return Scores(stack, method, values, per_tissue)


def score_pairs(stacks: Sequence[ColoredStack], method: str) -> Iterator[PairScores]:
    """Every two contrasts of one subject that lie voxel on voxel."""
    for first, second in itertools.combinations(stacks, 2):
        if first.case.subject == second.case.subject and first.same_grid(second):
            yield _score_pair(first, second, method)


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
        Measure.ORIENTATION: measures.orientation_agreement(light, mri, mask),
        Measure.DETAIL: edges.fine_detail(light, mri, mask),
        Measure.INVENTED: edges.invented_structure(rgb, mri, mask),
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
            Measure.STSIM2_BODY: found.stsim2_body,
            Measure.STSIM2_SLICE: found.stsim2_slice,
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
        if stack.labels is not None:
            sharpness = edges.border_sharpness(rgb, truth, stack.labels, stack.mask)
            values[Measure.SHARPNESS] = sharpness
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


def _score_pair(first: ColoredStack, second: ColoredStack, method: str) -> PairScores:
    mask = first.mask & second.mask
    distance = measures.color_distance(
        unit_rgb(first.pictures[method]), unit_rgb(second.pictures[method]), mask
    )
    agreement = None
    if method == NATURAL and first.tissue is not None and second.tissue is not None:
        agreement = measures.tissue_agreement(first.tissue, second.tissue, mask)
    return PairScores(first, second, method, distance.ciede2000, distance.ab, agreement)
