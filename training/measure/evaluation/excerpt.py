"""The short copy of a report, small enough for a repository: page, summary, reduced pictures."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from MRIColorizeLib.files.colors import atomic
from training.measure.evaluation.blocks import Block, Picture, Text, as_markdown

NUMBERS = ("summary.csv", "sizes.csv")
LEFT_OUT = Text(
    "The montages of every slab and volume are left out of this copy, and its pictures are "
    "smaller; the command makes them."
)
WIDEST = 1200  # pixels of a photograph
QUALITY = 82  # of its JPEG
PLOT_COLORS = 64
MOST_PLOT_COLORS = 8192  # a picture with more is a photograph, not a plot


def write_excerpt(blocks: Sequence[Block], report: Path, out: Path) -> None:
    """Write report.md of these blocks, their pictures reduced, and summaries into `out`.

    report: folder of the whole report, from which pictures and summaries are taken. Raises
    OutputError.
    """
    shown = [
        _reduce(block, report, out) if isinstance(block, Picture) else block for block in blocks
    ]
    with atomic(out / "report.md") as temporary:
        temporary.write_text(as_markdown(shown), encoding="utf-8")
    for name in NUMBERS:
        with atomic(out / name) as temporary:
            shutil.copyfile(report / name, temporary)


def _reduce(picture: Picture, report: Path, out: Path) -> Picture:
    """Plots keep their size with fewer colours; photographs become smaller and JPEG."""
    image = Image.open(report / picture.name).convert("RGB")
    path = out / picture.name
    if image.getcolors(MOST_PLOT_COLORS) is not None:
        plot = image.quantize(PLOT_COLORS, dither=Image.Dither.NONE)
        with atomic(path) as temporary:
            plot.save(temporary, format="PNG", optimize=True)
        return picture
    image.thumbnail((WIDEST, image.height))
    path = path.with_suffix(".jpg")
    with atomic(path) as temporary:
        image.save(temporary, format="JPEG", quality=QUALITY, optimize=True)
    return dataclasses.replace(picture, name=path.name)
