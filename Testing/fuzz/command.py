"""The command of the product run in this process, with all that reaches its two outputs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from unittest import mock

from cli.made import Answer
from MRIColorizeLib.cli import main
from MRIColorizeLib.engine import suspicion


def run_command(words: Sequence[object]) -> Answer:
    """Call the command; what C libraries print is caught too.

    Networks of tests are untrained: what is said of their doubts has tests of its own.
    """
    certain = mock.patch.multiple(suspicion, LEAST_CONFIDENCE=0.0, MOST_OF_ONE_TISSUE=1.0)
    with certain, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _redirected("stdout", 1, out), _redirected("stderr", 2, err):
            try:
                code = main([str(word) for word in words])
            except SystemExit as end:  # argparse leaves this way
                code = int(end.code or 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "backslashreplace"))
    return Answer(code, *texts)


@contextmanager
def _redirected(name: str, descriptor: int, target: IO[bytes]) -> Iterator[None]:
    """Send a standard stream, Python's object and the system's descriptor, into a file."""
    kept, before = os.dup(descriptor), getattr(sys, name)
    os.dup2(target.fileno(), descriptor)
    with open(descriptor, "w", closefd=False, encoding="utf-8") as stream:
        setattr(sys, name, stream)
        try:
            yield
        finally:
            setattr(sys, name, before)
    os.dup2(kept, descriptor)
    os.close(kept)


def files_below(folder: Path) -> set[Path]:
    """All files and links below a folder, hidden ones too."""
    return {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
