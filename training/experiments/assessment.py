"""One model measured under one condition: every held-out slice coloured, every measure taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from skimage.color import rgb2lab

from MRIColorizeLib.colorizer import Colorizer, Steps
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.model import Model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import PALETTE_LAB
from MRIColorizeLib.volume import Volume
from training.evaluate.baselines import BASELINES
from training.evaluate.learned import ColorStatistics
from training.evaluate.measures import tissue_agreement
from training.evaluate.scores import score_pairs, score_stack
from training.evaluate.stacks import NATURAL, STRUCTURE, TRUTH, ColoredStack, color_case
from training.evaluate.summary import between_contrasts
from training.experiments.conditions import Condition
from training.experiments.held_out import ThinCase
from training.experiments.results import Series, rounded
from training.networks.chroma import ChromaPredictor

# Measures that this adds to those of training.evaluate.scores.
TISSUE_OF_COLORS = "tissue_of_colors"  # share of body pixels whose nearest palette colour is right
AGREEMENT = "agreement"  # share of pixels with one tissue in both contrasts, by the model's map
AGREEMENT_OF_COLORS = "agreement_of_colors"  # the same by the nearest palette colour


def assess(
    colorizer: Colorizer,
    cases: Sequence[ThinCase],
    condition: Condition,
    statistics: ColorStatistics,
    baselines: bool = False,
) -> Iterator[Series]:
    """Colour all cases and measure them.

    baselines: whether the trivial colourings and the truth itself, which are the same beside every
    model, are measured too.
    """
    stacks: list[ColoredStack] = []
    for thin in cases:
        stack = _colored(colorizer, thin, condition, statistics, baselines)
        if stack is not None:
            stacks.append(stack)
            yield from _of_stack(stack, statistics)
    methods = dict.fromkeys(method for stack in stacks for method in stack.pictures)
    for method in methods:
        if method != TRUTH:  # which synthetic MRI have in common, and others lack
            yield from _of_pairs(stacks, method)


class LightnessKeeper(Colorizer):
    """For networks whose lightness is the MRI's own: the engine adds no detail of the MRI again."""

    def start(self, volume: Volume, options: ColorizeOptions | None = None) -> Steps:
        """As the Colorizer's, with `detail` of 0."""
        return super().start(volume, dataclasses.replace(options or ColorizeOptions(), detail=0))


def colorizer_of(model: Model) -> Colorizer:
    """The engine for a model, a competitor's network included."""
    keeps = isinstance(model.generator, ChromaPredictor)
    return (LightnessKeeper if keeps else Colorizer)(model, "auto")


def nearest_tissues(rgb: np.ndarray) -> np.ndarray:
    """Tissue codes (S, H, W) of the palette colours nearest to uint8 pictures (S, H, W, 3).

    CIE76 distance. It reads tissues from any colouring, where a model's own map knows only its own.
    """
    lab = rgb2lab(rgb)
    # One colour at a time: all distances at once would take thirteen times the memory.
    nearest, codes = np.full(lab.shape[:-1], np.inf), np.zeros(lab.shape[:-1], np.uint8)
    for code, color in enumerate(PALETTE_LAB):
        distance = ((lab - color) ** 2).sum(axis=-1)
        closer = distance < nearest
        nearest[closer], codes[closer] = distance[closer], code
    return codes


def _colored(
    colorizer: Colorizer,
    thin: ThinCase,
    condition: Condition,
    statistics: ColorStatistics,
    baselines: bool,
) -> ColoredStack | None:
    case = condition.change(thin.case, colorizer.model.card.spacing_mm)
    if case is None:
        return None
    stack = color_case(case, colorizer, statistics, progress=_silent)
    dropped = [] if baselines else [*BASELINES, TRUTH]
    if condition.against == "clean":
        dropped.append(STRUCTURE)  # its lightness is the degraded MRI's by construction
    pictures = {name: p for name, p in stack.pictures.items() if name not in dropped}
    mri = stack.mri
    if condition.against == "clean":
        mri = normalize(thin.case.volume.array, thin.case.mask)[0][stack.index]
    return dataclasses.replace(stack, pictures=pictures, mri=mri, index=thin.index[stack.index])


def _of_stack(stack: ColoredStack, statistics: ColorStatistics) -> Iterator[Series]:
    case = stack.case

    def series(method: str, measure: str, values: np.ndarray) -> Series:
        told = (case.kind, case.unit, case.name, case.contrast, method, measure)
        return Series(*told, rounded(values))

    for scores in score_stack(stack, statistics):
        for measure, values in scores.values.items():
            if np.isfinite(values).any():
                yield series(scores.method, measure.name.lower(), values)
    if stack.labels is not None:
        for method, picture in stack.pictures.items():
            codes = nearest_tissues(picture)
            share = tissue_agreement(codes, stack.labels, stack.mask).share
            yield series(method, TISSUE_OF_COLORS, share)
    for change in stack.changes:
        yield series(NATURAL, f"{change.of}: {change.name}", change.ciede2000)


def _of_pairs(stacks: Sequence[ColoredStack], method: str) -> Iterator[Series]:
    """Contrasts of one subject compared: colours, and tissues by both readings."""
    for pair in score_pairs(stacks, method):
        if not between_contrasts(pair):
            continue
        first, second = pair.first, pair.second
        mask = first.mask & second.mask
        codes, others = (nearest_tissues(stack.pictures[method]) for stack in (first, second))
        found = {
            "contrast": pair.ciede2000,
            AGREEMENT_OF_COLORS: tissue_agreement(codes, others, mask).share,
        }
        if pair.agreement is not None:
            found[AGREEMENT] = pair.agreement.share
        case = first.case
        for measure, values in found.items():
            yield Series(
                case.kind,
                case.subject,
                case.subject,
                pair.contrasts,
                method,
                measure,
                rounded(values),
            )


def _silent(text: str) -> None:
    """Cases are many and small; the queue reports each arm."""
