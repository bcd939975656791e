"""Brings the public source files into the data folder that `prepare` reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from training.data.derived import derive
from training.data.download import UnreachableError, download, sha256_of
from training.data.sources import SOURCES, Recipe, Source, SourceError, choose, load_sources

HOST = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Fetched:
    """How many files were there already, came from a local folder, or were downloaded."""

    kept: int
    copied: int
    downloaded: int


def fetch(
    out: Path,
    names: Sequence[str] = (),
    folders: Sequence[Path] = (),
    host: str = HOST,
    manifest: Path = SOURCES,
    report: Callable[[str], None] = print,
) -> Fetched:
    """Bring the listed files into `out`, each whole and checked by SHA-256, and a copy of the list.

    names: which of them, all by default. folders: where to look for the same bytes, under any name,
    before downloading. host: address of GitHub's raw files. A file that is there and right is left
    alone. Raises SourceError when a file cannot be had, after all others were tried.
    """
    sources = choose(load_sources(manifest), names)
    local = _files_by_size(folders)
    out.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(("kept", "copied", "downloaded"), 0)
    failed: list[str] = []
    for number, source in enumerate(sources, start=1):
        try:
            how = _bring(source, out / source.name, local.get(source.bytes, []), host)
        except UnreachableError:
            raise
        except SourceError as error:
            failed.append(f"{source.name}: {error}")
            report(f"[{number}/{len(sources)}] {source.name} could not be had")
            continue
        except OSError as error:
            raise SourceError(
                f"{out / source.name} cannot be written: {error.strerror}."
            ) from error
        counts[how] += 1
        report(f"[{number}/{len(sources)}] {source.name} {how}")
    _replace_by_copy(manifest, out / SOURCES.name)
    if failed:
        raise SourceError(f"{len(failed)} of {len(sources)} files are missing. " + " ".join(failed))
    return Fetched(**counts)


def is_right(path: Path, source: Source) -> bool:
    """Whether a file is, byte for byte, the listed one."""
    return (
        path.is_file() and path.stat().st_size == source.bytes and sha256_of(path) == source.sha256
    )


def _bring(source: Source, path: Path, candidates: Sequence[Path], host: str) -> str:
    """Put one file in its place; says how."""
    if is_right(path, source):
        return "kept"
    path.parent.mkdir(parents=True, exist_ok=True)
    for candidate in candidates:
        if is_right(candidate, source):
            _replace_by_copy(candidate, path)
            return "copied"
    if source.recipe is None:
        download(_address(source, source.path, host), path, source.sha256)
    else:
        _make(source, source.recipe, path, host)
    return "downloaded"


def _make(source: Source, recipe: Recipe, path: Path, host: str) -> None:
    """Download what a derived file is made from, make it, and check it."""
    folder = path.with_name(f".{path.name}.inputs")
    inputs = [folder / PurePosixPath(remote).name for remote in source.paths]
    for remote, target in zip(source.paths, inputs, strict=True):
        if not target.exists():
            download(_address(source, remote, host), target)
    made = folder / f"made-{path.name}"  # its suffix says which format is to be written
    try:
        derive(recipe, inputs, made)
        if not is_right(made, source):
            raise SourceError(
                "its recipe gave other bytes than listed, as another version of Pillow or "
                "SimpleITK may; give the file with --from, or use the versions of constraints.txt."
            )
        made.replace(path)
    finally:
        shutil.rmtree(folder)


def _address(source: Source, path: str, host: str) -> str:
    return f"{host}{urlsplit(source.repository).path}/{source.commit}/{quote(path)}"


def _files_by_size(folders: Sequence[Path]) -> dict[int, list[Path]]:
    """Every file below the folders, by its size in bytes: only equal sizes are worth a checksum."""
    found: dict[int, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SourceError(f"{folder} is no folder; --from takes one that holds source files.")
        for directory, _, names in os.walk(folder, followlinks=True):
            for path in (Path(directory, name) for name in sorted(names)):
                if path.is_file():
                    found.setdefault(path.stat().st_size, []).append(path)
    return found


def _replace_by_copy(source: Path, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
