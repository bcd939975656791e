"""Choices drawn by hypothesis, which makes a case that fails as simple as it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from fuzz.choices import Option


class Drawn:
    """Choices from hypothesis's `data()`."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))

    def real(self, low: float, high: float) -> float:
        return self._data.draw(st.floats(low, high))

    def pick(self, options: Sequence[Option]) -> Option:
        return self._data.draw(st.sampled_from(options))
