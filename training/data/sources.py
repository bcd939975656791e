"""The list of public source files: sources.toml, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from training.errors import TrainingError

SOURCES = Path(__file__).with_name("sources.toml")


class SourceError(TrainingError):
    """A source file cannot be had or is not the one that is listed."""


@dataclass(frozen=True)
class NotebookImage:
    """A picture embedded in an HTML page, cropped and stored as PNG.

    sha256: of the page. image: number of the embedded PNG, from 0. crop: left, top, right, bottom
    in pixels.
    """

    sha256: str
    image: int
    crop: tuple[int, int, int, int]


@dataclass(frozen=True)
class DicomSeries:
    """Numbered DICOM files, converted to NIfTI. sha256: of all files one after the other."""

    sha256: str
    count: int


Recipe = NotebookImage | DicomSeries


@dataclass(frozen=True)
class Source:
    """One [[file]] of sources.toml.

    name: its place below the data folder. repository, commit, path: where it lies on GitHub; with
    a recipe, where that which it is made from lies. bytes, sha256: of the file itself. region: what
    it shows, such as "brain" or "brain, chronic stroke".
    """

    name: str
    repository: str
    commit: str
    path: str
    licence: str
    bytes: int
    sha256: str
    recipe: Recipe | None = None
    region: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that has to be downloaded."""
        if isinstance(self.recipe, DicomSeries):
            return tuple(self.path.format(number + 1) for number in range(self.recipe.count))
        return (self.path,)


def load_sources(path: Path = SOURCES) -> list[Source]:
    """Read a list of sources. Raises SourceError when it is missing or malformed."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["file"]
        return [_source(table) for table in tables]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{path} is no list of sources: {error!r}.") from error


def choose(sources: Sequence[Source], names: Sequence[str]) -> list[Source]:
    """The sources of these names, `mri/*` for a whole folder; all of them without names.

    Raises SourceError for a name that nothing has.
    """
    for name in names:
        if not any(fnmatchcase(source.name, name) for source in sources):
            raise SourceError(f"No source is called {name}; the names are in {SOURCES.name}.")
    if not names:
        return list(sources)
    return [one for one in sources if any(fnmatchcase(one.name, name) for name in names)]


def _source(table: dict[str, Any]) -> Source:
    name = str(table["name"])
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{name} leaves the data folder")
    recipe: Recipe | None = None
    if "notebook_image" in table:
        made = table["notebook_image"]
        left, top, right, bottom = (int(edge) for edge in made["crop"])
        recipe = NotebookImage(str(made["sha256"]), int(made["image"]), (left, top, right, bottom))
    elif "dicom_series" in table:
        made = table["dicom_series"]
        recipe = DicomSeries(str(made["sha256"]), int(made["count"]))
    return Source(
        name=name,
        repository=str(table["repository"]),
        commit=str(table["commit"]),
        path=str(table["path"]),
        licence=str(table["licence"]),
        bytes=int(table["bytes"]),
        sha256=str(table["sha256"]),
        recipe=recipe,
        region=str(table.get("region", "")),
    )
