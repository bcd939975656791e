"""Where generated cases take their choices from: a seed, or a library that makes them simpler."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

Option = TypeVar("Option")


class Choices(Protocol):
    """A source of choices; the same source gives the same case."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""

    def real(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""

    def pick(self, options: Sequence[Option]) -> Option:
        """One of them."""


class Seeded:
    """Choices that follow from a seed: any case of a long run can be made again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def real(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def pick(self, options: Sequence[Option]) -> Option:
        return self._random.choice(options)
