"""The panel's views: fade in the slices, rendering in 3D with its controls, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from .errors import MRIColorizeError
from .rendering import Look, rendering_of, set_look, show_slices, show_volume
from .scene import Node, in_scene, input_of
from .views import ViewsState, fade, faded, remember_views, restore_views


class ViewPanel:
    """Shows the chosen colour volume; `parameters()` gives the parameter node or None."""

    def __init__(self, ui: Any, parameters: Callable[[], Any]) -> None:
        self.ui = ui
        self._parameters = parameters
        self._before: ViewsState | None = None
        self._applied: tuple[str, Look] | None = None  # display node and look last given to it
        self.ui.fadeSlider.connect("valueChanged(double)", self._onFade)
        self.ui.showSlicesButton.connect("clicked()", self._onShowSlices)
        self.ui.show3DButton.connect("clicked(bool)", self._onShow3D)
        self.ui.restoreViewsButton.connect("clicked()", self._onRestore)

    def showResult(self, colorNode: Node) -> None:
        """Show a finished volume in the slices, and in 3D where it is shown there already."""
        self._remember()
        show_slices(colorNode, input_of(colorNode))
        display = rendering_of(colorNode)
        if display is not None and display.GetVisibility():
            show_volume(colorNode, look=self._look())
        self.update()

    def update(self) -> None:
        """Bring the controls in line with the chosen volume, and the rendering with them."""
        node = self._chosen()
        display = rendering_of(node)
        self.ui.fadeSlider.enabled = node is not None
        self.ui.showSlicesButton.enabled = node is not None
        self.ui.show3DButton.enabled = node is not None
        self.ui.restoreViewsButton.enabled = self._before is not None
        self.ui.show3DButton.checked = display is not None and bool(display.GetVisibility())
        blocked = self.ui.fadeSlider.blockSignals(True)  # showing is not fading
        self.ui.fadeSlider.value = faded()
        self.ui.fadeSlider.blockSignals(blocked)
        if display is not None and self._applied != (display.GetID(), self._look()):
            # Not on every change of the panel: edits made in Volume Rendering stay.
            set_look(display, self._look())
            self._applied = (display.GetID(), self._look())

    def forget(self) -> None:
        """There is no way back any more, as when the scene is closed."""
        self._before = None

    def _chosen(self) -> Node | None:
        parameters = self._parameters()
        return parameters.colorVolume if parameters is not None else None

    def _look(self) -> Look:
        chosen = self._parameters()
        if chosen is None:
            return Look()
        return Look(chosen.opacity3D, chosen.shift3D, chosen.gradient3D, chosen.lighting3D)

    def _remember(self) -> None:
        if self._before is None:
            self._before = remember_views()

    def _onFade(self, opacity: float) -> None:
        fade(opacity)

    def _onShowSlices(self) -> None:
        node = self._chosen()
        if in_scene(node):
            self._remember()
            show_slices(node, input_of(node))
            self.update()

    def _onShow3D(self, shown: bool) -> None:
        node = self._chosen()
        if not in_scene(node):
            return
        display = rendering_of(node)
        try:
            if shown:
                self._remember()
                show_volume(node, look=self._look())
            elif display is not None:
                display.SetVisibility(False)
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
        self.update()

    def _onRestore(self) -> None:
        if self._before is not None:
            restore_views(self._before, self._chosen())
        self._before = None
        self.update()
