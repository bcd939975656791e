"""What the tests of the command line share: a small model and a way to call the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.made import Answer, write_model
from MRIColorizeLib.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def data() -> Path:
    return REPOSITORY / "Testing" / "data"


@pytest.fixture(autouse=True)
def untrained_networks_are_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small models are unsure of everything; what is said of that has tests of its own."""
    monkeypatch.setattr("MRIColorizeLib.engine.suspicion.LEAST_CONFIDENCE", 0.0)
    monkeypatch.setattr("MRIColorizeLib.engine.suspicion.MOST_OF_ONE_TISSUE", 1.0)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that tells tissues apart: a run takes a fraction of a second."""
    return write_model(tmp_path_factory.mktemp("small-model"))


@pytest.fixture(scope="session")
def model_without_tissues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that paints RGB without a palette."""
    folder = tmp_path_factory.mktemp("rgb-model")
    return write_model(folder, head="rgb", decoders="single")


@pytest.fixture
def command(small_model: Path, capsys: pytest.CaptureFixture) -> Callable[..., Answer]:
    """Call the command in this process with the small model unless another is named."""

    def call(*arguments: object) -> Answer:
        words = [str(word) for word in arguments]
        if "--model" not in words:
            words += ["--model", str(small_model)]
        try:
            code = main(words)
        except SystemExit as end:  # argparse leaves this way
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call
