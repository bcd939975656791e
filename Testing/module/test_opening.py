"""Claims about opening and reloading the module that only the host can put to the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host import Host

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "MRIColorize" / "MRIColorize.py"


@pytest.fixture
def windowless_host():
    with Host(layout=False) as host:
        yield host


def run_python(code, folder=MODULE.parent):
    """Run code in a Python of its own, with the host and a module's folder on its path."""
    path = [str(REPOSITORY / "Testing"), str(folder)]
    path += filter(None, [os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_panel_works_without_a_main_window_and_views(windowless_host):
    import slicer

    module = windowless_host.load_module(MODULE)
    assert slicer.app.layoutManager() is None
    assert not module.ui.colorizeButton.enabled
    slicer.util.addVolumeFromArray(module.source.phantom(), name="Phantom")
    windowless_host.process_events()
    windowless_host.click(module.ui.colorizeButton)
    windowless_host.wait_until(lambda: module.ui.colorizeButton.text == "Colorize", seconds=300)
    assert "Phantom_color" in module.ui.statusLabel.text


def test_opening_the_panel_imports_no_torch_and_asks_for_no_package():
    child = run_python(f"""
import sys
from host import Host
with Host() as host:
    host.load_module({str(MODULE)!r})
    assert not host.package_requests, host.package_requests
    heavy = {{"torch", "safetensors", "SimpleITK", "scipy", "skimage"}} & set(sys.modules)
    assert not heavy, heavy
""")
    assert child.returncode == 0, child.stderr


def test_reload_takes_up_a_change_in_the_library(tmp_path):
    folder = tmp_path / "MRIColorize"
    shutil.copytree(MODULE.parent / "MRIColorizeLib", folder / "MRIColorizeLib")
    shutil.copytree(MODULE.parent / "Resources", folder / "Resources")
    shutil.copy(MODULE, folder)
    child = run_python(
        f"""
from pathlib import Path
from host import Host
with Host() as host:
    opened = host.load_module({str(folder / "MRIColorize.py")!r})
    assert "choose an MRI volume" in opened.ui.statusLabel.text
    library = Path({str(folder)!r}) / "MRIColorizeLib" / "scene" / "nodes.py"
    text = library.read_text()
    library.write_text(text.replace("choose an MRI volume to colour", "a sentence just edited"))
    opened.widget.onReload()
    import slicer
    status = slicer.modules.MRIColorizeWidget.ui.statusLabel.text
    assert "a sentence just edited" in status, status
""",
        folder,
    )
    assert child.returncode == 0, child.stderr
