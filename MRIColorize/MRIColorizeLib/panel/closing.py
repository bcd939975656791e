"""Slicer is not closed in the middle of a run without a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _


class ClosingGuard:
    """Between `begin` and `end`: asks when the main window is closed; onStop() before it closes."""

    def __init__(self, onStop: Callable[[], object]) -> None:
        self._onStop = onStop
        self._window: Any = None
        self._filter = _CloseFilter(self.isStopped)

    def begin(self) -> None:
        """Watch the main window; Slicer has none when it only runs a script."""
        self.end()
        self._window = slicer.util.mainWindow()
        if self._window is not None:
            self._window.installEventFilter(self._filter)

    def end(self) -> None:
        """Watch no longer."""
        if self._window is not None:
            self._window.removeEventFilter(self._filter)
        self._window = None

    def isStopped(self) -> bool:
        """Ask; a run that is given up is cancelled."""
        question = _("MRI Colorize is still colouring. Stop it and close Slicer?")
        if not slicer.util.confirmYesNoDisplay(question, windowTitle=_("MRI Colorize")):
            return False
        self._onStop()
        return True


class _CloseFilter(qt.QObject):
    """Lets a window close when `isAllowed()` says so."""

    def __init__(self, isAllowed: Callable[[], bool]) -> None:
        qt.QObject.__init__(self)
        self._isAllowed = isAllowed

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Qt's hook: True keeps an event from the window."""
        if event.type() != qt.QEvent.Close or self._isAllowed():
            return False
        event.ignore()
        return True
