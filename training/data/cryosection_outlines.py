"""Hand-drawn outlines and colour rules of the cryosections: read from TOML, drawn as masks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.draw import polygon2mask

from training.errors import TrainingError

PHOTOGRAPHS_TOML = Path(__file__).with_name("outlines.toml")
STACK_TOML = Path(__file__).with_name("outlines_stack.toml")

Polygons = tuple[np.ndarray, ...]


class OutlineError(TrainingError):
    """An outlines file is missing something or holds something that is no outline."""


@dataclass(frozen=True)
class ColourRules:
    """Thresholds in CIELAB of one film: lightness L* and redness a*.

    Below `dark_lightness` is blood or void; below `muscle_lightness` and above `muscle_redness`
    is muscle; above `fat_lightness` is fat; bone redder than `marrow_redness` is red marrow;
    brain darker than `csf_lightness` is fluid, and white matter has L* - a* above `white_floor`.
    """

    dark_lightness: float
    muscle_lightness: float
    muscle_redness: float
    fat_lightness: float
    marrow_redness: float
    csf_lightness: float
    white_floor: float


@dataclass(frozen=True)
class Photograph:
    """One fine slice: its file, where the body lies in it, its rules and its outlines.

    crop: x0, y0, x1, y1 in source pixels. spacing_mm: of a source pixel. scale: working pixels
    per source pixel. outlines: name -> polygons of shape (N, 2), x and y in source pixels.
    """

    name: str
    file: str
    source: str
    sha256: str
    licence: str
    split: str
    crop: tuple[int, int, int, int]
    spacing_mm: float
    scale: float
    body_parts: int
    rules: ColourRules
    outlines: Mapping[str, Polygons]

    def mask(self, outline: str, shape: tuple[int, int]) -> np.ndarray:
        """The outline as bool `shape` on the cropped working grid; empty if not drawn."""
        return np.any([np.zeros(shape, bool), *self.parts(outline, shape)], axis=0)

    def parts(self, outline: str, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
        """As `mask`, with one mask for each polygon."""
        polygons = self.outlines.get(outline, ())
        origin = np.array(self.crop[:2])
        return tuple(draw(((points - origin) * self.scale,), shape) for points in polygons)


@dataclass(frozen=True)
class StackSource:
    """The stack's file: its name here, its file, where it comes from, and its checksum."""

    name: str
    file: str
    source: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class StackOutlines:
    """Outlines on some frames of a stack: name -> frame -> polygons in frame pixels."""

    regions: Mapping[str, Mapping[int, Polygons]]

    def mask(self, outline: str, frame: int, shape: tuple[int, int]) -> np.ndarray:
        """The outline on `frame`, bool `shape`; between drawn frames the shape is interpolated.

        The signed distances of the two nearest drawn frames are blended linearly. Outside the
        drawn frames, and next to a frame drawn with no polygons, the mask is empty.
        """
        drawn = self.regions.get(outline, {})
        if frame in drawn:
            return draw(drawn[frame], shape)
        below = max((f for f in drawn if f < frame), default=None)
        above = min((f for f in drawn if f > frame), default=None)
        if below is None or above is None or not drawn[below] or not drawn[above]:
            return np.zeros(shape, bool)
        weight = (frame - below) / (above - below)
        first = _signed_distance(draw(drawn[below], shape))
        second = _signed_distance(draw(drawn[above], shape))
        return (1 - weight) * first + weight * second > 0


def load_photographs(path: Path = PHOTOGRAPHS_TOML) -> tuple[Photograph, ...]:
    """Read the fine slices' table. Raises OutlineError when it is not well formed."""
    tables = _read_toml(path).get("photograph", [])
    try:
        return tuple(_photograph(table) for table in tables)
    except (KeyError, TypeError, ValueError) as error:
        raise OutlineError(f"{path}: {error!r} in a [[photograph]] table.") from error


def load_stack_outlines(path: Path = STACK_TOML) -> StackOutlines:
    """Read the stack's outlines. Raises OutlineError when they are not well formed."""
    try:
        regions: dict[str, dict[int, Polygons]] = {}
        for table in _read_toml(path).get("region", []):
            drawn = regions.setdefault(str(table["name"]), {})
            drawn[int(table["frame"])] = _polygons(table["polygons"])
    except (KeyError, TypeError, ValueError) as error:
        raise OutlineError(f"{path}: {error!r} in a [[region]] table.") from error
    return StackOutlines(regions)


def load_stack_source(path: Path = STACK_TOML) -> StackSource:
    """Read the [stack] table. Raises OutlineError when it is not well formed."""
    try:
        return StackSource(**{key: str(value) for key, value in _read_toml(path)["stack"].items()})
    except (KeyError, TypeError) as error:
        raise OutlineError(f"{path}: {error!r} in the [stack] table.") from error


def draw(polygons: Polygons, shape: tuple[int, int]) -> np.ndarray:
    """Union of polygons (N, 2) in x, y pixels as a bool mask of `shape` (rows, columns)."""
    mask = np.zeros(shape, bool)
    for points in polygons:
        mask |= polygon2mask(shape, points[:, ::-1])
    return mask


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    """Pixels to the border of `mask`, positive inside."""
    return distance_transform_edt(mask) - distance_transform_edt(~mask)


def _photograph(table: dict[str, Any]) -> Photograph:
    x0, y0, x1, y1 = (int(v) for v in table["crop"])
    return Photograph(
        name=str(table["name"]),
        file=str(table["file"]),
        source=str(table["source"]),
        sha256=str(table["sha256"]),
        licence=str(table["licence"]),
        split=str(table["split"]),
        crop=(x0, y0, x1, y1),
        spacing_mm=float(table["spacing_mm"]),
        scale=float(table["scale"]),
        body_parts=int(table["body_parts"]),
        rules=ColourRules(**{key: float(value) for key, value in table["rules"].items()}),
        outlines={name: _polygons(value) for name, value in table["outlines"].items()},
    )


def _polygons(lists: list[list[list[float]]]) -> Polygons:
    polygons = tuple(np.asarray(points, float) for points in lists)
    for points in polygons:
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError("a polygon needs at least three x, y points")
    return polygons


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise OutlineError(f"{path} cannot be read: {error}") from error
