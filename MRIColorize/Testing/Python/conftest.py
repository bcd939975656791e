"""For pytest only: runs these tests in the host, as ctest runs them in Slicer."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
MODULE = FOLDER.parents[1] / "MRIColorize.py"
for folder in (FOLDER, MODULE.parent, FOLDER.parents[2] / "Testing"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from host import Host  # noqa: E402  # found through the path above
from host.installation import install  # noqa: E402

install()  # the test files import slicer, qt and ctk when they are collected
# `import MRIColorize` must find the file; pytest has taken the name for the folder of this one.
SPEC = importlib.util.spec_from_file_location("MRIColorize", MODULE)
sys.modules["MRIColorize"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sys.modules["MRIColorize"])


@pytest.fixture(scope="module", autouse=True)
def running_host():
    """One Slicer for each test file, with the module opened."""
    with Host() as host:
        host.load_module(MODULE)
        yield host


@pytest.fixture(autouse=True)
def errors_in_slots_fail_the_test(running_host):
    """Slicer prints what a slot or an observer lets out; here it fails the test that did it."""
    yield
    running_host.raise_errors()


@pytest.fixture(autouse=True)
def untrained_networks_are_not_told_of(monkeypatch):
    """Small models are unsure of everything; what is said of that has tests of its own."""
    monkeypatch.setattr("MRIColorizeLib.engine.suspicion.LEAST_CONFIDENCE", 0.0)
    monkeypatch.setattr("MRIColorizeLib.engine.suspicion.MOST_OF_ONE_TISSUE", 1.0)
