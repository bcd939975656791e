"""The panel's views: fade in the slices, rendering in 3D with its controls, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import MRIColorizeError
from ..scene.comparing import Comparison, end_comparison, side_by_side
from ..scene.cutting import CUTS, FACING, cut_of, cut_open, mend
from ..scene.nodes import INPUT_REFERENCE, Node, in_scene, input_of, input_or
from ..scene.picture import write_picture
from ..scene.rendering import Look, hide_volume, rendering_of, set_look, show_slices, show_volume
from ..scene.views import (
    ViewsState,
    ensure_3d_view,
    fade,
    faded,
    is_on_top,
    remember_views,
    restore_views,
)

# What the box of cuts offers, in order; None is the whole.
CHOICES = (None, *CUTS, FACING)


class ViewPanel:
    """Shows the chosen colour volume; `parameters()` gives the parameter node."""

    def __init__(self, ui: Any, parameters: Callable[[], Any]) -> None:
        self.ui = ui
        self._parameters = parameters
        self._before: ViewsState | None = None
        self._comparison: Comparison | None = None  # while MRI and colours are side by side
        self._applied: tuple[str, Look] | None = None  # display node and look last given to it
        for name in CHOICES:
            self.ui.cutComboBox.addItem(cut_names()[name])
        self.ui.fadeSlider.connect("valueChanged(double)", self._onFade)
        self.ui.showSlicesButton.connect("clicked()", self._onShowSlices)
        self.ui.show3DButton.connect("clicked(bool)", self._onShow3D)
        self.ui.sideBySideButton.connect("clicked(bool)", self._onSideBySide)
        self.ui.savePictureButton.connect("clicked()", self._onSavePicture)
        self.ui.cutComboBox.connect("activated(int)", self._onCut)
        self.ui.restoreViewsButton.connect("clicked()", self._onRestore)

    def showResult(self, colorNode: Node) -> None:
        """Show a finished volume in the slices, and in 3D where it is shown there already."""
        self._leaveComparison()
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
        reason = self._whyNoFade(node)
        self.ui.fadeSlider.enabled = not reason
        self.ui.fadeSlider.toolTip = reason or _(
            "In the slice views: 0 shows the MRI, 1 the colours."
        )
        hasLayout = slicer.app.layoutManager() is not None
        self.ui.sideBySideButton.checked = self._comparison is not None
        self.ui.sideBySideButton.enabled = hasLayout and (
            self._comparison is not None or not reason
        )
        self.ui.sideBySideButton.toolTip = reason or _(
            "The MRI on the left, the colours on the right; both scroll and zoom together. Press "
            "again to go back."
        )
        self.ui.savePictureButton.enabled = hasLayout and node is not None
        self.ui.showSlicesButton.enabled = node is not None
        self.ui.show3DButton.enabled = node is not None
        self.ui.restoreViewsButton.enabled = self._before is not None
        isShown = display is not None and bool(display.GetVisibility())
        self.ui.show3DButton.checked = isShown
        chosen = cut_of(display)
        self.ui.cutComboBox.enabled = isShown
        self.ui.cutComboBox.currentIndex = CHOICES.index(chosen) if chosen in CHOICES else -1
        self.ui.cutComboBox.toolTip = (
            _(
                "Cut the rendering open towards the viewer, whose camera turns there unless you "
                "moved it; drag the handles of the box to cut elsewhere."
            )
            if isShown
            else _("Show the colours in 3D first.")
        )
        blocked = self.ui.fadeSlider.blockSignals(True)  # showing is not fading
        self.ui.fadeSlider.value = faded()
        self.ui.fadeSlider.blockSignals(blocked)
        if display is not None and self._applied != (display.GetID(), self._look()):
            # Not on every change of the panel: edits made in Volume Rendering stay.
            set_look(display, self._look())
            self._applied = (display.GetID(), self._look())

    def forget(self) -> None:
        """There is no way back any more, as when the scene is closed."""
        self._before = self._comparison = None

    def _chosen(self) -> Node | None:
        return self._parameters().colorVolume

    def _mri(self, node: Node) -> Node | None:
        """The MRI of a colour volume: its own, else the chosen one when it lies there too."""
        return input_or(node, self._parameters().inputVolume)

    def _linked(self, node: Node) -> Node | None:
        """The same for a volume that is shown, which knows its MRI from then on."""
        mri = self._mri(node)
        if mri is not None and mri is not input_of(node):
            node.SetNodeReferenceID(INPUT_REFERENCE, mri.GetID())
        return mri

    def _whyNoFade(self, node: Node | None) -> str:
        if not in_scene(node):
            return _("There are no colours yet: colour an MRI or choose a colour volume.")
        if self._mri(node) is None:
            return _("{name} knows no MRI: choose above the one that it was made from.").format(
                name=node.GetName()
            )
        return ""

    def _look(self) -> Look:
        chosen = self._parameters()
        return Look(chosen.opacity3D, chosen.shift3D, chosen.gradient3D, chosen.lighting3D)

    def _remember(self) -> None:
        if self._before is None:
            self._before = remember_views()

    def _onFade(self, opacity: float) -> None:
        node = self._chosen()
        mri = self._linked(node) if in_scene(node) else None
        if mri is None or is_on_top(node):
            fade(opacity)
            return
        self._leaveComparison()
        self._remember()
        show_slices(node, mri, opacity)
        self.update()

    def _onShowSlices(self) -> None:
        node = self._chosen()
        if in_scene(node):
            self._leaveComparison()
            self._remember()
            show_slices(node, self._linked(node))
            self.update()

    def _onSideBySide(self, isOn: bool) -> None:
        node = self._chosen()
        mri = self._linked(node) if in_scene(node) else None
        self._leaveComparison()
        if isOn and mri is not None:
            self._comparison = side_by_side(node, mri)
        self.update()

    def _leaveComparison(self) -> None:
        if self._comparison is not None:
            end_comparison(self._comparison)
        self._comparison = None

    def _onSavePicture(self) -> None:
        node = self._chosen()
        path = self.askFile(f"{node.GetName()}.png") if in_scene(node) else ""
        if not path:
            return
        try:
            write_picture(node, Path(path))
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
        else:
            self.ui.statusLabel.text = _("{path} was written.").format(path=path)

    def askFile(self, name: str) -> str:
        """Ask where a picture shall go; "" when the person declines."""
        kinds = _("Pictures") + " (*.png)"
        path = qt.QFileDialog.getSaveFileName(None, _("Save picture"), name, kinds)
        return path if not path or path.lower().endswith(".png") else f"{path}.png"

    def _onShow3D(self, shown: bool) -> None:
        node = self._chosen()
        if not in_scene(node):
            return
        try:
            if shown:
                self._leaveComparison()
                self._remember()
                self._make3DView()
                show_volume(node, self._linked(node), self._look())
            else:
                hide_volume(node)
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
        self.update()

    def _make3DView(self) -> None:
        """Show a 3D view; the first layout that is left for it comes back with the views."""
        layout = ensure_3d_view()
        if layout is not None and self._before is not None and self._before.layout is None:
            self._before = replace(self._before, layout=layout)

    def _onCut(self, index: int) -> None:
        display, name = rendering_of(self._chosen()), CHOICES[index]
        if display is not None and name is not None:
            cut_open(display, name)
        elif display is not None:
            mend(display)
        self.update()

    def _onRestore(self) -> None:
        self._leaveComparison()
        if self._before is not None:
            restore_views(self._before, self._chosen())
        self._before = None
        self.update()


def cut_names() -> dict[str | None, str]:
    """What a person reads for each cut; None is the whole."""
    return {
        None: _("Nothing"),
        "top": _("Top"),
        "front": _("Front"),
        "left": _("Left half"),
        "right": _("Right half"),
        "corner": _("Corner"),
        FACING: _("What faces me"),
    }
