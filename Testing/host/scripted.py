"""`slicer.ScriptedLoadableModule`: the four base classes that scripted modules derive from.

They do what a module relies on (names, resources, the parameter node, self-tests) and nothing of
the developer section.
"""

from __future__ import annotations

import importlib
import logging
import unittest
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtWidgets

from . import qmrml

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


def _stem(instance: object, suffix: str) -> str:
    return type(instance).__name__.removesuffix(suffix)


class ScriptedLoadableModule:
    """Describes a module to Slicer through `parent` (title, categories, help text...)."""

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        return f"<p>Documentation of {docPage or self.moduleName}</p>"

    def runTest(self, msec: int = 100, **options: Any) -> None:
        """Run `<ModuleName>Test.runTest`, which must exist."""
        name = self.moduleName + "Test"
        test_class = getattr(importlib.import_module(type(self).__module__), name, None)
        if test_class is None:
            raise AssertionError(f"{type(self).__module__} has no class {name}")
        test = test_class()
        test.messageDelay = msec
        test.runTest(**options)


class ScriptedLoadableModuleWidget:
    """The panel: builds itself in `setup()` into `self.layout` of `self.parent`."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = _stem(self, "Widget")
        self.developerMode = False
        self.parent = parent
        if parent is None:
            self.parent = qmrml.qMRMLWidget()
            self.parent.setLayout(QtWidgets.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """Slicer adds its developer section here; the host adds nothing."""

    def cleanup(self) -> None:
        """Called before the module is unloaded."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    """The computation and the module's parameter node."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = _stem(self, "Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's parameter node in the scene; made when there is none."""
        nodes = self.getAllParameterNodes()
        if self.isSingletonParameterNode:
            kind = "vtkMRMLScriptedModuleNode"
            single = slicer.mrmlScene.GetSingletonNode(self.moduleName, kind)
            nodes = [single] if single is not None else []
        if not nodes:
            return slicer.mrmlScene.AddNode(self.createParameterNode())
        nodes[0].SetAttribute("ModuleName", self.moduleName)  # closing a scene drops it
        return nodes[0]

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [n for n in nodes if n.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of self-tests: `runTest` runs every method whose name has "test" in it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.messageDelay = 0

    def delayDisplay(self, message: str, requestedDelay: int | None = None, **_: Any) -> None:
        logging.info(message)
        slicer.app.processEvents()

    def takeScreenshot(self, name: str, description: str, type: int = -1) -> None:
        self.delayDisplay(description)

    def runTest(self) -> None:
        names = [n for n in dir(self) if "test" in n and callable(getattr(self, n))]
        self.setUpClass()
        for name in names:
            self.setUp()
            getattr(self, name)()
            self.tearDown()
        self.tearDownClass()
