"""Claims about the tests themselves: none finds what another one left behind."""

import locale
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import SimpleITK as sitk
import torch

from global_state import kept

REPOSITORY = Path(__file__).resolve().parents[1]


def state() -> tuple:
    return (
        torch.get_num_threads(),
        sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(),
        locale.setlocale(locale.LC_ALL),
        {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        os.getcwd(),
        list(warnings.filters),
        sys.executable,
    )


def disturb(folder: Path) -> None:
    torch.set_num_threads(torch.get_num_threads() + 1)
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads + 1)
    locale.setlocale(locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8")
    os.environ["LEFT_BEHIND"] = os.environ.pop("PATH")
    os.environ["HOME"] = "/nowhere"
    os.chdir(folder)
    sys.executable = "/nowhere"
    warnings.simplefilter("error")


def test_everything_that_is_disturbed_comes_back(tmp_path):
    before = state()
    with kept():
        disturb(tmp_path)
        for was, now in zip(before, state(), strict=True):
            assert was != now
    assert state() == before


def failing(folder: Path) -> None:
    with kept():
        disturb(folder)
        raise ZeroDivisionError


def test_it_comes_back_after_a_failure_too(tmp_path):
    before = state()
    with pytest.raises(ZeroDivisionError):
        failing(tmp_path)
    assert state() == before


FIXTURES = ("state_of_the_file", "state_of_the_test")


def test_every_test_here_is_kept_apart(request):
    assert set(FIXTURES) <= set(request.fixturenames)


def test_every_test_that_slicer_runs_too_is_kept_apart():
    planned = subprocess.run(
        [sys.executable, "-m", "pytest", "--setup-plan", "MRIColorize/Testing/Python/test_run.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    for fixture in FIXTURES:
        assert f"SETUP    {'F' if fixture.endswith('test') else 'M'} {fixture}" in planned.stdout
