"""Puts the stand-ins where `import qt`, `slicer.parameterNodeWrapper` and others find them."""

from __future__ import annotations

import ctypes
import os
import sys

import slicer
import slicer.util
from PySide6 import QtWidgets

from . import ctk, i18n, modules, packaging, parameters, pythonqt, qmrml, sampledata, scripted
from .application import SlicerApplication
from .uiloader import UiLoader

_SUBMODULES = {
    "i18n": i18n,
    "packaging": packaging,
    "parameterNodeWrapper": parameters,
    "ScriptedLoadableModule": scripted,
}


def install() -> None:
    """Install the stand-ins once for this process."""
    if "qt" in sys.modules:
        return
    _keep_constants_alive()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    qt = pythonqt.reshape()
    vars(qt)["QUiLoader"] = UiLoader
    sys.modules.update(qt=qt, ctk=ctk.build(), SampleData=sampledata.build())
    for name, module in _SUBMODULES.items():
        sys.modules["slicer." + name] = module
        setattr(slicer, name, module)
    for widget in qmrml.WIDGETS:
        setattr(slicer, widget.__name__, widget)
    slicer.qSlicerScriptedLoadableModule = modules.qSlicerScriptedLoadableModule
    slicer.qSlicerScriptedLoadableModuleWidget = modules.qSlicerScriptedLoadableModuleWidget


def _keep_constants_alive() -> None:
    """Hold None, True and False against PySide6 6.12, which on Python 3.11 releases them too often.

    Each emitted signal takes one reference; after some thousands the interpreter aborts. From
    Python 3.12 on these objects are immortal and nothing is to be done.
    """
    if sys.version_info < (3, 12) and sys.implementation.name == "cpython":
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


def application() -> SlicerApplication:
    """The process's only application object; made on the first call."""
    existing = QtWidgets.QApplication.instance()
    if existing is None:
        existing = SlicerApplication()
        existing.setStyle("Fusion")
    return existing
