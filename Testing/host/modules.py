"""`slicer.modules`: the modules of the session, scripted ones and the logics of built-in ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from . import qmrml
from .pythonqt import StandIn


class qSlicerScriptedLoadableModuleWidget(qmrml.qMRMLWidget):
    """The C++ side of a scripted panel; `self()` is the Python widget object."""

    def __init__(self, module: qSlicerScriptedLoadableModule) -> None:
        super().__init__()
        self._module = module
        QtWidgets.QVBoxLayout(self)
        self._create()

    def _create(self) -> None:
        name = self._module.name
        self._python = getattr(self._module.source, name + "Widget")(self)
        setattr(slicer.modules, name + "Widget", self._python)

    def self(self) -> Any:
        return self._python

    def setup(self) -> None:
        self._python.setup()

    def enter(self) -> None:
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        if hasattr(self._python, "exit"):
            self._python.exit()

    def reload(self) -> None:
        """Build the panel anew from what is now in `sys.modules` (Reload in Slicer)."""
        self._module.source = sys.modules[self._module.name]
        self._create()
        self.setup()


class qSlicerScriptedLoadableModule:
    """A scripted module: what its class says about it, its logic and its panel."""

    # Slots, so that a module class cannot set what a Slicer module does not have.
    __slots__ = (
        *("name", "path", "title", "categories", "dependencies", "contributors", "helpText"),
        *("acknowledgementText", "icon", "hidden", "index", "source"),
        *("_panel", "_logic", "_described"),
    )

    def __init__(self, path: Path) -> None:
        self.name, self.path, self.title = path.stem, str(path), ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.helpText = self.acknowledgementText = ""
        self.icon, self.hidden, self.index = None, False, -1
        self.source: Any = None
        self._panel: Any = None
        self._logic: Any = None
        self._described: Any = None

    def load(self) -> None:
        """Import the file and let its module class describe the module."""
        self.source = _import_file(Path(self.path))
        self._described = getattr(self.source, self.name)(self)
        setattr(slicer.modules, self.name.lower(), self)
        setattr(slicer.modules, self.name + "Instance", self._described)
        if hasattr(self._described, "setup"):
            self._described.setup()

    def widgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget:
        """The panel; built on the first call."""
        if self._panel is None:
            self._panel = qSlicerScriptedLoadableModuleWidget(self)
            self._panel.setup()
            self._panel.setMRMLScene(slicer.mrmlScene)  # after setup, as Slicer does
        return self._panel

    def logic(self) -> Any:
        """The C++ logic of a scripted module, which is empty, as in Slicer."""
        if self._logic is None:
            self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()
        return self._logic

    def unload(self) -> None:
        """Clean the panel up and forget the module."""
        if self._panel is not None:
            self._panel.self().cleanup()
            self._panel.setMRMLScene(None)
            self._panel.deleteLater()
            self._panel = None


class BuiltInModule:
    """A module of Slicer of which only the real C++ logic is here."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name, self._logic = name, logic

    def logic(self) -> Any:
        return self._logic


class ModuleManager(StandIn, QtCore.QObject):
    """`slicer.app.moduleManager()`: finds modules by name."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)
    moduleLoaded = QtCore.Signal(str)
    cpp_signals = {
        "moduleAboutToBeUnloaded(QString)": "moduleAboutToBeUnloaded",
        "moduleLoaded(QString)": "moduleLoaded",
    }

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)

    def factoryManager(self) -> ModuleManager:
        return self

    def loadedModuleNames(self) -> list[str]:
        return [m.name for m in vars(slicer.modules).values() if hasattr(m, "widgetRepresentation")]


def _import_file(path: Path) -> ModuleType:
    """Import the module's file; like Slicer, take what is already imported from it."""
    present = sys.modules.get(path.stem)
    if present is not None and getattr(present, "__file__", None) == str(path):
        return present
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
