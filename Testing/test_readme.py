"""The README tells the truth: its Python runs, its files and options exist."""

import re
from pathlib import Path

import numpy as np
import pytest

from MRIColorizeLib.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "training/README.md", "Testing/host/README.md")


def test_the_python_example_runs_as_it_stands(monkeypatch):
    monkeypatch.chdir(ROOT)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["color"].array.shape == (*names["mri"].array.shape, 3)
    assert names["color"].array.dtype == np.uint8
    assert names["color"].tissue.max() > 0


def test_every_link_into_the_repository_leads_somewhere():
    for document in DOCUMENTS:
        path = ROOT / document
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{document}: {target}"


def test_every_option_that_the_readme_names_is_one(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    text = (ROOT / "README.md").read_text()
    options = set(re.findall(r"`(--[a-z-]+)", text))
    assert options
    for option in options:
        assert option in known
