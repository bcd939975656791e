"""What a measured MRI shows and what is not ordinary about it, from the list of sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from training.data.sources import Source, load_sources

if TYPE_CHECKING:
    from training.measure.cases.cases import Case

UNKNOWN = "not listed"
NO_FINDING = "none known"
NO_DISEASE = ("defaced",)  # what may stand in a region's notes and is no disease


def finding_of(case: Case) -> str:
    """A disease or another departure from a healthy adult that the list of sources tells."""
    if case.synthetic:
        return NO_FINDING
    source = _listed().get(case.name)
    if source is None:
        return UNKNOWN
    notes = [part.strip() for part in source.region.split(",")[1:]]
    disease = [note for note in notes if note not in NO_DISEASE]
    if source.region.startswith("fetal"):
        disease.append("unborn")
    return ", ".join(disease) or NO_FINDING


def region_of_source(name: str) -> str:
    """What the list says that a volume shows ("fetal brain atlas"); empty when it is in no list."""
    source = _listed().get(name)
    return source.region if source else ""


@cache  # the list ships with the program and does not change
def _listed() -> Mapping[str, Source]:
    names = (PurePosixPath(source.name).name.removesuffix(".gz") for source in load_sources())
    return {PurePosixPath(n).stem: source for n, source in zip(names, load_sources(), strict=True)}
