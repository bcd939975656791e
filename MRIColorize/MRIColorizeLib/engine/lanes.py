"""Batches side by side: threads, each with one core of a CPU or a stream of a card to itself."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import torch

from .batches import Batch


def in_lanes(
    work: Callable[[Batch], None], batches: Iterable[Batch], device: str, lanes: int
) -> Generator[Batch, None, None]:
    """Do `work` on every batch, `lanes` of them at once; yields each one that is done.

    Work goes on while the caller has a batch in hand. When one fails, those that were begun are
    finished and yielded first, then its error is raised. Closed early, nothing new is begun and
    what is in work is waited for.
    """
    waiting = iter(batches)
    begun: deque[tuple[Batch, Future[None]]] = deque()
    failure: BaseException | None = None
    with _Threads(device, lanes) as threads:
        try:
            while True:
                # One more than there are lanes, so that none stands still while the caller is busy.
                while failure is None and len(begun) <= lanes:
                    batch = next(waiting, None)
                    if batch is None:
                        break
                    begun.append((batch, threads.submit(work, batch)))
                if not begun:
                    break
                batch, future = begun.popleft()
                error = future.exception()
                if error is None:
                    yield batch
                elif failure is None:
                    failure = error
                # Whoever holds an error holds the batch's tensors, by its traceback.
                del error, future
        finally:
            for _, future in begun:
                future.cancel()
            wait([future for _, future in begun])
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # else the error and this frame hold each other


class _Threads:
    """Threads in which PyTorch works on a single core, or on a stream of its own."""

    def __init__(self, device: str, count: int) -> None:
        self._own = threading.local()
        streams = [_make_stream() if device == "cuda" else None for _ in range(count)]
        # The number of cores is a setting of each thread, and the default of every later one.
        cores = torch.get_num_threads()
        ready = threading.Barrier(count + 1)
        self._pool = ThreadPoolExecutor(
            count, "MRIColorize", initializer=self._begin, initargs=(streams, ready)
        )
        try:
            for _ in range(count):
                self._pool.submit(int)  # a thread is only begun for work, and waits for the others
        except RuntimeError:  # the system gives no more threads: those that wait are let go
            ready.abort()
            raise
        ready.wait()
        torch.set_num_threads(cores)

    def __enter__(self) -> _Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def submit(self, work: Callable[[Batch], None], batch: Batch) -> Future[None]:
        return self._pool.submit(self._run, work, batch)

    def _begin(self, streams: list[torch.cuda.Stream | None], ready: threading.Barrier) -> None:
        torch.get_num_threads()  # the first call in a thread takes the default, and must come first
        torch.set_num_threads(1)
        self._own.stream = streams.pop()
        ready.wait()

    def _run(self, work: Callable[[Batch], None], batch: Batch) -> None:
        try:
            with torch.cuda.stream(self._own.stream):  # does nothing without a stream
                work(batch)
        except BaseException as error:
            # Its tensors go now: the other lanes may need their room to finish.
            traceback.clear_frames(error.__traceback__)
            raise


def _make_stream() -> torch.cuda.Stream:
    """A stream of the card that begins when what it was given so far, as the weights, is there."""
    stream = torch.cuda.Stream()
    for earlier in (torch.cuda.default_stream(), torch.cuda.current_stream()):
        stream.wait_stream(earlier)
    return stream
