"""Every block of code in the README and in docs/ runs, on what the product itself makes."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import nrrd
import numpy as np
import pytest

from cli.made import write_model, write_nifti
from fuzz.run import USUAL
from MRIColorizeLib.batch.arguments import batch_parser
from MRIColorizeLib.cli import main
from MRIColorizeLib.command.arguments import parser
from MRIColorizeLib.files.discovery import EVERYTHING, find_inputs
from MRIColorizeLib.files.naming import sample_path

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "MRIColorize" / "MRIColorize.py"
DOCUMENTS = ("README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LANGUAGES = ("python", "sh", "toml")


def blocks(document: str, language: str) -> list[str]:
    """A document's blocks of one language, in their order."""
    found = BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    return [code for said, code in found if said == language]


def lines_of_shell() -> list[tuple[str, str]]:
    """Every command of every document, one that goes on behind a backslash as one."""
    commands = []
    for document in DOCUMENTS:
        for code in blocks(document, "sh"):
            for line in code.replace("\\\n", " ").splitlines():
                commands += [(document, part.strip()) for part in line.split("&&") if part.strip()]
    return commands


def in_slicer(code: str) -> bool:
    return "slicer" in code or "logic." in code or "cut(" in code


def test_every_block_names_a_language_that_is_run_here():
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        assert text.count("\n```") == 2 * len(BLOCK.findall(text)), document
        for language, code in BLOCK.findall(text):
            assert language in LANGUAGES, f"{document}: {code[:60]}"


def run_python(document: str, wanted: Callable[[str], bool], names: dict) -> None:
    for code in blocks(document, "python"):
        if wanted(code):
            exec(compile(code, document, "exec"), names)


