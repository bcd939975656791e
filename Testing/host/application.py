"""`slicer.app`: a real QApplication with the members of Slicer's that modules use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets

from .files import CoreIOManager
from .modules import ModuleManager
from .pythonqt import StandIn
from .views import LayoutManager

_VERSION = (5, 12, 0)


class SlicerApplication(StandIn, QtWidgets.QApplication):
    """One per process; `begin` and `end` give it a session's scene, views and settings."""

    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)
    cpp_signals = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}

    majorVersion, minorVersion, releaseType = _VERSION[0], _VERSION[1], "Experimental"
    documentationBaseUrl = "https://slicer.readthedocs.io/en/latest/"

    def __init__(self) -> None:
        QtWidgets.QApplication.__init__(self, ["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("Host")
        self.setApplicationVersion(".".join(map(str, _VERSION)))
        self._session: Any = None
        self._layout: LayoutManager | None = None

    def begin(self, session: Any, folder: Path) -> None:
        """Take up a session; settings and temporary files live below `folder`."""
        settings = QtCore.QSettings
        settings.setDefaultFormat(settings.IniFormat)
        for scope in (settings.UserScope, settings.SystemScope):
            settings.setPath(settings.IniFormat, scope, str(folder / "settings"))
        self._session, self._folder = session, folder
        self._modules = ModuleManager()
        self._io = CoreIOManager(session)
        self._layout = LayoutManager(session) if session.layout_logic is not None else None

    def end(self) -> None:
        if self._layout is not None:
            self._layout.close()
        self._session = self._layout = None

    @property
    def temporaryPath(self) -> str:
        return str(self._folder)

    @property
    def slicerHome(self) -> str:
        return str(self._folder)

    @property
    def cachePath(self) -> str:
        return str(self._folder / "cache")

    def mrmlScene(self) -> Any:
        return self._session.scene

    def applicationLogic(self) -> Any:
        return self._session.application_logic

    def layoutManager(self) -> LayoutManager | None:
        return self._layout

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def coreIOManager(self) -> CoreIOManager:
        return self._io

    def settings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def userSettings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def revisionUserSettings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def testingEnabled(self) -> bool:
        return True

    def moduleDocumentationUrl(self, moduleName: str) -> str:
        return self.documentationBaseUrl + moduleName

    def pauseRender(self) -> None:
        self.applicationLogic().PauseRender()

    def resumeRender(self) -> None:
        self.applicationLogic().ResumeRender()

    def restart(self) -> None:
        raise RuntimeError("the module asked Slicer to restart")
