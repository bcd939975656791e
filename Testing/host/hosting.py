"""`Host`: starts a session, opens scripted modules, plays the person, takes the pictures."""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from . import i18n, packaging
from .installation import application, install
from .launchers import make_launchers
from .modules import BuiltInModule, qSlicerScriptedLoadableModule
from .session import Session
from .views import write_png


@dataclass(frozen=True)
class LoadedModule:
    """An opened scripted module: its source, its Python widget and the panel that shows it."""

    name: str
    source: ModuleType
    widget: Any
    panel: Any

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def logic(self) -> Any:
        return self.widget.logic


@dataclass(frozen=True)
class Message:
    """What a module logged or would have shown in a message box."""

    level: int
    text: str


class _Listener(logging.Handler):
    def __init__(self, messages: list[Message]) -> None:
        super().__init__(logging.INFO)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(Message(record.levelno, record.getMessage()))


class Host:
    """One session of the stand-in Slicer, as a context manager.

    `layout=False` starts it without views (`slicer.app.layoutManager()` is None), as Slicer's
    generic module tests do. An exception in a slot or an observer, which Slicer would print to
    its console, is raised by the next call of the host, or at the end.
    """

    def __init__(self, layout: bool = True) -> None:
        self._layout = layout
        self._errors: list[BaseException] = []
        self._opened: list[qSlicerScriptedLoadableModule] = []
        self.messages: list[Message] = []

    def __enter__(self) -> Host:
        install()
        self._leave = contextlib.ExitStack()
        folder = self._leave.enter_context(tempfile.TemporaryDirectory(prefix="host-"))
        self._session = Session(Path(folder), self._layout)
        self._leave.callback(self._session.close)
        slicer.app, slicer.mrmlScene = application(), self._session.scene
        self._session.scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, _refuse_crashes)
        self._leave.callback(setattr, sys, "executable", sys.executable)
        sys.executable = make_launchers(Path(folder))
        slicer.selfTests = {}
        slicer.modules = ModuleType("slicer.modules")
        slicer.modules.sampleDataSources = {}
        for name, logic in self._session.logics.items():
            setattr(slicer.modules, name, BuiltInModule(name, logic))
        slicer.app.begin(self._session, Path(folder))
        self._leave.callback(slicer.app.end)
        packaging.REQUESTS.clear()
        i18n.ASKED.clear()
        self._listen()
        return self

    def _listen(self) -> None:
        """Collect what is logged and what slots let out, until the session ends."""
        root, listener = logging.getLogger(), _Listener(self.messages)
        self._leave.callback(root.setLevel, root.level)
        self._leave.callback(root.removeHandler, listener)
        self._leave.callback(setattr, sys, "excepthook", sys.excepthook)
        root.addHandler(listener)
        root.setLevel(min(root.level, logging.INFO))
        sys.excepthook = self._note_error

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        with self._leave:
            for module in reversed(self._opened):
                with contextlib.suppress(Exception) if error else contextlib.nullcontext():
                    slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(module.name)
                    module.unload()
            slicer.app.processEvents()
        if error is None:
            self.raise_errors()

    def _note_error(self, _kind: Any, error: BaseException, _trace: Any) -> None:
        self._errors.append(error)

    def raise_errors(self) -> None:
        """Raise the first exception that a slot or an observer let out since the last call."""
        if self._errors:
            first, self._errors[:] = self._errors[0], []
            raise first

    @property
    def scene(self) -> Any:
        return self._session.scene

    @property
    def package_requests(self) -> list[packaging.Request]:
        """What the modules asked `slicer.packaging` for."""
        return packaging.REQUESTS

    def load_module(self, path: str | Path) -> LoadedModule:
        """Open `<Name>.py` as Slicer does: describe, start-up signal, panel, `setup`, `enter`."""
        module = qSlicerScriptedLoadableModule(Path(path).resolve())
        module.load()
        self._opened.append(module)
        slicer.app.startupCompleted.emit()
        panel = module.widgetRepresentation()
        panel.show()
        panel.enter()
        self.process_events()
        return LoadedModule(module.name, module.source, panel.self(), panel)

    def process_events(self) -> None:
        """Let Qt deliver what is pending, then raise what went wrong."""
        for _ in range(3):
            slicer.app.processEvents()
        self.raise_errors()

    def wait_until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        """Process events until `condition()` holds; TimeoutError after `seconds`."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"nothing after {seconds} s")
            slicer.app.processEvents(QtCore.QEventLoop.AllEvents, 20)
            self.raise_errors()

    def later(self, action: Callable[[], Any], milliseconds: int = 0) -> None:
        """Do `action` from the event loop, such as pressing Cancel while a click is at work."""

        def act() -> None:
            try:
                action()
            except Exception as error:  # some PySide6 do not survive one in a single shot
                self._errors.append(error)

        QtCore.QTimer.singleShot(milliseconds, act)

    def click(self, button: QtWidgets.QAbstractButton) -> None:
        """Press a button with the mouse; RuntimeError if a person could not."""
        if not button.enabled or not button.visible:
            state = "disabled" if button.visible else "hidden"
            raise RuntimeError(f"button '{button.objectName}' is {state}: {button.toolTip}")
        QtTest.QTest.mouseClick(button, QtCore.Qt.LeftButton)
        self.process_events()

    def screenshot(
        self, widget: QtWidgets.QWidget, path: str | Path, width: int = 460
    ) -> np.ndarray:
        """Write a picture of a widget; returns it as uint8 (height, width, 3)."""
        widget.show()
        hint = widget.sizeHint  # a method where a stand-in overrides it
        widget.resize(width, max((hint() if callable(hint) else hint).height(), 80))
        self.process_events()
        image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
        write_png(Path(path), pixels)
        return pixels

    def render_slices(
        self,
        path: str | Path,
        background: Any = None,
        foreground: Any = None,
        opacity: float | None = None,
        size: int = 300,
    ) -> np.ndarray:
        """Write the Red, Yellow and Green views side by side; returns uint8 (size, 3 size, 3).

        Nodes that are given are put into the views first; otherwise what the module has shown.
        """
        if background is not None:
            slicer.util.setSliceViewerLayers(background=background)
        if foreground is not None:
            slicer.util.setSliceViewerLayers(foreground=foreground)
        if opacity is not None:
            slicer.util.setSliceViewerLayers(foregroundOpacity=opacity)
        pictures = [self._slice_picture(name, size) for name in ("Red", "Yellow", "Green")]
        pixels = np.concatenate(pictures, axis=1)
        write_png(Path(path), pixels)
        return pixels

    def _slice_picture(self, name: str, size: int) -> np.ndarray:
        widget = slicer.app.layoutManager().sliceWidget(name)
        widget.sliceView().resize(size, size)
        widget.fitSliceToBackground()
        self.process_events()
        return widget.sliceView().picture()

    def render_volume(
        self,
        path: str | Path,
        node: Any = None,
        direction: tuple[float, float, float] | None = (0.6, 1.0, 0.4),
        size: int = 300,
    ) -> np.ndarray:
        """Write the 3D view seen from `direction` (RAS); returns uint8 (size, size, 3).

        None leaves the camera where the module put it.

        A given volume node gets default volume rendering first (the logic is Slicer's, its
        presets are not); otherwise the view shows what the module has made visible.
        """
        if node is not None:
            logic = self._session.logics["volumerendering"]
            display = logic.GetFirstVolumeRenderingDisplayNode(node)
            display = display or logic.CreateDefaultVolumeRenderingNodes(node)
            display.SetVisibility(True)
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        view.resize(size, size)
        if direction is not None:
            view.look_from(direction)
        pixels = view.picture()
        write_png(Path(path), pixels)
        return pixels

    def window(self, path: str | Path, module: LoadedModule, size: int = 360) -> np.ndarray:
        """Write a picture of the panel beside the four views, laid out as Slicer's window is."""
        with _scratch() as folder:
            panel = self.screenshot(module.panel, folder / "panel.png")
            slices = self.render_slices(folder / "slices.png", size=size)
            volume = self.render_volume(folder / "volume.png", size=size)
        red, yellow, green = np.split(slices, 3, axis=1)
        views = np.vstack([np.hstack([red, volume]), np.hstack([green, yellow])])
        height = max(len(panel), len(views))
        pixels = np.full((height, panel.shape[1] + views.shape[1], 3), 240, np.uint8)
        pixels[: len(panel), : panel.shape[1]] = panel
        pixels[: len(views), panel.shape[1] :] = views
        write_png(Path(path), pixels)
        return pixels


@vtk.calldata_type(vtk.VTK_OBJECT)
def _refuse_crashes(_scene: Any, _event: str, node: Any) -> None:
    """Raise what would end the real application: a displayable manager compares layout names."""
    if node.IsA("vtkMRMLSliceNode") and not node.GetLayoutName():
        raise RuntimeError(f"a slice node without layout name ({node.GetName()}) crashes Slicer")


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
