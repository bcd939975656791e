"""Pytest plugin: a fresh host session for every test that needs Slicer.

Load it with `-p host.plugin`, or import its fixtures in a conftest.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .hosting import Host


@pytest.fixture
def host() -> Iterator[Host]:
    """A running host; its session ends, and leftover errors are raised, after the test."""
    with Host() as running:
        yield running
