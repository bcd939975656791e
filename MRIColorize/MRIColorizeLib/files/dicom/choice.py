"""The volumes of a folder of DICOM as a person sees them: listed, chosen, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..kinds import IMAGE_SUFFIXES, suffix
from .series import DICOM_SUFFIXES

# Series and files named in a sentence; `--list` shows them all.
NAMED = 6


@dataclass(frozen=True)
class Series:
    """A volume of a folder of DICOM, to be chosen.

    number: as `--series` takes it; "4.2" is the second volume of series 4. size: (I, J, K) and
    spacing in mm, () where the volume could not be made. fault: why it cannot be read, ""; doubt:
    why it is no scan, which is read only when it is asked for, "". notes: what has to be told of
    it. files: of the whole series; part: which of its volumes, from 0.
    """

    number: str
    description: str
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    modality: str
    image_type: tuple[str, ...]
    fault: str
    doubt: str
    notes: tuple[str, ...]
    files: tuple[Path, ...]
    part: int

    @property
    def reason(self) -> str:
        """Why it is not coloured by itself; "" for a scan."""
        return self.fault or self.doubt

    @property
    def label(self) -> str:
        """Number and description, for names of results."""
        return f"{self.number} {self.description}"

    def __str__(self) -> str:
        size = f", {'x'.join(map(str, self.size))}" if self.size else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.number} '{self.description}'{size}{reason}"


@dataclass(frozen=True)
class Listing:
    """The volumes below a folder in the order of their numbers, and files that are none of them."""

    series: tuple[Series, ...]
    left_out: tuple[tuple[Path, str], ...]


def choose(source: Path, listing: Listing, wanted: str | None) -> Series:
    """The largest volume that can be used, of all or of those wanted; the first of equal ones.

    Raises InputError when there is none.
    """
    series = listing.series
    if not series:
        raise InputError(
            f"{source} holds no DICOM images; give the folder that does, or files."
            f"{_others(source)}{_told_files(listing.left_out)}"
        )
    if wanted is not None:
        matches = _matches(series, wanted)
        if not matches:
            raise InputError(f"{source} has no series {wanted!r}; it has {_names(series)}.")
        usable = [one for one in matches if not one.fault]
        if not usable:
            raise InputError(refusal(source, matches[0]))
        if len({one.number.partition(".")[0] for one in matches}) > 1:
            raise InputError(
                f"Several series of {source} are called {wanted!r}: {_names(matches)}; give a "
                "number."
            )
    else:
        usable = [one for one in series if not one.reason]
        if not usable:
            raise InputError(why_none(source, listing))
    return max(usable, key=lambda one: int(np.prod(one.size)))


def why_none(source: Path, listing: Listing) -> str:
    """A sentence on a listing in which nothing is coloured by itself."""
    if len(listing.series) == 1:
        return refusal(source, listing.series[0]) + _told_files(listing.left_out)
    return (
        f"{source} holds no MR scan that can be coloured, but {_names(listing.series)}."
        f"{_hint(listing.series)}{_told_files(listing.left_out)}"
    )


def told_of_others(source: Path, listing: Listing, chosen: Sequence[Series]) -> list[str]:
    """Sentences on what is not coloured: other series, and files that cannot be read."""
    others = [one for one in listing.series if one not in chosen]
    told = []
    if others:
        told.append(
            f"{source} holds {len(listing.series)} volumes; coloured is {_names(chosen)}; not "
            f"{_names(others)}."
        )
    if listing.left_out:
        told.append(f"{source}:{_told_files(listing.left_out)}")
    return told


def table(folder: Path, listing: Listing) -> list[str]:
    """Lines for a person: of each volume number, description, size, spacing and remarks."""
    rows = [("number", "description", "size", "spacing in mm", "remarks")]
    for one in listing.series:
        size = "x".join(map(str, one.size))
        spacing = "x".join(f"{step:.2f}" for step in one.spacing)
        told = [*one.notes]
        if one.fault:
            told.insert(0, f"cannot be used: {one.fault}")
        elif one.doubt:
            told.insert(0, f"used only when asked for: {one.doubt}")
        rows.append((one.number, one.description, size, spacing, "; ".join(told)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if not listing.series:
        lines = [f"{folder} holds no DICOM images."]
    return [*lines, *(f"Left out: {path} ({reason})" for path, reason in listing.left_out)]


def _matches(series: Sequence[Series], wanted: str) -> list[Series]:
    """By number, else by description, else by a part of it."""
    word = wanted.strip().casefold()
    for fits in (
        lambda one: word in (one.number, one.number.partition(".")[0]),
        lambda one: one.description.casefold() == word,
        lambda one: word in one.description.casefold(),
    ):
        if found := [one for one in series if word and fits(one)]:
            return found
    return []


def refusal(source: Path, series: Series) -> str:
    """A sentence on why a volume is not coloured."""
    if series.fault:
        return f"{source} cannot be coloured: {series}."
    return f"{source} is not coloured by itself: {series}.{_hint([series])}"


def _hint(series: Sequence[Series]) -> str:
    readable = [one for one in series if not one.fault]
    return f" --series {readable[0].number} colours it all the same." if readable else ""


def _names(series: Sequence[Series]) -> str:
    more = f"; and {len(series) - NAMED} more" if len(series) > NAMED else ""
    return "; ".join(map(str, series[:NAMED])) + more


def _told_files(left_out: Sequence[tuple[Path, str]]) -> str:
    """A sentence that names files and why they are left out; "" when there are none."""
    if not left_out:
        return ""
    more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
    named = ", ".join(f"{path.name} ({reason})" for path, reason in left_out[:NAMED])
    return f" Left out: {named}{more}."


def _others(folder: Path) -> str:
    """What to do with a folder of image files of another kind; "" when there are none."""
    if not folder.is_dir():
        return ""
    kinds = {ending for ending in IMAGE_SUFFIXES if ending not in DICOM_SUFFIXES}
    count = sum(suffix(path) in kinds for path in folder.iterdir() if path.is_file())
    if not count:
        return ""
    return f" It holds {count} other image files: `mri-colorize batch` colours all of a folder."
