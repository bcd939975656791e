"""What is compared with what: arms, comparisons, and the manifest of the experiments."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.config import CONFIGS, TrainConfig
from training.errors import TrainingError
from training.measure.colorings.conditions import CONDITIONS
from training.settings import load_config

FOLDER = CONFIGS / "experiments"
MANIFEST = FOLDER / "manifest.toml"
LEAST_SAMPLES = 20_000  # of a trained arm; fewer would compare how fast arms begin


class ManifestError(TrainingError):
    """The manifest contradicts itself; the message says where."""


@dataclass(frozen=True)
class Arm:
    """One row of a table.

    config: file of a training's settings, None when nothing is trained. model: name or folder of a
    model that is measured as it is. trivial: whether the trivial colourings and the truth, the same
    for all arms, are measured with it. absent: why there is nothing to measure, unless somebody
    gives the system's pictures.
    """

    name: str
    title: str
    config: Path | None = None
    model: str | None = None
    trivial: bool = False
    absent: str | None = None

    def settings(self, seed: int) -> TrainConfig:
        """The arm's settings with a seed of its own. Raises ConfigError, ManifestError."""
        if self.config is None:
            raise ManifestError(f"The arm {self.name} is not trained, so it has no settings.")
        return load_config(self.config, [f"seed={seed}"])


@dataclass(frozen=True)
class Comparison:
    """Arms that are compared: the same budget for each, the same conditions of measurement.

    reference: the arm that the others are tested against. seeds: of every trained arm.
    """

    name: str
    title: str
    question: str
    reference: str
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One training, or one finished model, with all conditions that any comparison asks of it."""

    arm: Arm
    seed: int
    conditions: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.arm.name}-{self.seed}"


@dataclass(frozen=True)
class Manifest:
    """All arms by name, and the comparisons in the order in which they are to be run."""

    arms: Mapping[str, Arm]
    comparisons: tuple[Comparison, ...]

    def with_model(self, folder: Path) -> Manifest:
        """The same with a finished model as one more arm of each comparison, named as its folder.

        Raises ManifestError where an arm has that name.
        """
        name = folder.resolve().name
        if name in self.arms:
            raise ManifestError(f"There is an arm {name!r} already; give the folder another name.")
        arm = Arm(name, "a finished model", model=str(folder))
        comparisons = (replace(c, arms=(*c.arms, name)) for c in self.comparisons)
        return Manifest({**self.arms, name: arm}, tuple(comparisons))

    def jobs(self, only: Sequence[str] = ()) -> list[Job]:
        """What there is to run, in order, each once; seed by seed, so that the first is whole.

        only: names of comparisons or arms. Raises ManifestError for a name that neither has.
        """
        names = {c.name for c in self.comparisons} | set(self.arms)
        for name in only:
            if name not in names:
                raise ManifestError(
                    f"There is no comparison and no arm {name!r}; --list shows what there is."
                )
        wanted: dict[tuple[str, int], dict[str, None]] = {}
        for comparison in self.comparisons:
            for seed in comparison.seeds:
                for name in comparison.arms:
                    arm = self.arms[name]
                    key = (name, seed if arm.config else 0)
                    if not only or name in only or comparison.name in only:
                        wanted.setdefault(key, {}).update(dict.fromkeys(comparison.conditions))
        return [Job(self.arms[name], seed, tuple(c)) for (name, seed), c in wanted.items()]


def read_manifest(path: Path = MANIFEST) -> Manifest:
    """Read and check a manifest. Raises ManifestError, ConfigError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        arms = {name: _arm(name, table, path.parent) for name, table in data["arms"].items()}
        comparisons = tuple(_comparison(table) for table in data["comparison"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"{path} is no manifest of experiments: {error!r}.") from error
    for comparison in comparisons:
        _check(comparison, arms)
    return Manifest(arms, comparisons)


def samples_of(config: TrainConfig) -> int:
    """Slices that a training sees, when all its crops have one size. Raises ManifestError."""
    if len(config.slices.crops) != 1:
        raise ManifestError(f"{config.name}: arms have one size of crops, or budgets differ.")
    area = config.slices.crops[0] ** 2
    half = round(config.pixels * config.unpaired / 2)
    paired = max(2, (config.pixels - 2 * half) // area) if config.unpaired < 1 else 0
    each = max(2, half // area) if config.unpaired > 0 else 0
    return config.steps * (paired + 2 * each)


def _arm(name: str, table: str | Mapping[str, Any], folder: Path) -> Arm:
    """A title alone stands for a training whose settings lie in NAME.toml."""
    if isinstance(table, str):
        return Arm(name, table, config=folder / f"{name}.toml")
    return Arm(name, config=None, **table)


def _comparison(table: Mapping[str, Any]) -> Comparison:
    return Comparison(
        name=str(table["name"]),
        title=str(table["title"]),
        question=str(table["question"]),
        reference=str(table["reference"]),
        arms=tuple(table["arms"]),
        seeds=tuple(table["seeds"]),
        conditions=tuple(table["conditions"]),
    )


def _check(comparison: Comparison, arms: Mapping[str, Arm]) -> None:
    """Every name is known, and every trained arm has the same budget."""
    where = f"comparison {comparison.name!r}"
    for name in (*comparison.arms, comparison.reference):
        if name not in arms:
            raise ManifestError(f"The {where} names an arm {name!r} that [arms] lacks.")
    for name in comparison.conditions:
        if name not in CONDITIONS:
            raise ManifestError(f"The {where} names a condition {name!r} that nobody defined.")
    budgets = {
        name: samples_of(arms[name].settings(1)) for name in comparison.arms if arms[name].config
    }
    if len(set(budgets.values())) > 1:
        raise ManifestError(f"The {where} compares unequal budgets: {budgets} samples.")
    if budgets and min(budgets.values()) < LEAST_SAMPLES:
        raise ManifestError(f"The {where} trains on fewer than {LEAST_SAMPLES} samples.")
