"""The two programs of an installed Slicer: the application, and the Python that comes with it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def make_launchers(folder: Path) -> str:
    """Write `bin/PythonSlicer`, which runs Python, and return the path of the application.

    In Slicer `sys.executable` is the application, which runs no Python file as Python does: here it
    only says so and fails.
    """
    (folder / "bin").mkdir()
    application = _write(folder / "bin" / "SlicerApp-real", "echo 'this is Slicer' >&2; exit 1")
    _write(folder / "bin" / "PythonSlicer", f'exec {shlex.quote(sys.executable)} "$@"')
    return str(application)


def _write(path: Path, line: str) -> Path:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
