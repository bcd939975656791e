"""One model measured under one condition: every held-out slice coloured, every measure taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from skimage.color import rgb2lab

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.tissue import PALETTE_LAB
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.baselines import GREY
from training.measure.colorings.conditions import PLAIN, Condition
from training.measure.colorings.held_out import ThinCase
from training.measure.colorings.scores import score_pairs, score_stack
from training.measure.colorings.stacks import (
    MODES,
    NATURAL,
    STRUCTURE,
    TRUTH,
    ColoredStack,
    color_case,
    paint_case,
    silent,
)
from training.measure.evaluation.summary import between_contrasts
from training.measure.experiments.results import Series, rounded
from training.measure.experiments.subjects import Subject
from training.measure.metrics.measures import tissue_agreement

# Measures that this adds to those of training.measure.colorings.scores.
TISSUE_OF_COLORS = "tissue_of_colors"  # share of body pixels whose nearest palette colour is right
AGREEMENT = "agreement"  # share of pixels with one tissue in both contrasts, by the model's map
AGREEMENT_OF_COLORS = "agreement_of_colors"  # the same by the nearest palette colour

# The trivial colourings that stand for all of them wherever the MRI is changed.
HARDEST = (GREY, "constant colour", "table per contrast")


def assess(
    subject: Subject,
    cases: Sequence[ThinCase],
    condition: Condition,
    statistics: ColorStatistics,
) -> Iterator[Series]:
    """Colour all cases and measure every colouring that the subject asks for."""
    stacks: list[ColoredStack] = []
    for thin in cases:
        stack = _colored(subject, thin, condition, statistics)
        if stack is not None:
            stacks.append(stack)
            yield from _of_stack(stack, statistics)
    methods = dict.fromkeys(method for stack in stacks for method in stack.pictures)
    for method in methods:
        if method != TRUTH:  # which synthetic MRI have in common, and others lack
            yield from _of_pairs(stacks, method)


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
    subject: Subject, thin: ThinCase, condition: Condition, statistics: ColorStatistics
) -> ColoredStack | None:
    """The case as the condition changes it, in the subject's colourings; None: left out."""
    case = condition.change(thin.case, subject.colorizer.model.card.scale.least_mm)
    if case is None:
        return None
    if subject.system is not None:
        stack = paint_case(case, subject.colorizer, progress=silent, modes=(NATURAL,))
        # One picture a slice, which stands beside the models' natural colours.
        pictures = {NATURAL: subject.system.read(case.name, stack.index, stack.mask)}
        stack = dataclasses.replace(stack, pictures=pictures, tissue=None, confidence=None)
    elif condition.name == PLAIN or set(subject.methods) - set(MODES):
        stack = color_case(case, subject.colorizer, statistics, progress=silent)
    else:  # trivial colourings and invariances are not asked for, and cost as much again
        stack = paint_case(case, subject.colorizer, progress=silent)
    asked = subject.methods
    if condition.name != PLAIN:
        asked = tuple(name for name in asked if name in (*MODES, *HARDEST))
    kept = [name for name in stack.pictures if name in asked]
    mri = stack.mri
    if condition.against == "clean":
        mri = normalize(thin.case.volume.array, thin.case.mask)[0][stack.index]
        kept = [name for name in kept if name != STRUCTURE]  # it has the degraded lightness
    return dataclasses.replace(
        stack,
        pictures={name: stack.pictures[name] for name in kept},
        index=thin.index[stack.index],
        mri=mri,
    )


def _of_stack(stack: ColoredStack, statistics: ColorStatistics) -> Iterator[Series]:
    case = stack.case

    def series(method: str, measure: str, values: np.ndarray) -> Series:
        told = (case.kind, case.unit, case.name, case.contrast, method, measure)
        return Series(*told, rounded(values))

    for scores in score_stack(stack, statistics):
        for measure, values in scores.values.items():
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
                case.unit,
                case.subject,
                pair.contrasts,
                method,
                measure,
                rounded(values),
            )
