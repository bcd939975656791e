"""Claims about the room that the panel takes: Slicer's panel grows with it and never shrinks."""

import unittest
from pathlib import Path
from unittest import mock

import ctk
import slicer
from stand_ins import ReadyInstaller, StandInEngine, add_mri, clear_scene

import MRIColorize
from MRIColorizeLib.panel.palette import ROWS

# Pixels across of Slicer's module panel as it comes.
PANEL = 380


class SizeTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)
        self.ui = self.widget.ui

    def widths(self):
        """Pixels across that each section takes when it is open: CTK gives it what it likes."""
        sections = [w for w in vars(self.ui).values() if isinstance(w, ctk.ctkCollapsibleButton)]
        self.assertGreater(len(sections), 6)
        for section in sections:
            section.collapsed = False
        slicer.app.processEvents()
        return {section.name: section.layout().totalSizeHint().width() for section in sections}

    def assert_narrow(self):
        for name, width in self.widths().items():
            with self.subTest(section=name):
                self.assertLessEqual(width, PANEL)
        self.assertLessEqual(self.widget.parent.layout().totalMinimumSize().width(), PANEL)

    def test_no_section_widens_slicers_panel(self):
        self.assert_narrow()

    def test_long_names_and_paths_do_not_widen_it_either(self):
        add_mri("T1w_MPRAGE_sagittal_isotropic_after_contrast_agent_motion_corrected_" * 3)
        folder = Path("/home/somebody/a/folder/far/away/from/everything/else" * 3)
        with mock.patch("MRIColorizeLib.panel.models.cache_folder", return_value=folder):
            self.widget._models.update()
        self.widget.ui.modelComboBox.addItem("A model with a title that says all of it " * 4)
        self.assert_narrow()

    def test_every_row_of_the_palette_is_seen_at_once(self):
        self.widths()
        table = self.ui.paletteTable
        rows = sum(table.rowHeight(row) for row in range(len(ROWS)))
        self.assertGreaterEqual(table.viewport().height, rows)


if __name__ == "__main__":
    unittest.main()
