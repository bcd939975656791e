"""The panel's run: started, advanced by a timer, cancelled; progress, status line and log."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..engine.aside import finish_steps
from ..engine.run import Run
from ..errors import MRIColorizeError
from .closing import ClosingGuard


class RunPanel:
    """Drives one run at a time by a timer, says how it goes, and asks before Slicer is closed.

    installer: what has `ensure()`, like DependencyInstaller. onChanged() is called when the panel
    gets busy, when a run has begun and when it is over.
    """

    def __init__(self, ui: Any, installer: Any, onChanged: Callable[[], object]) -> None:
        self.ui = ui
        self.run: Run | None = None
        # While packages are installed Slicer goes on handling clicks.
        self._isStarting = False
        self._isCalledOff = False
        self._installer = installer
        self._onChanged = onChanged
        self._onResult: Callable[[Any], object] = lambda result: None
        self._cancelled = ""
        self._guard = ClosingGuard(self.cancel)
        self.ui.progressBar.visible = False
        self.ui.copyLogButton.connect("clicked()", self._onCopyLog)
        # A short look at the work each tick: between two of them Slicer handles clicks and paints.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(1)
        self._timer.connect("timeout()", self._onTick)

    @property
    def isBusy(self) -> bool:
        """Whether a run goes on or is being started."""
        return self._isStarting or self.run is not None

    def begin(
        self,
        start: Callable[..., Run],
        onResult: Callable[[Any], object],
        cancelled: str | None = None,
    ) -> None:
        """Install what is missing and start a run; does nothing while busy.

        start(**callbacks) makes it; onResult(result) is told of its end; cancelled: what the status
        line says when it was cancelled.
        """
        if self.isBusy:
            return
        self._onResult = onResult
        self._cancelled = cancelled or _("Cancelled: nothing was changed.")
        self._isStarting, self._isCalledOff = True, False
        self._onChanged()
        try:
            self._installer.ensure()
            if not self._isCalledOff:
                self.run = start(
                    onProgress=self._onProgress,
                    onFinished=self._onFinished,
                    onError=self._onError,
                    onCancelled=self._onCancelled,
                )
        except Exception as error:  # fail() tells a bug from what a person can act on
            self._isStarting = False
            self._onError(error)
            return
        self._isStarting = False
        if self.run is None:
            self._onCancelled()
            return
        self._setRunning(True)
        self.say(_("Loading the model..."))
        self._timer.start()

    def cancel(self) -> None:
        """Stop between two batches, or before the first; does nothing when nothing runs."""
        self._timer.stop()
        self._isCalledOff = True
        if self.run is not None:
            self.run.cancel()
        if self.run is not None:  # a batch is in work and has let Slicer handle the click
            self.ui.statusLabel.text = _("Cancelling after this batch...")

    def close(self) -> None:
        """Cancel, and wait until nothing computes any more, as before Slicer takes Python away."""
        self.cancel()
        finish_steps()

    def say(self, text: str) -> None:
        """Show a text in the status line and keep it in the log."""
        self.ui.statusLabel.text = text
        self.log(text)

    def log(self, text: str) -> None:
        """Keep a text in the log, with the time."""
        self.ui.logTextEdit.appendPlainText(f"{time.strftime('%H:%M:%S')} {text}")

    def fail(self, error: Exception) -> None:
        """Show an error in the status line, in the log and in a message box."""
        if isinstance(error, MRIColorizeError):
            text = str(error)
        else:
            logging.error("MRI Colorize failed", exc_info=error)
            self.log("".join(traceback.format_exception(error)).rstrip())
            text = _("Colouring failed ({error}): see the log.").format(
                error=f"{type(error).__name__}: {error}"
            )
        self.say(text)
        slicer.util.errorDisplay(text, windowTitle=_("MRI Colorize"))

    def _onTick(self) -> None:
        if self.run is not None and self.run.advance():
            self._timer.start()

    def _onProgress(self, done: int, total: int) -> None:
        self.ui.progressBar.maximum = total  # 0 shows a busy bar
        self.ui.progressBar.value = done
        if self.run is None or self.run.seconds_left is None:
            return
        self.ui.statusLabel.text = _(
            "{done} of {total} slices, {pace:.1f} slices/s, {left:.0f} s left"
        ).format(done=done, total=total, pace=self.run.slices_per_second,
                 left=self.run.seconds_left)  # fmt: skip

    def _onFinished(self, result: Any) -> None:
        notes = self.run.notes if self.run is not None else []
        self._setRunning(False)
        done = self._onResult(result)
        self.say("\n".join((str(done), *notes)))

    def _onCancelled(self) -> None:
        self._setRunning(False)
        self.say(self._cancelled)

    def _onError(self, error: Exception) -> None:
        notes = self.run.notes if self.run is not None else []
        self._setRunning(False)
        for note in notes:
            self.log(note)
        self.fail(error)

    def _setRunning(self, running: bool) -> None:
        if running:
            self._guard.begin()
        else:
            self.run = None
            self._guard.end()
        self.ui.progressBar.visible = running
        self.ui.progressBar.maximum = 0
        self._onChanged()

    def _onCopyLog(self) -> None:
        slicer.app.clipboard().setText(self.ui.logTextEdit.toPlainText())
