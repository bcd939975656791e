"""The `SampleData` module: registers sources and loads those that lie on this machine.

Nothing is ever downloaded: a source whose address is not a `file:` one is refused.
"""

from __future__ import annotations

import hashlib
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer

_COLUMNS = ("fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes")
_SINGLES = ("customDownloader", "thumbnailFileName", "loadFileProperties", "sampleDescription")


class SampleDataSource:
    """One data set: parallel lists of addresses, names and checksums, as SampleData keeps them."""

    def __init__(self, sampleName: str = "", uris: Any = (), **given: Any) -> None:
        unknown = set(given) - set(_COLUMNS) - set(_SINGLES)
        if unknown:
            raise TypeError(f"SampleDataSource has no {sorted(unknown)}")
        self.sampleName, self.uris = sampleName, _listed(uris)
        for key in _COLUMNS:
            column = _listed(given.get(key))
            column = column * len(self.uris) if column == [None] else column
            if len(column) != len(self.uris):
                raise ValueError(f"{key} and uris differ in length")
            setattr(self, key, column)
        for key in _SINGLES:
            setattr(self, key, given.get(key))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SampleDataSource) and vars(self) == vars(other)


class SampleDataLogic:
    """Registration and loading, by the names that modules call."""

    def __init__(self, logMessage: Callable[..., None] | None = None) -> None:
        self.logMessage = logMessage

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        slicer.modules.sampleDataSources.setdefault(category, [])

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **given: Any) -> None:
        source = SampleDataSource(**given)
        sources = slicer.modules.sampleDataSources.setdefault(category, [])
        if source not in sources:
            sources.append(source)

    def sourceForSampleName(self, sampleName: str) -> Any:
        every = (s for group in slicer.modules.sampleDataSources.values() for s in group)
        return next((s for s in every if s.sampleName == sampleName), None)

    def downloadSample(self, sampleName: str) -> Any:
        return self.downloadFromSource(self.sourceForSampleName(sampleName))[0]

    def downloadFromURL(self, uris: Any = None, **given: Any) -> list[Any]:
        return self.downloadFromSource(SampleDataSource("", uris, **given))

    def downloadFromSource(self, source: Any, **_options: Any) -> list[Any]:
        """Return the loaded nodes, or file paths for what is not to be loaded."""
        if source.customDownloader is not None:
            return _listed(source.customDownloader(source))
        results: list[Any] = []
        for index, address in enumerate(source.uris):
            path = _local_path(address)
            _check(path, source.checksums[index])
            if source.loadFiles[index] is False:
                results.append(str(path))
                continue
            name = source.nodeNames[index] or path.name.split(".")[0]
            properties = {**(source.loadFileProperties or {}), "name": name}
            results.append(slicer.util.loadVolume(str(path), properties))
        return results


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _local_path(address: str) -> Path:
    parts = urllib.parse.urlparse(address)
    if parts.scheme != "file":
        raise RuntimeError(f"the test host downloads nothing: {address}")
    return Path(urllib.request.url2pathname(parts.path))


def _check(path: Path, checksum: str | None) -> None:
    if checksum:
        algorithm, _, digest = checksum.partition(":")
        if hashlib.new(algorithm, path.read_bytes()).hexdigest() != digest.lower():
            raise ValueError(f"{path.name} does not match its checksum")


def build() -> ModuleType:
    """Return the module that `import SampleData` shall give."""
    module = ModuleType("SampleData", "Sample data (test host)")
    for item in (SampleDataLogic, SampleDataSource):
        setattr(module, item.__name__, item)
    return module
