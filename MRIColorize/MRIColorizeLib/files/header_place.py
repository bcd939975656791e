"""The place of an NRRD or MetaImage where its header leaves it open, or ITK reads it otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

# Spaces of the patient, by both their names (teem's format definition). ITK turns the first three
# into its own space; those with a time it leaves as they are, as if they were left, posterior,
# superior. The signs lead from there to right, anterior, superior.
AS_ITK = (1.0, 1.0, 1.0)
SPACES: Mapping[str, tuple[float, float, float]] = {
    "right-anterior-superior": AS_ITK,
    "ras": AS_ITK,
    "left-anterior-superior": AS_ITK,
    "las": AS_ITK,
    "left-posterior-superior": AS_ITK,
    "lps": AS_ITK,
    "right-anterior-superior-time": (-1.0, -1.0, 1.0),
    "rast": (-1.0, -1.0, 1.0),
    "left-anterior-superior-time": (1.0, -1.0, 1.0),
    "last": (1.0, -1.0, 1.0),
    "left-posterior-superior-time": AS_ITK,
    "lpst": AS_ITK,
}
# Names of lengths that are no millimetres; ITK and Slicer read none.
OTHER_LENGTHS = re.compile(
    r"([nuµμc]?m|microns?|(nano|micro|centi)?met(er|re)s?|in|inch|inches|feet|foot)"
)
ASSUMED = "its axes are taken to lead left, back and up, as ITK does; check left and right"


@dataclass(frozen=True)
class TextPlace:
    """turn: signs of right, anterior, superior that ITK's reading lacks; untold: what to warn of.

    untold is "" when the header says all.
    """

    turn: tuple[float, float, float] = AS_ITK
    untold: str = ""


def nrrd_place(path: Path, fields: Mapping[str, str]) -> TextPlace:
    """What an NRRD's fields (small letters, no blanks in the names) leave open.

    Raises InputError for numbers that are none, which ITK would take for 1 mm, and for other
    lengths than millimetres. Raises ValueError for what is no number at all.
    """
    _check_lengths(path, fields)
    axes = min(3, int(fields["dimension"]))
    space = fields.get("space", "").lower()
    if "spacedirections" in fields:
        vectors = re.findall(r"\(([^)]*)\)", fields["spacedirections"])
        known = sum(_is_finite(vector.split(",")) for vector in vectors)
    else:
        known = sum(_is_finite([word]) for word in fields.get("spacings", "1 1 1").split())
    if known < axes:
        raise InputError(
            f"{path} has a spacing or direction that is not a number; correct its header."
        )
    if "spacedirections" in fields and space in SPACES:
        return TextPlace(SPACES[space])
    if "spacedirections" in fields:
        named = f"it names the space {space!r}" if space else "it names no space"
        return TextPlace(untold=f"does not say how it lies in the patient ({named}): {ASSUMED}")
    return TextPlace(untold=_untold("spacings" in fields))


def meta_place(fields: Mapping[str, str]) -> TextPlace:
    """What a MetaImage's fields leave open."""
    sized = "ElementSpacing" in fields or "ElementSize" in fields
    if sized and any(key in fields for key in ("TransformMatrix", "Rotation", "Orientation")):
        return TextPlace()
    return TextPlace(untold=_untold(sized))


def _untold(sized: bool) -> str:
    if sized:
        return f"does not say how it lies in the patient: {ASSUMED}"
    return f"does not say how large its voxels are: they are taken as 1 mm, and {ASSUMED}"


def _check_lengths(path: Path, fields: Mapping[str, str]) -> None:
    for key in ("spaceunits", "units"):
        for unit in re.findall(r'"([^"]*)"', fields.get(key, "")):
            if OTHER_LENGTHS.fullmatch(unit.strip().lower()):
                raise InputError(
                    f"{path} gives its lengths in {unit!r}, which ITK and Slicer take for mm; "
                    "write it in mm."
                )


def _is_finite(words: list[str]) -> bool:
    return all(math.isfinite(float(word)) for word in words)
