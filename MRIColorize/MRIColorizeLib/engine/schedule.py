"""Which slices go through the network together, and such batches side by side in threads.

A thread is a lane: it has one core of a CPU or a stream of a card to itself.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
import torch

from .devices import free_card_memory
from .slicing import Layout

# On a CPU more pixels at once save nothing: the layers' work outgrows what each call costs.
PIXELS_TOGETHER = 1 << 18
MOST_ON_CPU, MOST_ON_CARD = 8, 64
# Above so many threads Python's lock keeps them waiting for each other.
MOST_CPU_LANES = 8
# A card computes one batch while the other is copied, prepared or written.
CARD_LANES = 2


@dataclass(frozen=True)
class Plan:
    """How slices are divided: `size` slices a batch, `lanes` batches in work at once."""

    device: str
    size: int
    lanes: int

    @property
    def slices(self) -> int:
        """Slices in work at once."""
        return self.size * self.lanes

    def smaller(self) -> Plan | None:
        """Half as many slices at once, None below a single one.

        The CPU first has fewer lanes: as long as the batches stay the same, so do the bytes.
        """
        if self.device == "cpu" and self.lanes > 1:
            return replace(self, lanes=self.lanes // 2)
        if self.size > 1:
            return replace(self, size=self.size // 2)
        return replace(self, lanes=self.lanes // 2) if self.lanes > 1 else None


def plan_work(device: str, layout: Layout, width: int, batch_size: int | None) -> Plan:
    """How to divide a layout's slices on a device.

    width: the network's channels at full resolution. batch_size: what the options ask for. On the
    CPU it only bounds the lanes: the batches depend on the slices' size alone, and so do the bytes.
    """
    pixels, native = layout.pixels(), layout.raw.shape[1] * layout.raw.shape[2]
    if device == "cpu":
        size = max(1, min(MOST_ON_CPU, PIXELS_TOGETHER // max(pixels, native)))
        lanes = min(torch.get_num_threads(), MOST_CPU_LANES)
        if batch_size is not None:
            lanes = max(1, min(lanes, batch_size // size))
        return Plan(device, size, lanes)
    lanes = CARD_LANES if device == "cuda" else 1
    return Plan(device, batch_size or _fitting(device, pixels, native, width, lanes), lanes)


def _fitting(device: str, pixels: int, native: int, width: int, lanes: int) -> int:
    """Slices of a batch that half of a card's free memory has room for."""
    if device != "cuda":
        return (
            8  # of the memory of an Apple GPU, which is the computer's, nobody tells what is free
        )
    # 32-bit features of the widest layer, what they are made of and turn into; colours at the end.
    each = 128 * width * pixels + 192 * native
    return int(max(1, min(MOST_ON_CARD, 0.5 * free_card_memory() / (lanes * each))))


@dataclass(frozen=True)
class Batch:
    """Indices of slices that go through the network together, and which of them are written."""

    slices: np.ndarray
    wanted: range

    def parts(self, size: int) -> Iterator[slice]:
        """Places of the slices that are written, `size` at a time."""
        for start in range(self.wanted.start, self.wanted.stop, size):
            yield slice(start, min(start + size, self.wanted.stop))


def make_batches(present: np.ndarray, wanted: int | None, size: int) -> Iterator[Batch]:
    """Divide the slices that show the body, or give the batch of the one that is wanted.

    A slice is always in the same company, so that it comes out alone as it does among all.
    """
    for start in range(0, present.size, size):
        slices = present[start : start + size]
        if wanted is None:
            yield Batch(slices, range(slices.size))
        elif wanted in slices:
            place = int(np.searchsorted(slices, wanted))
            yield Batch(slices, range(place, place + 1))


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
