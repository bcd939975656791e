"""One subject measured: every held-out slice coloured under a condition, every measure taken."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.tissue import NAMES
from training.measure.arms.subjects import Subject
from training.measure.cases.cases import MRI, SLAB, Case
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.baselines import BASELINES, GREY
from training.measure.colorings.conditions import PLAIN, Condition
from training.measure.colorings.held_out import HeldOut
from training.measure.colorings.scores import (
    Measure,
    PairScores,
    Scores,
    score_pairs,
    score_stack,
    unit_rgb,
)
from training.measure.colorings.stacks import (
    MODES,
    NATURAL,
    STRUCTURE,
    TRUTH,
    ColoredStack,
    paint_case,
    with_trivial,
)
from training.measure.metrics.engine_invariance import engine_changes
from training.measure.metrics.invariance import network_changes
from training.measure.metrics.kid import Features, kernel_distance
from training.measure.metrics.measures import color_distance, tissue_agreement

# The trivial colourings that stand for all of them wherever the MRI is changed.
HARDEST = (GREY, "constant colour", "table per contrast")
PROBED = 3  # slices of a volume on which the invariances are measured
BY_TISSUE = "ciede2000: "  # before a tissue's name: colour error of the pixels labelled so
ALL_SLABS = "all slabs"  # the unit of what is measured of all of them together


@dataclass(frozen=True)
class Assessment:
    """A subject under one condition.

    scores, pairs: of every colouring, with their stacks. table: the same numbers and some more, as
    records have them, without the condition. known: volumes that the model was trained on.
    """

    scores: tuple[Scores, ...]
    pairs: tuple[PairScores, ...]
    table: pd.DataFrame
    known: tuple[str, ...]


class Assessor:
    """Measures one subject, condition by condition.

    features: for the kernel distance to the photographs; None leaves it out.
    """

    def __init__(
        self, subject: Subject, statistics: ColorStatistics, features: Features | None = None
    ) -> None:
        self.subject, self.statistics, self.features = subject, statistics, features
        self._unchanged: dict[str, ColoredStack] = {}  # natural colours, by the case's name

    def assess(self, cases: Iterable[HeldOut], condition: Condition) -> Assessment:
        """Colour all cases and measure every colouring that the subject asks for."""
        scores: list[Scores] = []
        tables: list[pd.DataFrame] = []
        stacks: list[ColoredStack] = []
        known = []
        for held in cases:
            stack = self._colored(held, condition)
            if stack is None:
                continue
            stacks.append(stack)
            found = [
                self._extended(one, held, condition) for one in score_stack(stack, self.statistics)
            ]
            scores += found
            tables += [_rows(stack.case, stack.index, one.method, _named(one)) for one in found]
            if condition.name == PLAIN:
                tables += [_by_tissue(one) for one in found if one.per_tissue is not None]
                tables += [] if self.subject.system else self._invariances(stack)
            if _was_trained_on(self.subject.colorizer.model.card, held.case):
                known.append(held.case.name)
        methods = [m for m in dict.fromkeys(one.method for one in scores) if m != TRUTH]
        pairs = [pair for method in methods for pair in score_pairs(stacks, method)]
        for pair in pairs:
            case = dataclasses.replace(
                pair.first.case, name=pair.first.case.subject, contrast=pair.contrasts
            )
            values = {measure.key: of for measure, of in pair.values.items()}
            tables.append(_rows(case, pair.first.index, pair.method, values))
        if self.features is not None and condition.name == PLAIN:
            tables += _kernel(stacks, self.features)
        table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        return Assessment(tuple(scores), tuple(pairs), table, tuple(known))

    def _colored(self, held: HeldOut, condition: Condition) -> ColoredStack | None:
        """The case as the condition changes it, in the subject's colourings; None: left out."""
        subject = self.subject
        case = condition.change(held.case, subject.colorizer.model.card.scale.least_mm)
        if case is None:
            return None
        modes = (NATURAL,) if subject.system else tuple(MODES)
        stack = paint_case(case, subject.colorizer, held.index, held.places, modes)
        pictures = stack.pictures
        if subject.system is not None:
            # One picture a slice, which stands beside the models' natural colours.
            pictures = {NATURAL: subject.system.read(case.name, stack.index, stack.mask)}
            return dataclasses.replace(stack, pictures=pictures, tissue=None, confidence=None)
        if not subject.trivial:
            pictures.pop(TRUTH, None)
        else:
            names = tuple(BASELINES) if condition.all_trivial else HARDEST
            stack = with_trivial(stack, self.statistics, names)
        if condition.name != PLAIN:
            stack.pictures.pop(TRUTH, None)
        if condition.against == "clean":
            stack.pictures.pop(STRUCTURE)  # it has the degraded lightness
            clean = normalize(held.case.volume.array, held.case.mask)[0][held.places]
            stack = dataclasses.replace(stack, mri=clean)
        return stack

    def _extended(self, scores: Scores, held: HeldOut, condition: Condition) -> Scores:
        """With what a degradation changed in the natural colours and in the tissue map."""
        if condition.against != "clean" or scores.method != NATURAL or self.subject.system:
            return scores
        stack, name = scores.stack, held.case.name
        if name not in self._unchanged:
            self._unchanged[name] = paint_case(
                held.case, self.subject.colorizer, held.index, held.places, (NATURAL,)
            )
        before = self._unchanged[name]
        now, then = (unit_rgb(one.pictures[NATURAL]) for one in (stack, before))
        values = {**scores.values, Measure.AWAY: color_distance(now, then, stack.mask)}
        if stack.tissue is not None and before.tissue is not None:
            kept = tissue_agreement(stack.tissue, before.tissue, stack.mask)
            values[Measure.KEPT] = kept.share
        return dataclasses.replace(scores, values=values)

    def _invariances(self, stack: ColoredStack) -> Iterator[pd.DataFrame]:
        """By how much the model's colours of an MRI change when nothing of the tissue did."""
        if stack.case.kind != MRI:
            return
        places = np.linspace(0, len(stack.index) - 1, min(PROBED, len(stack.index)))
        places = places.round().astype(int)
        volume = dataclasses.replace(stack.case.volume, array=stack.case.volume.array[places])
        columns, rows, _ = volume.spacing
        colorizer, mask = self.subject.colorizer, stack.mask[places]
        for change in (
            *network_changes(colorizer.model, stack.mri[places], mask, (rows, columns)),
            *engine_changes(colorizer, volume, mask, stack.case.plane),
        ):
            values = {f"{change.of}: {change.name}": change.ciede2000}
            yield _rows(stack.case, stack.index[places], NATURAL, values)


