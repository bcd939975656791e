"""Which slices go through the network together, and how many such batches are in work at once."""

from __future__ import annotations

from collections.abc import Iterator
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
