"""`python -m training card`: a model's card as a page."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

from training.errors import ConfigError


def add_card_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    card = commands.add_parser("card", help="write a model's card as a page")
    card.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    card.add_argument("--report", type=Path, help="folder that evaluate wrote, for the measures")
    card.add_argument(
        "--picture", type=Path, nargs="*", default=(), help="pictures to show, in this order"
    )
    card.add_argument("--out", type=Path, required=True, help="Markdown file")
    card.set_defaults(run=_card)


def _card(options: argparse.Namespace) -> None:
    from MRIColorizeLib.files.colors import atomic
    from MRIColorizeLib.network.model import find_model, read_card
    from training.card.page import model_page

    rows: list[dict[str, str]] = []
    if options.report is not None:
        path = options.report / "summary.csv"
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
        except OSError as error:
            raise ConfigError(
                f"{options.report} holds no summary.csv; give a folder that evaluate wrote."
            ) from error
    for picture in options.picture:
        if not picture.is_file():
            raise ConfigError(f"There is no picture {picture}.")
    folder = options.out.parent
    pictures = [Path(os.path.relpath(picture, folder)).as_posix() for picture in options.picture]
    text = model_page(read_card(find_model(options.model)), rows, pictures)
    with atomic(options.out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"The card is {options.out}.")
