"""Claims about the extension as CMake builds, tests and installs it, with a stand-in for Slicer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "MRIColorize"
MODULES_FOLDER = Path("lib/Slicer/qt-scripted-modules")


def run(*command, **options):
    """Run a command; its output is the message when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def program(name):
    """A program: beside Python, where pip puts it, or on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    assert found, f"{name} is missing: pip install {name}"
    return found


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """The extension configured, built and installed: (build folder, install folder)."""
    build, installed = (tmp_path_factory.mktemp(name) for name in ("build", "installed"))
    stub = REPOSITORY / "Testing" / "cmake"
    run(program("cmake"), "-S", str(REPOSITORY), "-B", str(build), f"-DSlicer_DIR={stub}",
        "-DMRIColorize_TEST_WITH_PYTORCH=ON",
        "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={program('ninja')}",
        f"-DPython3_EXECUTABLE={sys.executable}")  # fmt: skip
    run(program("cmake"), "--build", str(build))
    run(program("cmake"), "--install", str(build), "--prefix", str(installed))
    return build, installed


def files_below(folder, *leave_out):
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if not {"__pycache__", *leave_out} & set(path.parts)}


def test_install_tree_holds_the_module_and_nothing_else(trees):
    expected = files_below(MODULE, "Testing", "CMakeLists.txt")
    assert files_below(trees[1] / MODULES_FOLDER) == expected


def test_installed_module_opens_and_finds_its_model_sample_and_palettes(trees):
    code = f"""
from host import Host
with Host(layout=False) as host:
    module = host.load_module({str(trees[1] / MODULES_FOLDER / "MRIColorize.py")!r})
    assert module.ui.modelComboBox.count > 0
    assert module.ui.presetComboBox.count > 2
    module.ui.sampleButton.click()
    assert module.ui.colorizeButton.enabled
"""
    path = os.pathsep.join([str(trees[1] / MODULES_FOLDER), str(REPOSITORY / "Testing")])
    environment = {**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"}
    run(sys.executable, "-c", code, env=environment, cwd=trees[1])


def test_ctest_knows_every_test_file_and_runs_it(trees):
    listed = run(program("ctest"), "--test-dir", str(trees[0]), "-N")
    for file in (MODULE / "Testing" / "Python").glob("test_*.py"):
        assert f"py_{file.stem}\n" in listed
    assert "py_MRIColorize\n" in listed
    run(program("ctest"), "--test-dir", str(trees[0]), "-R", "^py_test_run$")