def test_python_blocks_run_on_what_the_command_wrote(tmp_path, monkeypatch, small_model):
    """README's, one after the other, in a folder where its command was called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Testing").symlink_to(ROOT / "Testing")
    write_nifti(tmp_path / "head.nii.gz", affine=np.diag((2.0, 2, 2, 1)))
    for ending in ("nrrd", "nii.gz"):
        words = ["head.nii.gz", "-o", "results", "--format", ending, "--model", str(small_model)]
        assert main([*words, "--quiet"]) == 0
    names: dict = {}
    run_python("README.md", lambda code: not in_slicer(code), names)
    written, _ = nrrd.read("results/head_color.nrrd")
    np.testing.assert_array_equal(names["rgb"], np.moveaxis(written, 0, -1))
    assert names["rgb"].any()
    assert names["color"].array.shape == (*names["mri"].array.shape, 3)
    assert names["color"].array.dtype == np.uint8
    assert names["color"].tissue.max() > 0
    assert (names["vivid"] != names["color"].array).any()


def scene_of_the_examples(host) -> object:
    """A made head, two more, a sequence and a folder, under the names that the examples use."""
    module = host.load_module(MODULE)
    import slicer

    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    for name in ("MRIColorizeHead", "before", "after"):
        mri = slicer.util.addVolumeFromArray(module.source.phantom(), affine, name)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "heart")
    sequence.SetDataNodeAtValue(mri, "0")
    Path("scans").mkdir()
    shutil.copy(ROOT / "Testing/data/head_t1_tiny.nii.gz", "scans/tiny.nii.gz")
    return module


def test_the_manual_s_console_blocks_run_one_after_the_other(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = scene_of_the_examples(host)
    import slicer

    names: dict = {}
    run_python("docs/slicer.md", in_slicer, names)
    rgb = slicer.util.arrayFromVolume(names["color"])
    assert rgb.shape == (*module.source.phantom().shape, 3)
    assert rgb.any()
    assert names["display"].GetVisibility()
    assert names["colorFrames"].GetNumberOfDataNodes() == 1
    assert [path.name for path in names["paths"]] == ["tiny_color.nrrd"]
    assert names["run"].result().GetName().startswith("MRIColorizeHead_color")


def test_the_readme_s_console_block_runs(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene_of_the_examples(host)
    import slicer

    names: dict = {"slicer": slicer}  # as at the console
    run_python("README.md", in_slicer, names)
    assert slicer.util.arrayFromVolume(names["color"]).any()
    for name in ("before_color", "after_color"):
        assert slicer.util.arrayFromVolume(slicer.util.getNode(name)).any()


def test_other_documents_have_no_python_that_is_not_run():
    # The example of an option is run by test_options.
    others = set(DOCUMENTS) - {"README.md", "docs/slicer.md", "docs/development-options.md"}
    assert not [document for document in others if blocks(document, "python")]


@pytest.fixture
def small_model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def run_colorize(words: Sequence[str]) -> None:
    """The words are the command's own, and the inputs are found where they say.

    What it does with them takes longer than is spent here: the tests of the command do it.
    """
    if words[:1] != ["batch"]:
        chosen = parser().parse_args(words)
        assert all(path.is_file() for path in chosen.inputs or [sample_path()])
        return
    for name in ("T1", "FLAIR", "T2"):
        Path("scans/sub-1").mkdir(parents=True, exist_ok=True)
        write_nifti(Path(f"scans/sub-1/{name}.nii.gz"))
    chosen = batch_parser().parse_args(words[1:])
    found = find_inputs(chosen.source, chosen.pattern or EVERYTHING)
    assert len(found) == (2 if chosen.pattern else 3)


def run_script(words: Sequence[str]) -> None:
    """They take minutes to hours: their options are known to them."""
    known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / words[0]).read_text(encoding="utf-8")))
    if words[0] == "Testing/fuzz/run.py":
        known |= {f"--{kind}" for kind in USUAL}
    assert {word for word in words if word.startswith("--")} <= known


def run_checks(words: Sequence[str]) -> None:
    assert os.access(ROOT / "run-tests", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / "run-tests"], check=True)


def run_cmake(words: Sequence[str]) -> None:
    """Configured and listed, in a folder of its own; the tests themselves run in pytest."""
    build = str(Path("build").absolute())
    configure = ["cmake", "-S", str(ROOT), "-B", build, f"-DSlicer_DIR={ROOT}/Testing/cmake"]
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    run_quietly([*configure, python])
    if "--test-dir" in words:
        said = run_quietly(["ctest", "--test-dir", build, "-N"])
        assert re.search(r"Total Tests: [1-9]", said)
    elif "--build" in words:
        run_quietly(["cmake", "--build", build])
    else:
        filled = [word.replace("$PWD/.venv/bin/python", sys.executable) for word in words]
        filled = [word.replace("$PWD", str(ROOT)) for word in filled]
        run_quietly(["cmake", *filled[:2], "-B", build, *filled[4:]])


def run_quietly(words: Sequence[str]) -> str:
    beside = Path(sys.executable).with_name(words[0])  # where pip puts it
    program = str(beside) if beside.is_file() else words[0]
    done = subprocess.run(
        [program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_dask(words: Sequence[str]) -> None:
    from distributed.cli import dask_scheduler, dask_worker

    command = {"scheduler": dask_scheduler, "worker": dask_worker}[words[0]].main
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def run_slicer(words: Sequence[str]) -> None:
    """Slicer itself is not here: its paths and its Python are right."""
    code = words[words.index("--python-code") + 1].replace("$PWD", str(ROOT))
    compile(code, "README.md", "exec")
    for word in (*words, code):
        for path in re.findall(r"\$PWD/([\w/]+)|" + re.escape(str(ROOT)) + r"/([\w/]+)", word):
            assert (ROOT / "".join(path)).is_dir(), word
    ((folder, name),) = re.findall(r"runUnitTest\(\['(.+)'\], '(\w+)'\)", code)
    assert (Path(folder) / f"{name}.py").is_file()


PROGRAMS = {
    "./mri-colorize": run_colorize,
    "./run-tests": run_checks,
    "python": run_script,
    "cmake": run_cmake,
    "ctest": run_cmake,
    "dask": run_dask,
    "Slicer": run_slicer,
}


@pytest.mark.parametrize(("document", "line"), lines_of_shell())
def test_a_line_of_shell_does_what_it_says(tmp_path, monkeypatch, document, line):
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(line, comments=True)
    PROGRAMS[program](words)


def test_the_slurm_file_is_read_and_names_what_dask_jobqueue_takes(tmp_path):
    from dask_jobqueue.core import Job, JobQueueCluster
    from dask_jobqueue.slurm import SLURMJob

    from MRIColorizeLib.batch.cluster import _slurm_settings

    (code,) = blocks("docs/batch.md", "toml")
    (tmp_path / "slurm.toml").write_text(code)
    told = tomllib.loads(code)
    settings = _slurm_settings(tmp_path / "slurm.toml")
    assert {key: settings[key] for key in told} == told
    known: set[str] = set()
    for kind in (Job, JobQueueCluster, SLURMJob):
        known |= set(inspect.signature(kind.__init__).parameters)
    assert set(told) <= known
