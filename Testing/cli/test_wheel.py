"""Claims about the wheel: it carries model and sample, and works away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from cli.made import run_python, write_nifti


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel of this source tree, unpacked as an installer would, far from the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    repository = Path(__file__).resolve().parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def away(installed: Path, *arguments: object, cwd: Path):
    """Run Python where the installed package comes before any other."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return run_python(*arguments, cwd=cwd, env=environment)


def test_the_wheel_holds_the_package_its_model_its_sample_and_its_licence(installed):
    package = installed / "MRIColorizeLib"
    assert (package / "cli.py").is_file()
    assert (package / "Resources/Models/visible-human-body/weights.safetensors").is_file()
    assert (package / "Resources/Sample/head_t1_seg3d_defaced.nii.gz").is_file()
    (information,) = installed.glob("*.dist-info")
    assert (information / "licenses" / "LICENSE").is_file()
    assert {path.name for path in installed.iterdir()} == {package.name, information.name}


def test_the_installed_package_finds_its_own_model_and_sample(installed, tmp_path):
    script = (
        "import MRIColorizeLib.network.model as m; from MRIColorizeLib.files.naming import *; "
        "print(m.list_models()[0].directory); print(sample_path())"
    )
    answer = away(installed, "-c", script, cwd=tmp_path)
    model, sample = (Path(line) for line in answer.out.splitlines())
    for path in (model, sample):
        assert path.is_relative_to(installed)
        assert path.exists()


def test_the_installed_package_colours(installed, tmp_path):
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = away(installed, "-m", "MRIColorizeLib", path, cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert "Model visible-human-body" in answer.out
    assert (tmp_path / "head_color.nrrd").is_file()
