"""Palettes: a colour for every tissue; those that ship, a model's own, and files of Slicer's.

Importing this file imports no torch: the panel shows palettes before torch is there.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..cielab import lab_to_rgb, rgb_to_lab
from ..errors import DependencyError, InputError, ModelError
from ..options import check_palette
from ..staging import atomic
from ..tissue import CLASSES, HEAD_CLASSES, NAMES, PALETTE_LAB, fit_palette
from .card import WEIGHTS_NAME, ModelCard, regular_size
from .model import Model, models_directory

MALE = "Visible Human Male"
TITLE = "# MRIColorize: "
SUFFIXES = (".ctbl", ".txt", ".csv")
MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Palette:
    """A name and a colour for every tissue: `lab` float32 (20, 3) CIELAB, as in `tissue.Tissue`.

    Thirteen colours, as models had them that know heads alone, are taken for all twenty. Raises
    InputError for colours that are none.
    """

    name: str
    lab: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "lab", fit_palette(check_palette(self.lab), CLASSES))

    @property
    def rgb(self) -> np.ndarray:
        """The colours on a screen: float64 (20, 3) sRGB in [0, 1], clipped to what it can show."""
        return lab_to_rgb(self.lab)


def model_palette(source: Model | ModelCard) -> Palette:
    """The colours that a model paints with.

    From a card they are read out of the weights, without torch. Raises InputError when the model
    paints without a palette, ModelError when its weights cannot be read.
    """
    card = source if isinstance(source, ModelCard) else source.card
    if card.generator.get("head", "palette") != "palette":
        raise InputError(f"The model {card.name} has no palette; choose another model.")
    if isinstance(source, Model):
        lab = source.generator.palette_lab.cpu().numpy()
    else:
        lab = _stored_palette(card)
    shipped = np.array_equal(lab, PALETTE_LAB[: len(lab)])
    return Palette(MALE if shipped else f"{card.name}'s own", lab)


def _stored_palette(card: ModelCard) -> np.ndarray:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise DependencyError(
            "The Python package safetensors is missing; install PyTorch and safetensors first."
        ) from error
    path = card.directory / WEIGHTS_NAME
    try:
        regular_size(path)
        with safe_open(path, framework="numpy") as tensors:
            return tensors.get_tensor("palette_lab")
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} holds no palette; get the model again.") from error


def palettes_directory() -> Path:
    """Where the palettes that ship lie: beside the models."""
    return models_directory().parent / "Palettes"


def list_palettes() -> list[Palette]:
    """The palettes that ship, the Visible Human Male's first.

    Raises InputError when a file of theirs is damaged.
    """
    files = sorted(palettes_directory().glob("*.ctbl"))
    return [Palette(MALE, PALETTE_LAB), *(load_palette(path) for path in files)]


def find_palette(name_or_file: str | Path) -> Palette:
    """A palette that ships, by name in any case, or one from a file. Raises InputError."""
    text = str(name_or_file)
    palettes = list_palettes()
    for palette in palettes:
        if palette.name.casefold() == text.casefold():
            return palette
    if Path(text).suffix.lower() in SUFFIXES:
        return load_palette(text)
    known = ", ".join(palette.name for palette in palettes)
    raise InputError(f"There is no palette {text!r}; give a .ctbl or .csv file or one of: {known}.")


def load_palette(path: str | Path) -> Palette:
    """Read a colour table as Slicer's Colors module writes it (.ctbl, .txt or .csv).

    Colours are sRGB from 0 to 255 (fractions allowed), found by their index, which is the tissue's
    code. The palette's name is the one in the file's first line as `save_palette` writes it, else
    the file's.
    Raises InputError for a file that is missing, damaged or lacks a tissue.
    """
    path = Path(path)
    try:
        if regular_size(path) > MAX_FILE_BYTES:
            raise InputError(f"{path} is too large for a colour table; choose another file.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as a colour table; save one with Slicer's Colors module."
        ) from error
    rgb = np.full((CLASSES, 3), np.nan)
    try:
        rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _ctbl_rows(text)
        for index, color in rows:
            if 0 <= index < CLASSES:
                rgb[index] = color
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged: its lines are not `index name red green blue alpha`."
        ) from error
    absent = np.flatnonzero(np.isnan(rgb).any(axis=1))
    if np.array_equal(absent, np.arange(HEAD_CLASSES, CLASSES)):
        rgb = rgb[:HEAD_CLASSES]
    elif absent.size:
        missing = [NAMES[code] for code in absent]
        raise InputError(f"{path} has no colour for {', '.join(missing)}; give all {CLASSES}.")
    if (rgb < 0).any() or (rgb > 255).any():
        raise InputError(f"{path} has colours outside 0 to 255; correct them.")
    title = text.splitlines()[0]
    name = title.removeprefix(TITLE).strip() if title.startswith(TITLE) else path.stem
    # Rounded so that CIELAB with two decimals survives saving and loading.
    return Palette(name, rgb_to_lab(rgb / 255).round(2))


def _ctbl_rows(text: str) -> list[tuple[int, list[float]]]:
    rows = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            index, _, red, green, blue, *_ = line.split()
            rows.append((int(index), [float(red), float(green), float(blue)]))
    return rows


def _csv_rows(text: str) -> list[tuple[int, list[float]]]:
    channels = ("Color_R", "Color_G", "Color_B")
    return [
        (int(row["LabelValue"]), [float(row[channel]) for channel in channels])
        for row in csv.DictReader(text.splitlines())
    ]


def save_palette(path: str | Path, palette: Palette) -> None:
    """Write a colour table for Slicer's Colors module: .ctbl, .txt, or .csv in whole levels.

    Colours that a screen cannot show are clipped. Raises InputError for another suffix and
    OutputError when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} is no colour table; name it .ctbl or .csv.")
    comma = path.suffix.lower() == ".csv"
    lines = ["LabelValue,Name,Color_R,Color_G,Color_B,Color_A"] if comma else []
    if not comma:
        lines = [TITLE + " ".join(palette.name.split()), f"# {CLASSES} values"]
    for code, (name, rgb) in enumerate(zip(NAMES, palette.rgb, strict=True)):
        # Fractions keep CIELAB to a hundredth; Slicer rounds those of a .ctbl and refuses a .csv's.
        red, green, blue = (f"{round(255 * value, 0 if comma else 3):g}" for value in rgb)
        words = (str(code), name, red, green, blue, "255" if code else "0")
        # Slicer shows the underscores of a .ctbl as spaces.
        lines.append(",".join(words) if comma else " ".join(w.replace(" ", "_") for w in words))
    with atomic(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
