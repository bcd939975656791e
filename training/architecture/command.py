"""`python -m training architecture`: the audit page of a model's network."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_architecture_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Add the command to the parser of `python -m training`."""
    audit = commands.add_parser("architecture", help="write the network layer by layer")
    audit.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    audit.add_argument("--out", type=Path, help="Markdown file; default: print it")
    audit.set_defaults(run=_architecture)


def _architecture(options: argparse.Namespace) -> None:
    from MRIColorizeLib.model import find_model, read_card
    from MRIColorizeLib.output import atomic
    from training.architecture.page import architecture_page

    text = architecture_page(read_card(find_model(options.model)))
    if options.out is None:
        print(text, end="")
        return
    with atomic(options.out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"The page is {options.out}.")
