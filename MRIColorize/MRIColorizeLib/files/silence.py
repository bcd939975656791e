"""C libraries kept from the terminal: what they print is no sentence for a person."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

# The error stream belongs to the whole process: one at a time may turn it aside.
_TURN = threading.RLock()


@contextmanager
def silenced() -> Iterator[Callable[[], str]]:
    """Catch what is printed on the process's error stream; yields what tells it so far.

    Where there is no such stream, or no place for what it says, it stays as it is.
    """
    with _TURN, ExitStack() as undo:
        try:
            caught = undo.enter_context(tempfile.TemporaryFile())
            kept = os.dup(2)
        except OSError:
            yield str
            return
        undo.callback(os.close, kept)
        undo.callback(os.dup2, kept, 2)
        os.dup2(caught.fileno(), 2)

        def said() -> str:
            caught.seek(0)
            return caught.read().decode("utf-8", "replace")

        yield said