def _named(scores: Scores) -> dict[str, np.ndarray]:
    return {measure.key: values for measure, values in scores.values.items()}


def _by_tissue(scores: Scores) -> pd.DataFrame:
    columns = np.empty((0, 0)) if scores.per_tissue is None else scores.per_tissue.T
    values = {f"{BY_TISSUE}{NAMES[code]}": column for code, column in enumerate(columns)}
    return _rows(scores.stack.case, scores.stack.index, scores.method, values)


def _rows(
    case: Case, index: np.ndarray, method: str, values: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """What is defined of (S,) values by measure, a row each."""
    table = pd.DataFrame({"slice": index, **values}).melt("slice", var_name="measure")
    told = {"kind": case.kind, "unit": case.unit, "case": case.name, "contrast": case.contrast}
    return table.dropna(subset="value").assign(**told, method=method)


def _kernel(stacks: Sequence[ColoredStack], features: Features) -> Iterator[pd.DataFrame]:
    """KID of every method's pictures of the slabs to their photographs, each contrast by itself.

    Together the contrasts would show every photograph three times, and repeated pictures are no
    independent ones: the estimate would not be near 0 for equal sets.
    """
    slabs = [stack for stack in stacks if stack.case.kind == SLAB and stack.truth is not None]
    photographs = {s.case.unit: features(unit_rgb(s.truth)) for s in slabs if s.truth is not None}
    if sum(map(len, photographs.values())) < 2:
        return
    real = np.concatenate(list(photographs.values()))
    for contrast in dict.fromkeys(stack.case.contrast for stack in slabs):
        those = [stack for stack in slabs if stack.case.contrast == contrast]
        case = dataclasses.replace(those[0].case, name=ALL_SLABS, unit=ALL_SLABS)
        for method in those[0].pictures:
            if method != TRUTH:
                seen = [features(unit_rgb(stack.pictures[method])) for stack in those]
                distance = kernel_distance(np.concatenate(seen), real)
                values = {Measure.KID.key: np.array([distance.mean])}
                yield _rows(case, np.zeros(1, int), method, values)


def _was_trained_on(card: ModelCard, case: Case) -> bool:
    """Whether the card lists this very file among the training and validation data."""
    if case.path is None:
        return False
    listed = card.details.get("training", {}).get("data", [])
    sums = {entry.get("source_sha256") for entry in listed}
    return hashlib.sha256(case.path.read_bytes()).hexdigest() in sums
