"""The documents tell the truth: their Python runs; their files, options and tests exist."""

import re
import shutil
from pathlib import Path

import numpy as np
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
MODULE = ROOT / "MRIColorize" / "MRIColorize.py"


def examples(document):
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def test_the_python_example_runs_as_it_stands(monkeypatch):
    monkeypatch.chdir(ROOT)
    (example,) = examples("README.md")
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["color"].array.shape == (*names["mri"].array.shape, 3)
    assert names["color"].array.dtype == np.uint8
    assert names["color"].tissue.max() > 0
    assert (names["vivid"] != names["color"].array).any()


def test_the_console_s_examples_run_one_after_the_other(host, tmp_path, monkeypatch):
    """On a made head, a sequence of it and a folder with one file, under the names they use."""
    monkeypatch.chdir(tmp_path)
    module = host.load_module(MODULE)
    import slicer

    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    mri = slicer.util.addVolumeFromArray(module.source.phantom(), affine, "MRIColorizeHead")
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "heart")
    sequence.SetDataNodeAtValue(mri, "0")
    (tmp_path / "scans").mkdir()
    shutil.copy(ROOT / "Testing/data/head_t1_tiny.nii.gz", tmp_path / "scans" / "tiny.nii.gz")
    names: dict = {}
    for example in examples("docs/slicer.md"):
        exec(compile(example, "docs/slicer.md", "exec"), names)
    rgb = slicer.util.arrayFromVolume(names["color"])
    assert rgb.shape == (*module.source.phantom().shape, 3)
    assert rgb.any()
    assert names["display"].GetVisibility()
    assert names["colorFrames"].GetNumberOfDataNodes() == 1
    assert [path.name for path in names["paths"]] == ["tiny_color.nrrd"]
    assert names["run"].result().GetName().startswith("MRIColorizeHead_color")


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
