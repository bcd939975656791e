"""One evaluation: a split in, coloured once, every number out."""

from __future__ import annotations

import hashlib
import itertools
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.network.model import load_model
from training.data.prepared import PreparedVolume, load_all
from training.measure.cases.cases import (
    MRI,
    SLAB,
    TEST_VOLUMES,
    Case,
    file_cases,
    labelled_cases,
    slab_cases,
)
from training.measure.cases.learned import ColorStatistics, learn_statistics
from training.measure.colorings.predictions import find_predictions, write_inputs
from training.measure.colorings.scores import PairScores, Scores, score_pairs, score_stack, unit_rgb
from training.measure.colorings.stacks import TRUTH, ColoredStack, color_case
from training.measure.evaluation.disturbances import Disturbed, disturb
from training.measure.evaluation.sizes import size_scores
from training.measure.evaluation.summary import Results
from training.measure.metrics.kid import Features, KernelDistance, kernel_distance

SPLITS = ("val", "test")
SLICES = 8  # measured of each volume by default


@dataclass(frozen=True)
class Request:
    """What to evaluate.

    model: name or folder, None for the default. data: folder with mri/. prepared: folder made by
    `prepare`. split: "val" to choose by, "test" for reports only. volumes: MRI files instead of the
    split's (names or paths), None for the split's. predictions: folder of other systems' pictures.
    inputs: folder for the slices that they are to colour. slices: measured of each volume, 0 for
    all. features: for the kernel distance, None leaves it out.
    """

    model: str | Path | None
    data: Path
    prepared: Path
    split: str = "val"
    volumes: Sequence[str] | None = None
    predictions: Path | None = None
    inputs: Path | None = None
    slices: int = SLICES
    device: str = "auto"
    command: str = "evaluate(...)"
    features: Features | None = None


@dataclass(frozen=True)
class Setting:
    """Under what the numbers were made. processor_minutes: of all threads together."""

    command: str
    split: str
    model_name: str
    model_version: str
    weights_sha256: str
    device: str
    precision: str
    threads: int
    software: str
    minutes: float
    processor_minutes: float


@dataclass(frozen=True)
class Evaluation:
    """Everything that a report says.

    training_notes: what the model's card says of how it was trained, looks at test volumes among
    it. known: volumes that the model was trained or validated on. uncompared: pairs of contrasts
    of one subject that do not lie voxel on voxel. kernel: KID to the photographs by method, then
    by contrast. sizes: the model on 256, 128 and 64 pixels. disturbed: scanned MRI with noise,
    bias, less resolution.
    """

    setting: Setting
    statistics: ColorStatistics
    stacks: tuple[ColoredStack, ...]
    results: Results
    training_notes: str
    known: tuple[str, ...]
    uncompared: tuple[str, ...]
    kernel: Mapping[str, Mapping[str, KernelDistance]]
    sizes: Results
    disturbed: tuple[Disturbed, ...]


def evaluate(request: Request, progress: Callable[[str], None] = print) -> Evaluation:
    """Colour every case of the split once in each mode, and measure.

    Raises MRIColorizeError, PreparedDataError or ValueError when something is missing.
    """
    if request.split not in SPLITS:
        raise ValueError(f"The split {request.split!r} cannot be evaluated; choose val or test.")
    began = time.monotonic(), time.process_time()
    colorizer = Colorizer(load_model(request.model), request.device)
    systems = find_predictions(request.predictions)
    volumes = load_all(request.prepared)
    cases = _cases(request, volumes)
    progress("Learning the baselines")
    statistics = learn_statistics(volumes)
    stacks: list[ColoredStack] = []
    for case in cases:
        stack = color_case(case, colorizer, statistics, systems, request.slices, stacks, progress)
        if request.inputs is not None:
            write_inputs(request.inputs, case.name, stack.index, stack.mri)
        stacks.append(stack)
    if not stacks:
        raise ValueError(f"There is nothing to evaluate in the split {request.split!r}.")
    results = _measure(stacks, statistics, progress)
    sizes: list[Scores] = []
    disturbed: list[Disturbed] = []
    for stack in stacks:
        progress(f"{stack.case.name}: other sizes and worse conditions")
        sizes += size_scores(stack, colorizer, statistics)
        disturbed += disturb(stack, colorizer)
    ended = time.monotonic(), time.process_time()
    minutes = [(last - first) / 60 for first, last in zip(began, ended, strict=True)]
    return Evaluation(
        setting=_setting(request, colorizer.model.card, stacks, minutes),
        statistics=statistics,
        stacks=tuple(stacks),
        results=results,
        training_notes=str(colorizer.model.card.details.get("training", {}).get("notes", "")),
        known=tuple(s.case.name for s in stacks if _was_trained_on(colorizer.model.card, s.case)),
        uncompared=tuple(_uncompared(stacks)),
        kernel={} if request.features is None else _kernel(stacks, request.features),
        sizes=Results(sizes, ()),
        disturbed=tuple(disturbed),
    )


