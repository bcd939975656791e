"""The panel's palette: presets, a table of tissues and colours, files; says when it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from ..cielab import rgb_to_lab
from ..errors import MRIColorizeError
from ..network.palettes import SUFFIXES, Palette, list_palettes, load_palette, save_palette
from ..scene.segmentation import tissue_names
from ..tissue import Tissue

ROWS = tuple(tissue for tissue in Tissue if tissue != Tissue.BACKGROUND)


def palette_text(palette: Palette | None) -> str:
    """A palette as text for the parameter node; "" is the model's own."""
    if palette is None:
        return ""
    return json.dumps({"name": palette.name, "lab": palette.lab.astype(float).tolist()})


def palette_from_text(text: str) -> Palette | None:
    """What `palette_text` wrote; None, the model's own, also for text that is damaged."""
    try:
        stored = json.loads(text)
        return Palette(str(stored["name"]), np.array(stored["lab"], dtype=np.float32))
    except (ValueError, KeyError, TypeError, MRIColorizeError):
        return None


class PalettePanel:
    """Shows and edits one palette; None stands for the model's own.

    onChanged(palette) is called when a person changed it. Presets: those that ship.
    """

    def __init__(self, ui: Any, onChanged: Callable[[Palette | None], object]) -> None:
        self.ui = ui
        self._onChanged = onChanged
        self._presets = list_palettes()
        self._palette: Palette | None = None
        self.ui.presetComboBox.clear()
        for name in (_("The model's own"), *(preset.name for preset in self._presets)):
            self.ui.presetComboBox.addItem(name)
        self.ui.presetComboBox.connect("activated(int)", self._onPreset)
        self.ui.paletteTable.connect("cellActivated(int,int)", self._onCell)
        self.ui.loadPaletteButton.connect("clicked()", self._onLoad)
        self.ui.savePaletteButton.connect("clicked()", self._onSave)
        self.ui.resetPaletteButton.connect("clicked()", self._onReset)
        self._fill()

    @property
    def palette(self) -> Palette | None:
        """The palette on show, None for the model's own."""
        return self._palette

    def show(self, palette: Palette | None) -> None:
        """Show a palette without telling anybody."""
        self._palette = palette
        self._fill()

    @property
    def _colors(self) -> Palette:
        return self._palette or self._presets[0]

    def _fill(self) -> None:
        table = self.ui.paletteTable
        table.setRowCount(len(ROWS))
        names = tissue_names()
        for row, tissue in enumerate(ROWS):
            color = qt.QTableWidgetItem("")
            red, green, blue = (round(255 * value) for value in self._colors.rgb[tissue])
            color.setBackground(qt.QBrush(qt.QColor(red, green, blue)))
            table.setItem(row, 0, qt.QTableWidgetItem(names[tissue]))
            table.setItem(row, 1, color)
        self._fit()
        self._showName()

    def _fit(self) -> None:
        """Make the table as high as its rows: Slicer's panel scrolls, a list in it need not."""
        table = self.ui.paletteTable
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 6)
        table.resizeColumnToContents(0)
        rows = sum(table.rowHeight(row) for row in range(len(ROWS)))
        height = rows + table.horizontalHeader().sizeHint.height() + 2 * table.frameWidth
        table.setFixedHeight(height)

    def _showName(self) -> None:
        """Choose the preset by name; a palette that is none gets an entry of its own, the last."""
        names = [preset.name for preset in self._presets]
        combo = self.ui.presetComboBox
        while combo.count > len(names) + 1:
            combo.removeItem(len(names) + 1)
        if self._palette is None:
            combo.currentIndex = 0
            return
        if self._palette.name not in names:
            combo.addItem(self._palette.name)
            names.append(self._palette.name)
        combo.currentIndex = names.index(self._palette.name) + 1

    def _change(self, palette: Palette | None) -> None:
        self.show(palette)
        self._onChanged(palette)

    def _onPreset(self, index: int) -> None:
        if index == 0:
            self._change(None)
        elif index <= len(self._presets):
            self._change(self._presets[index - 1])

    def _onCell(self, row: int, column: int) -> None:
        tissue = ROWS[row]
        rgb = self.askColor(tissue, self._colors.rgb[tissue])
        if rgb is None:
            return
        lab = self._colors.lab.copy()
        lab[tissue] = rgb_to_lab(np.asarray(rgb, dtype=float)[None])[0]
        self._change(Palette(_("Edited"), lab))

    def _onLoad(self) -> None:
        path = self.askFile(save=False)
        if path:
            self._try(lambda: self._change(load_palette(Path(path))))

    def _onSave(self) -> None:
        path = self.askFile(save=True)
        if path:
            self._try(lambda: save_palette(Path(path), self._colors))

    def _onReset(self) -> None:
        self._change(None)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))

    def askColor(self, tissue: Tissue, rgb: np.ndarray) -> tuple[float, float, float] | None:
        """Ask for a colour, sRGB in [0, 1]; None when the person declines."""
        before = qt.QColor(*(round(255 * value) for value in rgb))
        chosen = qt.QColorDialog.getColor(before, None, tissue_names()[tissue])
        if not chosen.isValid():
            return None
        return chosen.red() / 255, chosen.green() / 255, chosen.blue() / 255

    def askFile(self, save: bool) -> str:
        """Ask for a colour table's path; "" when the person declines."""
        kinds = _("Colour tables") + f" ({' '.join(f'*{suffix}' for suffix in SUFFIXES)})"
        if save:
            return qt.QFileDialog.getSaveFileName(None, _("Save palette"), "palette.ctbl", kinds)
        return qt.QFileDialog.getOpenFileName(None, _("Load palette"), "", kinds)
