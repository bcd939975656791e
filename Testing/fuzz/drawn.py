"""Choices drawn by hypothesis, which makes a case that fails as simple as it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from fuzz.choices import Option

# For `settings(backend=...)`: the same cases whatever else has been imported.
ALWAYS_THE_SAME = "always the same"


class SameProvider(HypothesisProvider):
    """Hypothesis's own draws, without the numbers that it finds in the modules that are loaded.

    With those, the same test tries other cases, some of them fifty times as slow, when it runs
    beside other tests than when it runs alone.
    """

    def _maybe_draw_constant(self, *_arguments: Any, **_options: Any) -> None:
        return None


AVAILABLE_PROVIDERS[ALWAYS_THE_SAME] = f"{__name__}.{SameProvider.__name__}"


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
