"""Where a measured MRI comes from and what is not ordinary about it, from the list of sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from training.data.sources import load_sources
from training.evaluate.cases import Case

UNKNOWN = "not listed"
NO_FINDING = "none known"
NO_DISEASE = ("defaced",)  # what may stand in a region's notes and is no disease


@dataclass(frozen=True)
class Origin:
    """source: the public collection, which stands for scanner and site (headers name none).

    finding: a disease or another departure from a healthy adult that the source tells.
    """

    source: str
    finding: str


def origin_of(case: Case) -> Origin:
    """Origin of a case; of MRI that is in no list, nothing is known."""
    if case.synthetic:
        return Origin("made of labels", NO_FINDING)
    return _listed().get(case.name, Origin(UNKNOWN, UNKNOWN))


@cache  # the list ships with the program and does not change
def _listed() -> Mapping[str, Origin]:
    found = {}
    for source in load_sources():
        place = PurePosixPath(source.name)
        notes = [part.strip() for part in source.region.split(",")[1:]]
        disease = [note for note in notes if note not in NO_DISEASE]
        if source.region.startswith("fetal"):
            disease.append("unborn")
        repository = "/".join(source.repository.rstrip("/").split("/")[-2:])
        name = place.name.removesuffix(".gz")
        found[PurePosixPath(name).stem] = Origin(repository, ", ".join(disease) or NO_FINDING)
    return found
