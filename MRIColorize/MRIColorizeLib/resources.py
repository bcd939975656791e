"""Where the files that ship with the code lie: models, palettes, the sample."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def find_resources(name: str) -> Path | None:
    """A folder of the resources: beside the package in Slicer, inside it in a wheel."""
    for root in (PACKAGE.parent, PACKAGE):
        if (root / "Resources" / name).is_dir():
            return root / "Resources" / name
    return None
