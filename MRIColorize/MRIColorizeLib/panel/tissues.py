"""The tissues of the shown volume, in the rows of the palette: eyes, opacity, ml, surfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import MRIColorizeError
from ..scene.nodes import Node, in_scene
from ..scene.repainting import Repainter
from ..scene.results import tissue_of
from ..scene.tissues import (
    are_surfaces_shown,
    hide_surfaces,
    map_state,
    milliliters,
    opacity_of,
    set_opacity,
    show_surfaces,
    show_tissues,
    shown_tissues,
    tissues_in,
)
from ..scene.views import ensure_3d_view
from ..tissue import Tissue
from .palette import ROWS

SHOWN, VOLUME = 2, 3  # columns, after those of the palette


class TissuePanel:
    """Fills two columns of the palette's table and handles what stands below it.

    parameters() gives the parameter node or None. A map that a run did not make is made of what
    recolouring keeps, when it is first needed.
    """

    def __init__(self, ui: Any, parameters: Callable[[], Any], repainter: Repainter) -> None:
        self.ui = ui
        self._parameters = parameters
        self._repainter = repainter
        self._measured: tuple[Any, ...] | None = None
        self._milliliters: dict[Tissue, float] = {}
        table = self.ui.paletteTable
        table.setColumnCount(4)
        headers = (_("Tissue"), _("Colour"), _("Shown"), _("ml"))
        table.setHorizontalHeaderLabels(headers)
        table.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        for column, width in ((1, 50), (SHOWN, 65)):
            table.setColumnWidth(column, width)
        table.connect("cellChanged(int,int)", self._onEye)
        table.connect("itemSelectionChanged()", self._showOpacity)
        self.ui.tissueOpacitySlider.connect("valueChanged(double)", self._onOpacity)
        self.ui.showOnlyButton.connect("clicked()", self._onShowOnly)
        self.ui.showAllButton.connect("clicked()", self._onShowAll)
        self.ui.surfacesButton.connect("clicked(bool)", self._onSurfaces)

    def update(self) -> None:
        """Bring the columns and the controls in line with the shown volume."""
        node = self._chosen()
        reason = self._whyNot(node)
        for widget in (self.ui.surfacesButton, self.ui.showOnlyButton, self.ui.showAllButton):
            widget.enabled = not reason
        self.ui.surfacesButton.toolTip = reason or _(
            "Smooth surfaces of the tissues in 3D, in the palette's colours."
        )
        self.ui.surfacesButton.checked = are_surfaces_shown(node)
        there = tissues_in(node)
        shown = shown_tissues(node) if there else set()
        self._measure(node, there)
        table = self.ui.paletteTable
        flags = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable
        blocked = table.blockSignals(True)
        for row, tissue in enumerate(ROWS):
            eye, volume = qt.QTableWidgetItem(""), qt.QTableWidgetItem("")
            if tissue in there:
                eye.setText(f"{opacity_of(node, tissue):.0%}")
                eye.setFlags(flags)
                eye.setCheckState(qt.Qt.Checked if tissue in shown else qt.Qt.Unchecked)
                volume.setText(f"{self._milliliters[tissue]:.1f}")
            table.setItem(row, SHOWN, eye)
            table.setItem(row, VOLUME, volume)
        table.blockSignals(blocked)
        self._showOpacity()

    def _chosen(self) -> Node | None:
        parameters = self._parameters()
        node = parameters.colorVolume if parameters is not None else None
        return node if in_scene(node) else None

    def _whyNot(self, node: Node | None) -> str:
        if node is None:
            return _("There are no colours yet: colour an MRI or choose a colour volume.")
        if tissue_of(node) is None and not self._repainter.canRepaint(node):
            return _("{name} has no tissue map: tick it in the settings and colour again.").format(
                name=node.GetName()
            )
        return ""

    def _measure(self, node: Node | None, there: list[Tissue]) -> None:
        """Count voxels only when the map has changed."""
        state = map_state(node) if node is not None else None
        if state != self._measured or state is None:
            self._milliliters = milliliters(node) if there else {}
            self._measured = state

    def _selected(self) -> list[Tissue]:
        """The tissues of the map whose rows are selected."""
        there = tissues_in(self._chosen())
        rows = {index.row() for index in self.ui.paletteTable.selectedIndexes()}
        return [ROWS[row] for row in sorted(rows) if ROWS[row] in there]

    def _showOpacity(self) -> None:
        selected = self._selected()
        slider = self.ui.tissueOpacitySlider
        slider.enabled = bool(selected)
        slider.toolTip = (
            _("Opacity of the selected tissues.")
            if selected
            else _("Select tissues in the table to make them more or less opaque.")
        )
        if selected:
            blocked = slider.blockSignals(True)
            slider.value = opacity_of(self._chosen(), selected[0])
            slider.blockSignals(blocked)

    def _onEye(self, row: int, column: int) -> None:
        node = self._chosen()
        if column != SHOWN or ROWS[row] not in tissues_in(node):
            return
        isOn = self.ui.paletteTable.item(row, column).checkState() == qt.Qt.Checked
        shown = shown_tissues(node)
        show_tissues(node, shown | {ROWS[row]} if isOn else shown - {ROWS[row]})

    def _onOpacity(self, opacity: float) -> None:
        selected = self._selected()
        if selected:
            set_opacity(self._chosen(), selected, opacity)
            self.update()

    def _onShowOnly(self) -> None:
        if self._ensureMap() and self._selected():
            show_tissues(self._chosen(), self._selected())
        self.update()

    def _onShowAll(self) -> None:
        if self._ensureMap():
            show_tissues(self._chosen(), tissues_in(self._chosen()))
        self.update()

    def _onSurfaces(self, isShown: bool) -> None:
        node = self._chosen()
        try:
            if isShown and self._ensureMap():
                with slicer.util.WaitCursor():
                    ensure_3d_view()
                    show_surfaces(node)
            elif node is not None:
                hide_surfaces(node)
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
        self.update()

    def _ensureMap(self) -> bool:
        """Make the tissue map of the shown volume when there is none; False when it cannot be."""
        node = self._chosen()
        if node is not None and tissue_of(node) is None and self._repainter.canRepaint(node):
            self._repainter.makeTissueMap(node)
        return node is not None and tissue_of(node) is not None
