"""Claims about the launchers, run with a Python that only writes down how it was called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Answers like the Python of a fresh environment: it has pip, and no torch.
PRETENDER = """#!/bin/sh
echo "$*" >> "$(dirname "$0")/../../calls"
case "$*" in
    *"$FAIL"*) [ -n "$FAIL" ] && exit 1 ;;
esac
case "$1" in -c) exit 1 ;; esac
exit 0
"""
FILES = ("mri-colorize", "run-tests", "environment.sh", "pyproject.toml", "constraints.txt")
PYTEST = "-m pytest -n logical --maxprocesses 4 --dist loadfile"
LAUNCHERS = [("mri-colorize", "batch", "-m MRIColorizeLib"), ("run-tests", "test", PYTEST)]


@pytest.fixture
def checkout(tmp_path, repository) -> Path:
    """A copy of what the launchers read, in a folder with a blank, with a pretended environment."""
    root = tmp_path / "a clone"
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in FILES:
        shutil.copy(repository / name, root / name)
    python = root / ".venv" / "bin" / "python"
    python.write_text(PRETENDER)
    python.chmod(0o755)
    return root


def launch(
    checkout: Path, name: str, *arguments: str, fail: str = "", path: str = ""
) -> tuple[int, str, list[str]]:
    """Exit code, standard error and the calls of Python."""
    (checkout / "calls").write_text("")
    done = subprocess.run(
        [str(checkout / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FAIL": fail, "PATH": f"{path}:{os.environ['PATH']}"},
    )
    return done.returncode, done.stderr, (checkout / "calls").read_text().splitlines()


@pytest.mark.parametrize(("name", "extra", "job"), LAUNCHERS)
def test_the_first_time_sets_up_and_the_second_time_runs_no_pip(checkout, name, extra, job):
    code, said, calls = launch(checkout, name, "--some", "argument")
    assert code == 0
    assert "Set-up took" in said
    (install,) = [call for call in calls if "-e " in call]
    assert install.endswith(f"-e {checkout}[{extra}]")
    assert f"-c {checkout}/constraints.txt" in install
    assert f"{job} --some argument" in calls
    code, said, calls = launch(checkout, name, "--some", "argument")
    assert code == 0
    assert "Set-up" not in said
    assert not [call for call in calls if "pip" in call]
    assert f"{job} --some argument" in calls


def test_the_command_line_adds_one_call_of_python_and_nothing_else(checkout):
    launch(checkout, "mri-colorize")
    assert launch(checkout, "mri-colorize", "a b.nii", "-o", "c d")[2] == [
        "-m MRIColorizeLib a b.nii -o c d"
    ]


def test_the_tests_environment_serves_the_command_line_too(checkout):
    launch(checkout, "run-tests")
    assert not [call for call in launch(checkout, "mri-colorize")[2] if "pip" in call]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(checkout, name):
    launch(checkout, "mri-colorize")
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    assert [call for call in launch(checkout, "mri-colorize")[2] if "-e " in call]


@pytest.mark.parametrize("card", [True, False])
def test_the_cpu_build_is_tried_first_where_there_is_no_card_and_is_no_must(checkout, card):
    smi = checkout / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text(f"#!/bin/sh\nexit {0 if card else 1}\n")
    smi.chmod(0o755)
    code, _, calls = launch(checkout, "mri-colorize", fail="+cpu", path=str(smi.parent))
    assert code == 0
    installs = [call for call in calls if "pip install" in call]
    assert [call.endswith("+cpu") for call in installs] == ([False] if card else [True, False])
    assert "-e " in installs[-1]


def test_a_failed_set_up_is_told_and_tried_again(checkout):
    code, said, calls = launch(checkout, "mri-colorize", fail="-e ")
    assert code == 1
    assert ".set-up.log" in said
    assert not [call for call in calls if "MRIColorizeLib" in call and "pip" not in call]
    code, said, _ = launch(checkout, "mri-colorize")
    assert code == 0
    assert "Set-up took" in said


def test_a_failed_check_is_the_result_of_run_tests_and_the_others_still_run(checkout):
    launch(checkout, "run-tests")
    code, said, calls = launch(checkout, "run-tests", fail="ruff check")
    assert code == 1
    assert "FAILED: ruff check" in said
    assert PYTEST in calls
    assert launch(checkout, "run-tests")[0] == 0


def test_continuous_integration_runs_the_tests(repository):
    assert "./run-tests" in (repository / ".ci" / "run").read_text()
    for name in ("mri-colorize", "run-tests", ".ci/run"):
        assert os.access(repository / name, os.X_OK)


def test_constraints_are_versions_only(repository):
    for line in (repository / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            assert name
            assert version[0].isdigit()
            assert not set(version) & set("/:+@ ")
