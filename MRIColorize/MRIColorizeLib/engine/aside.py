"""Work in a thread of its own, so that whoever waits for it can do something else meanwhile."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

Result = TypeVar("Result")
Progress = tuple[int, int]

# How long an application stands still for one look at the work. In Slicer this is also the time in
# which the thread gets Python's lock, which the application keeps while it waits for events.
PATIENCE = 0.03
# One thread for all work: a step that outlives its cancelled run is finished before the next one.
_THREAD = ThreadPoolExecutor(1, "MRIColorize work")


class _Collector:
    """Python's collector of what refers to itself, which works in whatever thread it is needed.

    Objects of Qt and VTK must go in the application's thread, so it rests while others work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses = 0
        self._was_on = True

    def pause(self) -> None:
        with self._lock:
            if not self._pauses:
                self._was_on = gc.isenabled()
                gc.disable()
            self._pauses += 1

    def resume(self) -> None:
        with self._lock:
            self._pauses -= 1
            if not self._pauses and self._was_on:
                gc.enable()


_COLLECTOR = _Collector()


def in_thread(steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
    """Do each step of a generator in another thread; yields what it yields, returns what it does.

    Comes back after PATIENCE seconds at most, with what it yielded last while a step is in work.
    The next step is begun only when the last one was taken. An error is raised here. Closed early,
    it waits for nothing: the thread closes the generator after the step that is in work.
    """
    latest: Progress = (0, 0)
    _COLLECTOR.pause()
    try:
        while True:
            step = _THREAD.submit(copy_context().run, _next, steps)
            while not _is_done(step):
                yield latest
            gc.collect(1)  # the young, in milliseconds
            is_over, value = step.result()
            if is_over:
                return value
            latest = value
            yield latest
    finally:
        with suppress(RuntimeError):  # Python is ending: nothing more is begun
            _THREAD.submit(_close, steps)


def finish_steps() -> None:
    """Wait until no step is in work, as before the application is closed."""
    wait([_THREAD.submit(int)])


def _next(steps: Generator[Progress, None, Result]) -> tuple[bool, Any]:
    """(False, what is yielded) or (True, what is returned): a future holds no StopIteration."""
    try:
        return False, next(steps)
    except StopIteration as end:
        return True, end.value


def _close(steps: Generator[Progress, None, Any]) -> None:
    try:
        steps.close()  # does nothing to a generator that has ended
    finally:
        _COLLECTOR.resume()


def _is_done(step: Future[Any]) -> bool:
    return bool(wait([step], timeout=PATIENCE).done)
