"""`python -m training architecture`: the audit page of a model's network."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training.errors import ConfigError

FOUND = Path(__file__).resolve().parents[2] / "docs" / "experiments" / "findings.json"


def add_architecture_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Add the command to the parser of `python -m training`."""
    audit = commands.add_parser("architecture", help="write the network layer by layer")
    audit.add_argument("model", nargs="?", help="name or folder; default: the one that ships")
    audit.add_argument(
        "--findings", type=Path, default=FOUND, help="of the experiments; default: docs/"
    )
    audit.add_argument("--out", type=Path, help="Markdown file; default: print it")
    audit.set_defaults(run=_architecture)


def _architecture(options: argparse.Namespace) -> None:
    from MRIColorizeLib.model import find_model, read_card
    from MRIColorizeLib.output import atomic
    from training.architecture.page import architecture_page

    try:
        found = json.loads(options.findings.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{options.findings} holds no findings; write it by experiments --report."
        ) from error
    text = architecture_page(read_card(find_model(options.model)), found)
    if options.out is None:
        print(text, end="")
        return
    with atomic(options.out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"The page is {options.out}.")
