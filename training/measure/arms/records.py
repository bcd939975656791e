"""The record of an arm: how it was made, and every number of every slice; one JSON file a seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from MRIColorizeLib.files.colors import atomic
from training.checkpoint import FREE, flat_settings
from training.config import TrainConfig
from training.errors import TrainingError

FORMAT = 4
RECORDS = "results"  # within the folder of the runs, or of the report
DIGITS = 4  # significant ones that are kept
# What a number is of: a slice of a case, coloured by a method under a condition. unit: what counts
# as one in the statistics. contrast: of the case, or two of them where contrasts are compared.
KEYS = ["condition", "kind", "unit", "case", "contrast", "method", "slice"]


class RecordError(TrainingError):
    """A record is damaged or of another form."""


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
    """How an arm was measured under a condition.

    split: val or test; data: digest of what was measured; known: volumes that it was trained on.
    """

    split: str
    data: str
    recipe: int
    seconds: float
    known: tuple[str, ...] = ()


def no_scores() -> pd.DataFrame:
    """A table of no numbers: a column for each of KEYS, then measure and value."""
    return pd.DataFrame(columns=[*KEYS, "measure", "value"])


@dataclass(frozen=True, eq=False)
class Record:
    """All that is known of an arm and seed.

    title: of the arm's model; notes: what its card says of its training; where: hardware and
    software that measured. training: None for what came finished. scores: see `no_scores`.
    """

    arm: str
    seed: int
    title: str
    notes: str
    weights: str
    parameters: int
    where: str
    training: Training | None
    conditions: Mapping[str, Measured] = field(default_factory=dict)
    scores: pd.DataFrame = field(default_factory=no_scores)

    def with_condition(self, name: str, measured: Measured, scores: pd.DataFrame) -> Record:
        """The same with a condition's numbers in place of older ones."""
        kept = self.scores[self.scores["condition"] != name]
        new = scores.assign(condition=name)
        return dataclasses.replace(
            self,
            conditions={**self.conditions, name: measured},
            scores=pd.concat([kept, new], ignore_index=True) if len(kept) else new,
        )

    def is_of(self, config: TrainConfig) -> bool:
        """Whether it was trained with these settings.

        A setting that the record does not know had no other value than today's default then.
        """
        if self.training is None:
            return False
        then, now, usual = self.training.settings, learnt(config), learnt(TrainConfig())
        return all(then.get(name, usual[name]) == value for name, value in now.items())


def learnt(config: TrainConfig) -> dict[str, Any]:
    """The settings that change what is learnt, by dotted name, as JSON has them."""
    flat = flat_settings(json.loads(json.dumps(dataclasses.asdict(config))))
    return {name: value for name, value in flat.items() if name not in FREE}


def record_path(folder: Path, arm: str, seed: int) -> Path:
    """Where the record of an arm and seed lies."""
    return folder / f"{arm}-{seed}.json"


def write_record(record: Record, folder: Path) -> None:
    """Write a record, whole or not at all: a row a slice, a column a measure.

    Raises OutputError.
    """
    told = {each.name: getattr(record, each.name) for each in dataclasses.fields(record)}
    told["training"] = record.training and dataclasses.asdict(record.training)
    told["conditions"] = {n: dataclasses.asdict(m) for n, m in record.conditions.items()}
    scores = record.scores.dropna(subset="value")
    scores = scores.assign(value=[float(f"{value:.{DIGITS}g}") for value in scores["value"]])
    wide = scores.pivot(index=KEYS, columns="measure", values="value")
    told["scores"] = {
        "rows": wide.index.tolist(),
        "measures": wide.columns.tolist(),
        "values": json.loads(wide.to_json(orient="values", double_precision=15)),
    }
    with atomic(record_path(folder, record.arm, record.seed)) as temporary:
        text = json.dumps({"format": FORMAT, **told}, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_record(folder: Path, arm: str, seed: int) -> Record | None:
    """Read a record; None where there is none. Raises RecordError when it is damaged."""
    path = record_path(folder, arm, seed)
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if (version := told.pop("format")) != FORMAT:
            raise RecordError(f"{path} is of format {version}, not {FORMAT}; measure it again.")
        parts, training, conditions = (told.pop(n) for n in ("scores", "training", "conditions"))
        rows = pd.MultiIndex.from_tuples(map(tuple, parts["rows"]), names=KEYS)
        wide = pd.DataFrame(parts["values"], rows, parts["measures"], dtype=float)
        scores = wide.rename_axis(columns="measure").stack().dropna().reset_index(name="value")
        return Record(
            **told,
            training=training and Training(**training),
            conditions={name: Measured(**part) for name, part in conditions.items()},
            scores=scores,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path} is no record of an arm: {error!r}; delete it.") from error


def weights_digest(parts: Mapping[str, bytes]) -> str:
    """SHA-256 over named parts."""
    digest = hashlib.sha256()
    for name, part in sorted(parts.items()):
        digest.update(name.encode())
        digest.update(part)
    return digest.hexdigest()
