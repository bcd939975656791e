"""Whether a result is still the one that would be made: its input, model and options, on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..files.discovery import files_of
from ..files.writing import Wanted
from ..network.card import ModelCard
from ..options import DEFAULTS, OPTIONS, ColorizeOptions
from ..staging import atomic

CHUNK = 1 << 20


@dataclass(frozen=True)
class Recipe:
    """All that decides a result beside its input.

    options: those that decide the voxels, by their names; an array by its SHA-256. mask: SHA-256 of
    its files, "" for none.
    """

    model: str
    model_version: str
    weights_sha256: str
    options: Mapping[str, Any]
    mask: str
    ending: str
    tissue: bool
    rendering: bool | None


@dataclass(frozen=True)
class InputState:
    """What an input was: SHA-256 of its files' names, sizes and times, and of their content."""

    listing: str
    content: str


@dataclass(frozen=True)
class Finished:
    """A result that was written whole.

    outputs: file names in its folder and their bytes, the colours first. run: the call that made
    it. worker: the process that did. notes: the engine's warnings.
    """

    source: InputState
    recipe: Recipe
    outputs: tuple[tuple[str, int], ...]
    slices: int
    seconds: float
    run: str
    worker: str
    software: str = __version__
    notes: str = ""


def recipe_of(
    card: ModelCard, options: ColorizeOptions, wanted: Wanted, ending: str, mask: Path | None
) -> Recipe:
    """The recipe of a run. Raises InputError when the mask cannot be read."""
    try:
        mask_content = "" if mask is None else hash_content(files_of(mask))
    except OSError as error:
        raise InputError(f"{mask} cannot be opened ({error.strerror}); check it.") from error
    return Recipe(
        model=card.name,
        model_version=card.version,
        weights_sha256=card.weights_sha256,
        options=_deciding(options),
        mask=mask_content,
        ending=ending,
        tissue=wanted.tissue,
        rendering=wanted.rendering,
    )


def _deciding(options: ColorizeOptions) -> dict[str, Any]:
    """The options that a result depends on: numbers, words, "" for none."""
    return {
        name: _plain(getattr(options, name)) for name, known in OPTIONS.items() if known.decides
    }


def _plain(value: Any) -> Any:
    """A value as JSON holds it, an array by its SHA-256."""
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest()
    return "" if value is None else value


def look_at(source: Path, part: Sequence[Path] = ()) -> InputState:
    """The state of an input now; reads it through. Raises OSError when it cannot be read.

    part: those of its files that are meant; all when there are none.
    """
    files = part or files_of(source)
    return InputState(hash_listing(files), hash_content(files))


def hash_listing(files: Sequence[Path]) -> str:
    """SHA-256 of names, sizes and times of change."""
    stats = [(path.name, path.stat()) for path in files]
    lines = [f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}" for name, stat in stats]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def hash_content(files: Sequence[Path]) -> str:
    """SHA-256 of the files' names and content."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def write_finished(path: Path, finished: Finished) -> None:
    """Keep what is known of a result. Raises OutputError."""
    told = asdict(finished)
    told["recipe"] |= told["recipe"].pop("options")
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(told, indent=1), encoding="utf-8")


def read_finished(path: Path) -> Finished | None:
    """What is known of a result; None when nothing is, or nothing that can be understood."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        told["source"] = InputState(**told["source"])
        told["recipe"] = _recipe(told["recipe"])
        told["outputs"] = tuple((str(name), int(size)) for name, size in told["outputs"])
        return Finished(**told)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _recipe(told: dict[str, Any]) -> Recipe:
    """A recipe from JSON; a version that lacked an option did as its default, or `before`, says."""
    options = {}
    for name, usual in _deciding(DEFAULTS).items():
        before = OPTIONS[name].before
        options[name] = told.pop(name, usual if before is None else before)
    return Recipe(options=options, **told)


def still_holds(
    finished: Finished, source: Path, folder: Path, recipe: Recipe, part: Sequence[Path] = ()
) -> bool:
    """Whether a result is there, whole, and what this recipe would make of this input.

    part: as for `look_at`.

    A file whose time alone has changed is read to see whether its content has.
    """
    if finished.recipe != recipe or not outputs_exist(finished, folder):
        return False
    try:
        files = part or files_of(source)
        if hash_listing(files) == finished.source.listing:
            return True
        return hash_content(files) == finished.source.content
    except OSError:
        return False


def outputs_exist(finished: Finished, folder: Path) -> bool:
    """Whether every file of a result is there with its size."""
    try:
        sizes = [(folder / name).stat().st_size for name, _ in finished.outputs]
    except OSError:
        return False
    return sizes == [size for _, size in finished.outputs]
