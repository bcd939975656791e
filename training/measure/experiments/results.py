"""What an arm was found to be: every number of every slice, one JSON file an arm and seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from MRIColorizeLib.files.colors import atomic
from training.checkpoint import FREE, flat_settings
from training.config import TrainConfig
from training.errors import TrainingError

FORMAT = 3
RESULTS = "results"  # within the folder of the runs
DIGITS = 4  # significant ones that are kept


class ResultError(TrainingError):
    """A result file is damaged or of another form."""


@dataclass(frozen=True)
class Series:
    """One measure of one colouring of one case: values (S,), NaN where a slice has none.

    kind: slab or MRI. unit: what counts as one in the statistics. contrast: of the case, or two of
    them where contrasts are compared.
    """

    kind: str
    unit: str
    case: str
    contrast: str
    method: str
    measure: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Training:
    """How an arm was trained. settings: every one, by its dotted name; segnet: its checksum."""

    settings: Mapping[str, Any]
    steps: int
    samples: int
    seconds: float
    hardware: str
    segnet: str | None = None


@dataclass(frozen=True)
class Measured:
    """An arm under one condition. split: val or test; data: digest of the prepared data."""

    split: str
    data: str
    recipe: int
    seconds: float
    series: tuple[Series, ...]


@dataclass(frozen=True)
class ArmResult:
    """All that is known of an arm and seed; training is None for a model that came finished."""

    arm: str
    seed: int
    weights: str
    parameters: int
    data: str
    software: str
    training: Training | None
    conditions: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Of the settings that change what is learnt, or of the weights where none are known."""
        return fingerprint(self.training.settings) if self.training else self.weights

    def is_of(self, config: TrainConfig) -> bool:
        """Whether it was trained with these settings.

        A setting that the result does not know had no other value than today's default then.
        """
        if self.training is None:
            return False
        then, now, usual = self.training.settings, learnt(config), learnt(TrainConfig())
        return all(then.get(name, usual[name]) == value for name, value in now.items())


def learnt(config: TrainConfig) -> dict[str, Any]:
    """The settings that change what is learnt, by dotted name, as JSON has them."""
    flat = flat_settings(json.loads(json.dumps(dataclasses.asdict(config))))
    return {name: value for name, value in flat.items() if name not in FREE}


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Sixteen characters of SHA-256 over settings."""
    text = json.dumps(dict(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def result_path(folder: Path, arm: str, seed: int) -> Path:
    """Where the result of an arm and seed lies."""
    return folder / f"{arm}-{seed}.json"


def write_result(result: ArmResult, folder: Path) -> None:
    """Write a result, whole or not at all. Raises OutputError."""
    told = {
        "format": FORMAT,
        "arm": result.arm,
        "seed": result.seed,
        "fingerprint": result.fingerprint,
        "weights": result.weights,
        "parameters": result.parameters,
        "data": result.data,
        "software": result.software,
        "training": None if result.training is None else dataclasses.asdict(result.training),
        "conditions": {name: _condition(part) for name, part in result.conditions.items()},
    }
    with atomic(result_path(folder, result.arm, result.seed)) as temporary:
        temporary.write_text(json.dumps(told, allow_nan=False) + "\n", encoding="utf-8")


def read_result(folder: Path, arm: str, seed: int) -> ArmResult | None:
    """Read a result; None where there is none. Raises ResultError when it is damaged."""
    path = result_path(folder, arm, seed)
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ResultError(f"{path} is of format {told['format']}, not {FORMAT}; run it again.")
        training = told["training"]
        return ArmResult(
            arm=told["arm"],
            seed=told["seed"],
            weights=told["weights"],
            parameters=told["parameters"],
            data=told["data"],
            software=told["software"],
            training=None if training is None else Training(**training),
            conditions={name: _measured(part) for name, part in told["conditions"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{path} is no result of an arm: {error!r}; delete it.") from error


def rounded(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """Values with as many digits as are kept."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def _condition(measured: Measured) -> dict[str, Any]:
    """A table for all colourings that have the same measures, so that their names stand once."""
    colorings: dict[tuple[str, ...], dict[str, list[float | None]]] = {}
    for one in measured.series:
        where = (one.kind, one.unit, one.case, one.contrast, one.method)
        colorings.setdefault(where, {})[one.measure] = _numbers(one.values)
    tables: dict[tuple[str, ...], list[list[Any]]] = {}
    for coloring, values in colorings.items():
        tables.setdefault(tuple(values), []).append([*coloring, *values.values()])
    return {
        "split": measured.split,
        "data": measured.data,
        "recipe": measured.recipe,
        "seconds": round(measured.seconds, 1),
        "tables": [{"measures": names, "rows": rows} for names, rows in tables.items()],
    }


def _measured(part: Mapping[str, Any]) -> Measured:
    series = []
    for table in part["tables"]:
        for kind, unit, case, contrast, method, *found in table["rows"]:
            for measure, numbers in zip(table["measures"], found, strict=True):
                values = tuple(math.nan if value is None else value for value in numbers)
                series.append(Series(kind, unit, case, contrast, method, measure, values))
    return Measured(part["split"], part["data"], part["recipe"], part["seconds"], tuple(series))


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]
