"""Where the command line speaks: results, notes and a progress bar, or warnings alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO


def one_line(text: str) -> str:
    """The text with what would break its line, or steer a terminal, written out as an escape.

    Names of files and what files say about themselves may hold anything.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def speak(text: str, stream: TextIO) -> None:
    """Print one line. When nobody listens any more, as behind `| head`, the work goes on."""
    try:
        print(one_line(text), file=stream, flush=True)
    except OSError:
        # What is left in the stream would fail once more at the end of the process.
        with suppress(OSError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


@dataclass(frozen=True)
class Console:
    """Where a run speaks: results on standard output, notes and the progress bar on the other."""

    quiet: bool

    def say(self, text: str) -> None:
        if not self.quiet:
            speak(text, sys.stdout)

    def note(self, text: str) -> None:
        if not self.quiet:
            speak(f"Note: {text}", sys.stderr)

    def warn(self, text: str) -> None:
        """What may have changed the result: said even when quiet."""
        speak(f"Warning: {text}", sys.stderr)

    @contextmanager
    def progress(self, unit: str = " slices") -> Iterator[Callable[..., None]]:
        """A progress bar with pace and time left; it appears with the first call."""
        from tqdm import tqdm

        bars: list[tqdm] = []

        def show(done: int, total: int, note: str = "") -> None:
            if not bars:
                bars.append(tqdm(total=total, unit=unit, leave=False, disable=self.quiet, ncols=78))
            bars[0].set_postfix_str(note, refresh=False)
            bars[0].update(done - bars[0].n)

        try:
            yield show
        finally:
            for bar in bars:
                bar.close()
