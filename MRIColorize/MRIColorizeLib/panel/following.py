"""The preview's button while it is down: the slice under the mouse, coloured after a pause."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import qt
import slicer
import vtk

from ..errors import InputError
from ..scene.nodes import Node

# How long a view must have stood still.
PAUSE_MS = 300


class PreviewFollower:
    """Starts a preview of the view that was scrolled, or anew when the choices changed.

    isBusy(): whether a run goes on; then it waits. what(view): all that the preview depends on,
    or InputError; what is shown already is not coloured again. start(view) begins a preview.
    say(text) is told why there is none.
    """

    def __init__(
        self,
        isBusy: Callable[[], bool],
        what: Callable[[Node], Hashable],
        start: Callable[[Node], object],
        say: Callable[[str], object],
    ) -> None:
        self._isBusy, self._what, self._start, self._say = isBusy, what, start, say
        self._view: Any = None
        self._shown: Hashable = None
        self._tags: list[tuple[Node, int]] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.connect("timeout()", self._onPause)

    @property
    def isOn(self) -> bool:
        """Whether it follows."""
        return bool(self._tags)

    def begin(self, view: Node) -> None:
        """Preview a view now, and follow from then on."""
        self.end()
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            self._tags.append((node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onMoved)))
        self._view = view
        self._onPause()

    def end(self) -> None:
        """Follow no longer."""
        self._timer.stop()
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._tags, self._view, self._shown = [], None, None

    def touch(self) -> None:
        """Something may have changed: look after a pause."""
        if self.isOn:
            self._timer.start()

    def _onMoved(self, view: Node, event: str) -> None:
        # Views that are linked move together, and the mouse is over one of them.
        self._view = view_under_mouse() or view
        self._timer.start()

    def _onPause(self) -> None:
        if self._isBusy():
            self._timer.start()
            return
        try:
            wanted = self._what(self._view)
        except InputError as error:
            self._say(str(error))
            return
        if wanted != self._shown:
            self._shown = wanted
            self._start(self._view)


def view_under_mouse() -> Node | None:
    """The slice view over which the mouse is, None when it is elsewhere."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0]) if crosshair is not None else None
