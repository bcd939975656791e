"""Claims about `import MRIColorizeLib`: what it offers, and that it asks for nothing before use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import MRIColorizeLib
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.engine.recoloring import recolor
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.network.model import list_models, load_model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import ColorVolume, Volume

PUBLIC = {
    "Colorizer": Colorizer,
    "ColorizeOptions": ColorizeOptions,
    "ColorVolume": ColorVolume,
    "Volume": Volume,
    "list_models": list_models,
    "load_model": load_model,
    "read_volume": read_volume,
    "recolor": recolor,
    "write_color": write_color,
}
PACKAGE_FOLDER = Path(MRIColorizeLib.__file__).parents[1]


def test_the_public_names_are_these():
    assert sorted(MRIColorizeLib.__all__) == sorted(PUBLIC)
    assert {name: getattr(MRIColorizeLib, name) for name in PUBLIC} == PUBLIC
    assert set(PUBLIC) <= set(dir(MRIColorizeLib))


def test_other_names_are_told_as_of_any_module():
    with pytest.raises(AttributeError, match="no attribute 'Colorize'"):
        MRIColorizeLib.Colorize  # noqa: B018
    with pytest.raises(ImportError, match="Colorize"):
        from MRIColorizeLib import Colorize  # noqa: F401


# What may be used while the heavy packages are not there yet.
@pytest.mark.parametrize(
    "code",
    [
        "import MRIColorizeLib",
        "from MRIColorizeLib import ColorizeOptions, ColorVolume, Volume, list_models, load_model",
        "from MRIColorizeLib import read_volume, write_color",
        "from MRIColorizeLib import ColorizeOptions, list_models; ColorizeOptions(); list_models()",
        "import MRIColorizeLib.provenance, MRIColorizeLib.tissue, MRIColorizeLib.staging",
    ],
)
def test_importing_needs_neither_torch_nor_simpleitk(code):
    blocked = "import sys; sys.modules.update(torch=None, SimpleITK=None); "
    done = subprocess.run(
        [sys.executable, "-c", blocked + code],
        env={"PYTHONPATH": str(PACKAGE_FOLDER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