def _cases(request: Request, volumes: Sequence[PreparedVolume]) -> Iterator[Case]:
    """Slabs first, then MRI. A missing file is found before anything is coloured."""
    if request.volumes is not None:
        scans = file_cases(request.data, request.volumes)
    elif request.split == "test":
        scans = file_cases(request.data, TEST_VOLUMES)
    else:
        scans = labelled_cases(volumes, request.split)
    return itertools.chain(slab_cases(volumes, request.split), scans)


def _measure(
    stacks: Sequence[ColoredStack],
    statistics: ColorStatistics,
    progress: Callable[[str], None],
) -> Results:
    scores: list[Scores] = []
    for stack in stacks:
        progress(f"{stack.case.name}: measuring")
        scores += score_stack(stack, statistics)
    methods = dict.fromkeys(score.method for score in scores if score.method != TRUTH)
    pairs: list[PairScores] = []
    for method in methods:
        pairs += score_pairs(stacks, method)
    return Results(scores, pairs)


def _kernel(
    stacks: Sequence[ColoredStack], features: Features
) -> dict[str, dict[str, KernelDistance]]:
    """KID of every method's pictures of the slabs to their photographs, each contrast by itself.

    Together the contrasts would show every photograph three times, and repeated pictures are no
    independent ones: the estimate would not be near 0 for equal sets.
    """
    real: dict[str, np.ndarray] = {}
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for stack in stacks:
        case, pictures = stack.case, stack.pictures
        if case.kind != SLAB:
            continue
        if case.unit not in real:
            real[case.unit] = features(unit_rgb(pictures[TRUTH]))
        for method in pictures:
            if method != TRUTH:
                seen = features(unit_rgb(pictures[method]))
                found.setdefault((method, case.contrast), []).append(seen)
    photographs = np.concatenate(list(real.values())) if real else np.empty((0, 0))
    if len(photographs) < 2:
        return {}
    kernel: dict[str, dict[str, KernelDistance]] = {}
    for (method, contrast), rows in found.items():
        distance = kernel_distance(np.concatenate(rows), photographs)
        kernel.setdefault(method, {})[contrast] = distance
    return kernel


def _uncompared(stacks: Sequence[ColoredStack]) -> Iterator[str]:
    for first, second in itertools.combinations(stacks, 2):
        same = first.case.subject == second.case.subject and first.case.kind == MRI
        if same and not first.same_grid(second):
            yield f"{first.case.name}, {second.case.name}"


def _was_trained_on(card: ModelCard, case: Case) -> bool:
    """Whether the card lists this very file among the training and validation data."""
    if case.path is None:
        return False
    listed = card.details.get("training", {}).get("data", [])
    sums = {entry.get("source_sha256") for entry in listed}
    return hashlib.sha256(case.path.read_bytes()).hexdigest() in sums


def _setting(
    request: Request, card: ModelCard, stacks: Sequence[ColoredStack], minutes: Sequence[float]
) -> Setting:
    made = stacks[0].provenance
    return Setting(
        command=request.command,
        split=request.split,
        model_name=card.name,
        model_version=card.version,
        weights_sha256=card.weights_sha256,
        device=made.device,
        precision=made.precision,
        threads=torch.get_num_threads(),
        software=f"Python {platform.python_version()}, torch {torch.__version__}",
        minutes=minutes[0],
        processor_minutes=minutes[1],
    )
