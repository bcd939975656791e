"""One run, a batch of slices at a time: progress, pace, cancel, outcome; knows no event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from ..errors import Cancelled
from ..notes import hearing

Result = TypeVar("Result")


class Run(Generic[Result]):
    """Drives a generator that yields (done, total) slices and returns the result.

    Call `advance()` until it returns False, then `result()`. Exactly one of the callbacks
    onFinished(result), onError(error), onCancelled() ends the run; onProgress(done, total) comes
    when there is some, with a total of 0 while it is not known yet.
    """

    def __init__(
        self,
        steps: Generator[tuple[int, int], None, Result],
        onProgress: Callable[[int, int], object] | None = None,
        onFinished: Callable[[Result], object] | None = None,
        onError: Callable[[Exception], object] | None = None,
        onCancelled: Callable[[], object] | None = None,
    ) -> None:
        self.done = 0
        self.total = 0
        self.notes: list[str] = []  # what the engine tells
        self._told: tuple[int, int] | None = None
        self._steps = steps
        self._onProgress = onProgress
        self._onFinished = onFinished
        self._onError = onError
        self._onCancelled = onCancelled
        self._result: Result | None = None
        self._error: Exception | None = None
        self._isOver = False
        # A step may let the application handle events, and so a click on Cancel, before it is done.
        self._isStepping = False
        self._isCalledOff = False
        self._began = 0.0

    def advance(self) -> bool:
        """Do the next batch; True while the run goes on. Called during a step it does nothing."""
        if self._isOver or self._isStepping:
            return not self._isOver
        try:
            done, total = self._step()
        except StopIteration as finished:
            self._isOver = True
            self._result = finished.value
            _call(self._onFinished, finished.value)
        except Exception as error:
            if self._isCalledOff:
                self.cancel()
            else:
                self._isOver = True
                self._error = error
                _call(self._onError, error)
        else:
            if self._isCalledOff:
                self.cancel()
                return False
            if not self.total and total:
                self._began = time.monotonic()
            self.done, self.total = done, total
            if self._told != (done, total):
                self._told = (done, total)
                _call(self._onProgress, done, total)
        return not self._isOver

    def cancel(self) -> None:
        """Stop between two batches; nothing is written. A run that is over stays as it is.

        Called during a step it takes effect after it, unless that was the last one.
        """
        self._isCalledOff = True
        if self._isOver or self._isStepping:
            return
        self._isOver = True
        self._error = Cancelled()
        self._steps.close()
        _call(self._onCancelled)

    def result(self) -> Result:
        """What the run made; raises its error, or Cancelled."""
        if self._error is not None:
            raise self._error
        if not self._isOver:
            raise RuntimeError("The run is not over; advance it until it is.")
        return self._result  # type: ignore[return-value]  # over without error: it is there

    @property
    def slices_per_second(self) -> float:
        """Pace since the first slice, 0 while unknown."""
        elapsed = time.monotonic() - self._began
        return self.done / elapsed if self.done and elapsed > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time to go at the pace so far, None while unknown."""
        pace = self.slices_per_second
        return (self.total - self.done) / pace if pace else None

    def _step(self) -> tuple[int, int]:
        """The next batch; what is told is kept whatever becomes of it."""
        self._isStepping = True
        try:
            with hearing(self.notes):
                return next(self._steps)
        finally:
            self._isStepping = False


def _call(callback: Callable[..., object] | None, *arguments: object) -> None:
    if callback is not None:
        callback(*arguments)
