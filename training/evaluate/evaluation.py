"""One evaluation: volumes in, rows of numbers out; the volume is the unit, slices are averaged."""

from __future__ import annotations

import hashlib
import itertools
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.files import stem
from MRIColorizeLib.model import ModelCard, load_model
from training.data.prepared import load_all
from training.evaluate import measures
from training.evaluate.baselines import ColorStatistics, learn_statistics
from training.evaluate.montage import write_montages
from training.evaluate.stacks import (
    METHODS,
    NATURAL,
    TEST_VOLUMES,
    ColoredStack,
    color_stack,
    find_volumes,
    slices_with_body,
)


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1) over `count` slices or volumes, NaN left out."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: np.ndarray | Sequence[float]) -> Spread:
        array = np.asarray(values, dtype=np.float64)
        known = array[np.isfinite(array)]
        return cls(
            float(known.mean()) if known.size else float("nan"),
            float(known.std(ddof=1)) if known.size > 1 else float("nan"),
            int(known.size),
        )


@dataclass(frozen=True)
class StackRow:
    """One colouring of one volume against its MRI; spreads are over slices."""

    volume: str
    contrast: str
    method: str
    slices: int
    ssim_whole: Spread
    ssim_body: Spread
    squared_ncc: Spread
    orientation: Spread
    colorfulness_whole: Spread
    colorfulness_body: Spread
    flicker: float


@dataclass(frozen=True)
class PairRow:
    """The same colouring of two contrasts of one person; spreads are over slices.

    share, by_chance and dice speak of the tissue maps, which only the model has.
    """

    subject: str
    contrasts: str
    method: str
    slices: int
    ciede2000: Spread
    ab: Spread
    share: Spread | None
    by_chance: float | None
    dice: Mapping[str, float] | None


@dataclass(frozen=True)
class Setting:
    """Under what the numbers were made."""

    command: str
    model_name: str
    model_version: str
    weights_sha256: str
    device: str
    precision: str
    threads: int
    software: str
    plane: str


@dataclass(frozen=True)
class Evaluation:
    """Everything that a report says."""

    setting: Setting
    statistics: ColorStatistics
    stacks: tuple[StackRow, ...]
    pairs: tuple[PairRow, ...]
    known: tuple[str, ...]  # volumes that the model was trained or validated on
    uncompared: tuple[str, ...]  # pairs of contrasts that do not lie voxel on voxel
    pictures: tuple[str, ...]


def evaluate_model(
    model: str | Path | None,
    data: Path,
    prepared: Path,
    out: Path,
    volumes: Sequence[str] = TEST_VOLUMES,
    device: str = "auto",
    command: str = "evaluate_model(...)",
    progress: Callable[[str], None] = print,
) -> Evaluation:
    """Colour the volumes, measure, and write the montages into `out`.

    model: name or folder, None for the default. data: folder with mri/. prepared: folder made by
    `prepare`, for the baselines. Raises MRIColorizeError, PreparedDataError or ValueError when
    something is missing; `report.write_report` writes what this returns.
    """
    paths = find_volumes(data, volumes)
    if not paths:
        raise ValueError("There is no volume to evaluate; name at least one.")
    colorizer = Colorizer(load_model(model), device)
    progress("Learning the baselines")
    statistics = learn_statistics(load_all(prepared))
    stacks = [color_stack(path, colorizer, statistics, progress) for path in paths]
    rows = []
    for stack in stacks:
        progress(f"{stack.name}: measuring")
        rows += [measure_stack(stack, method) for method in METHODS]
    pairs, uncompared = [], []
    for first, second in _pairs(stacks):
        if first.same_grid(second):
            progress(f"{first.name} against {second.name}")
            pairs += [measure_pair(first, second, method) for method in METHODS]
        else:
            uncompared.append(f"{first.name}, {second.name}")
    return Evaluation(
        setting=_setting(command, colorizer.model.card, stacks),
        statistics=statistics,
        stacks=tuple(rows),
        pairs=tuple(pairs),
        known=tuple(stem(path) for path in paths if _was_trained_on(colorizer.model.card, path)),
        uncompared=tuple(uncompared),
        pictures=tuple(write_montages(stacks, out)),
    )


def measure_stack(stack: ColoredStack, method: str) -> StackRow:
    """Every measure of one colouring of one volume."""
    used = stack.slices
    mri, mask = stack.mri[used], stack.mask[used]
    rgb = _unit(stack.pictures[method][used])
    grey, lightness = measures.grey(rgb), measures.lightness(rgb)
    return StackRow(
        volume=stack.name,
        contrast=stack.contrast,
        method=method,
        slices=int(used.size),
        ssim_whole=Spread.of(measures.ssim_whole(grey, mri)),
        ssim_body=Spread.of(measures.ssim_in_body(grey, mri, mask)),
        squared_ncc=Spread.of(measures.squared_ncc(lightness, mri, mask)),
        orientation=Spread.of(measures.orientation_agreement(lightness, mri, mask)),
        colorfulness_whole=Spread.of(measures.colorfulness(rgb)),
        colorfulness_body=Spread.of(measures.colorfulness(rgb, mask)),
        flicker=measures.flicker(_unit(stack.pictures[method]), stack.mri, stack.mask),
    )


def measure_pair(first: ColoredStack, second: ColoredStack, method: str) -> PairRow:
    """How far one method's colourings of two contrasts agree, over the pixels of both bodies."""
    both = first.mask & second.mask
    used = slices_with_body(both)
    mask = both[used]
    distance = measures.color_distance(
        _unit(first.pictures[method][used]), _unit(second.pictures[method][used]), mask
    )
    agreement = None
    # Both modes come with the same tissue map: it is reported once.
    if method == NATURAL and first.tissue is not None and second.tissue is not None:
        agreement = measures.tissue_agreement(first.tissue[used], second.tissue[used], mask)
    return PairRow(
        subject=first.subject,
        contrasts=f"{first.contrast}-{second.contrast}",
        method=method,
        slices=int(used.size),
        ciede2000=Spread.of(distance.ciede2000),
        ab=Spread.of(distance.ab),
        share=None if agreement is None else Spread.of(agreement.share),
        by_chance=None if agreement is None else agreement.by_chance,
        dice=None if agreement is None else {t.name: d for t, d in agreement.dice.items()},
    )


def _unit(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / 255


def _pairs(stacks: Sequence[ColoredStack]) -> Iterator[tuple[ColoredStack, ColoredStack]]:
    """Pairs of volumes of one subject."""
    for first, second in itertools.combinations(stacks, 2):
        if first.subject == second.subject:
            yield first, second


def _was_trained_on(card: ModelCard, path: Path) -> bool:
    """Whether the card lists this very file among the training and validation data."""
    listed = card.details.get("training", {}).get("data", [])
    sums = {entry.get("source_sha256") for entry in listed}
    return hashlib.sha256(path.read_bytes()).hexdigest() in sums


def _setting(command: str, card: ModelCard, stacks: Sequence[ColoredStack]) -> Setting:
    made = stacks[0].provenance
    return Setting(
        command=command,
        model_name=card.name,
        model_version=card.version,
        weights_sha256=card.weights_sha256,
        device=made.device,
        precision=made.precision,
        threads=torch.get_num_threads(),
        software=f"Python {platform.python_version()}, torch {torch.__version__}",
        plane=", ".join(sorted({stack.provenance.plane for stack in stacks})),
    )
