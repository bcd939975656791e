"""C libraries kept from the terminal: what they print is no sentence for a person."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# The error stream belongs to the whole process: one at a time may turn it aside.
_TURN = threading.RLock()


@contextmanager
def silenced() -> Iterator[Callable[[], str]]:
    """Catch what is printed on the process's error stream; yields what tells it so far."""
    with _TURN, tempfile.TemporaryFile() as caught:
        try:
            kept = os.dup(2)
        except OSError:  # there is no such stream
            yield str
            return
        os.dup2(caught.fileno(), 2)

        def said() -> str:
            caught.seek(0)
            return caught.read().decode("utf-8", "replace")

        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
