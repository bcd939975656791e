"""The documents tell the truth: their files, options and tests exist."""

import re
from pathlib import Path

import pytest

from MRIColorizeLib.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    "README.md",
    "docs/anatomy.md",
    "docs/architecture.md",
    "docs/batch.md",
    "docs/evaluation/report.md",
    "docs/experiments/README.md",
    "docs/model-card.md",
    "docs/robustness.md",
    "docs/speed.md",
    "docs/slicer.md",
    "docs/structure-trap.md",
    "training/README.md",
    "Testing/host/README.md",
)


def test_every_link_into_the_repository_leads_somewhere():
    for document in DOCUMENTS:
        path = ROOT / document
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{document}: {target}"


def test_every_claim_in_the_table_names_a_test():
    links = re.findall(r"\[([^]]+)\]\((\S+/test_\w+\.py)\)", (ROOT / "README.md").read_text())
    assert len(links) > 20
    for words, file in links:
        name = "test_" + words.replace(" ", "_")
        assert f"def {name}(self)" in (ROOT / file).read_text(), f"{file} has no {name}"


@pytest.mark.parametrize(
    ("document", "commands"),
    [("README.md", [["--help"], ["batch", "--help"]]), ("docs/batch.md", [["batch", "--help"]])],
)
def test_every_option_that_a_document_names_is_one(capsys, document, commands):
    for words in commands:
        with pytest.raises(SystemExit):
            main(words)
    known = capsys.readouterr().out
    text = (ROOT / document).read_text()
    options = set(re.findall(r"`(--[a-z-]+)", text))
    assert options
    for option in options:
        assert option in known
