"""What a person shall know of a result: told where it is found, heard where it is shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


def tell(text: str, stacklevel: int = 1) -> None:
    """Say one sentence to whoever `hears`, else as a warning; stacklevel as for `warnings.warn`."""
    heard = _HEARD.get()
    if heard is None:
        warnings.warn(text, stacklevel=stacklevel + 1)
    elif text not in heard:
        heard.append(text)


@contextmanager
def hearing(heard: list[str]) -> Iterator[None]:
    """Keep what is told meanwhile in a list, each sentence once.

    Holds for this thread and for those that take its context over. Python's own way of catching
    warnings holds for all threads, which would mix up what several of them say.
    """
    token = _HEARD.set(heard)
    try:
        yield
    finally:
        _HEARD.reset(token)
