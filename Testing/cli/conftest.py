"""What the tests of the command line share: a small model and a way to call the command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from cli.made import Answer
from MRIColorizeLib.cli import main
from MRIColorizeLib.generator import DualDecoderGenerator, GeneratorConfig

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def data() -> Path:
    return REPOSITORY / "Testing" / "data"


def write_model(folder: Path, **settings: Any) -> Path:
    """Write a model folder with a tiny untrained network; settings: of GeneratorConfig."""
    torch.manual_seed(0)
    config = GeneratorConfig(**{"width": 4, "branch_width": 4, "blocks": 1, **settings})
    weights = save(DualDecoderGenerator(config).state_dict())
    (folder / "weights.safetensors").write_bytes(weights)
    card = {
        "name": "small",
        "version": "1.2.3",
        "title": "a small untrained network",
        "licence": "Apache-2.0",
        "spacing_mm": 2.0,
        "temperature": 0.6,
        "generator": asdict(config),
        "weights": {
            "file": "weights.safetensors",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
        },
    }
    (folder / "model.json").write_text(json.dumps(card))
    return folder


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
