"""What holds for every test: the state of the process is put back after each, and each file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "Testing"))
from global_state import kept  # found through the path above


@pytest.fixture(scope="module", autouse=True)
def state_of_the_file() -> Iterator[None]:
    """Undoes what fixtures of a whole file or class have changed."""
    with kept():
        yield


@pytest.fixture(autouse=True)
def state_of_the_test() -> Iterator[None]:
    """Undoes what a test has changed."""
    with kept():
        yield
