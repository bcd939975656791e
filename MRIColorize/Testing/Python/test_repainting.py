"""Claims about recolouring: a volume in the scene under another palette, and back to the byte."""

import gc
import tempfile
import unittest
import weakref
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
from stand_ins import (
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    made_array,
    tissue_of,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.network.palettes import SUFFIXES, Palette, list_palettes, load_palette
from MRIColorizeLib.panel.palette import ROWS, palette_from_text, palette_text
from MRIColorizeLib.scene import rendering, repainting, results
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue

GREEN = np.array([60.0, -50.0, 40.0])


def green_fat():
    lab = PALETTE_LAB.copy()
    lab[Tissue.FAT] = GREEN
    return Palette("green fat", lab)


class RepaintTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        self.logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.mri = add_mri()
        self.fat = tissue_of(slicer.util.arrayFromVolume(self.mri).astype(float)) == Tissue.FAT

    def colors(self, node):
        return slicer.util.arrayFromVolume(node).copy()

    def test_only_the_changed_tissue_changes_and_reset_returns_to_the_byte(self):
        node = self.logic.colorize(self.mri, editable=True)
        before = self.colors(node)
        self.logic.recolor(node, green_fat())
        after = self.colors(node)
        np.testing.assert_array_equal(after[~self.fat], before[~self.fat])
        fat = after[self.fat].astype(int)
        self.assertTrue((fat[:, 1] > fat[:, 0]).all(), "fat is green")
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "green fat")
        self.logic.recolor(node)
        np.testing.assert_array_equal(self.colors(node), before)
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "")

    def test_reset_after_a_run_with_another_palette_gives_the_model_s_own_colours(self):
        node = self.logic.colorize(self.mri, editable=True, tissue=True, palette=green_fat())
        run = self.colors(node)
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "green fat")
        self.logic.recolor(node)
        self.assertTrue((self.colors(node)[self.fat] != run[self.fat]).any())
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "")
        segment = results.tissue_of(node).GetSegmentation().GetSegment("FAT")
        np.testing.assert_allclose(
            segment.GetColor(), list_palettes()[0].rgb[Tissue.FAT], atol=1e-6
        )
        self.logic.recolor(node, green_fat())
        np.testing.assert_array_equal(self.colors(node), run)

    def test_undo_takes_a_recolouring_back(self):
        node = self.logic.colorize(self.mri, editable=True)
        before = self.colors(node)
        rgba = rendering.write_rgba(node, self.mri)
        solid = slicer.util.arrayFromVolume(rgba).copy()
        slicer.mrmlScene.SetUndoOn()
        self.addCleanup(slicer.mrmlScene.ClearUndoStack)
        self.addCleanup(slicer.mrmlScene.SetUndoOff)
        self.logic.recolor(node, green_fat())
        self.assertFalse(np.array_equal(self.colors(node), before))
        slicer.mrmlScene.Undo()
        np.testing.assert_array_equal(self.colors(node), before)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(rgba), solid)

    def test_tissue_map_and_rendering_follow(self):
        node = self.logic.colorize(self.mri, editable=True, tissue=True)
        rgba = rendering.write_rgba(node, self.mri)
        alpha = slicer.util.arrayFromVolume(rgba)[..., 3].copy()
        self.logic.recolor(node, green_fat())
        array = slicer.util.arrayFromVolume(rgba)
        np.testing.assert_array_equal(array[..., :3], self.colors(node))
        np.testing.assert_array_equal(array[..., 3], alpha)
        segment = results.tissue_of(node).GetSegmentation().GetSegment("FAT")
        np.testing.assert_allclose(segment.GetColor(), green_fat().rgb[Tissue.FAT], atol=1e-6)
        self.logic.recolor(node)
        np.testing.assert_allclose(
            segment.GetColor(), list_palettes()[0].rgb[Tissue.FAT], atol=1e-6
        )

    def test_volume_that_was_not_made_editable_is_refused_by_name(self):
        node = self.logic.colorize(self.mri)
        with self.assertRaisesRegex(InputError, "head_color can no longer be recoloured"):
            self.logic.recolor(node, green_fat())

    def test_volume_that_got_another_grid_is_not_touched(self):
        node = self.logic.colorize(self.mri, editable=True)
        slicer.util.updateVolumeFromArray(node, np.zeros((2, 3, 4, 3), np.uint8))
        self.assertFalse(self.logic.repainter.canRepaint(node))

    def test_memory_is_bounded_to_the_last_volumes(self):
        nodes = [self.logic.colorize(self.mri, editable=True) for _ in range(5)]
        self.assertEqual(
            [self.logic.repainter.canRepaint(node) for node in nodes], [False] * 2 + [True] * 3
        )

    def bound(self, most):
        patched = mock.patch.object(repainting, "MOST_BYTES", most)
        patched.start()
        self.addCleanup(patched.stop)

    def test_what_is_kept_is_the_body_alone_and_less_than_the_volume_and_its_mixture(self):
        self.logic.colorize(self.mri, editable=True)
        voxels = int((made_array() > 0).sum())
        # 4 + 4 tissues and weights, 6 of CIELAB, 3 of colour; a bit of the mask for each voxel.
        self.assertEqual(self.logic.repainter.nbytes, 17 * voxels + -(-made_array().size // 8))

    def test_the_oldest_are_forgotten_when_all_together_take_too_much(self):
        first = self.logic.colorize(self.mri, editable=True)
        self.bound(2 * self.logic.repainter.nbytes)
        nodes = [first, *(self.logic.colorize(self.mri, editable=True) for _ in range(2))]
        self.assertEqual(
            [self.logic.repainter.canRepaint(node) for node in nodes], [False, True, True]
        )
        self.assertLessEqual(self.logic.repainter.nbytes, repainting.MOST_BYTES)

    def test_a_volume_that_alone_takes_too_much_is_declined_with_what_to_do(self):
        kept = self.logic.colorize(self.mri, editable=True)
        self.bound(2_000)
        large = self.logic.colorize(self.mri, editable=True)
        with self.assertRaisesRegex(
            InputError, "too large to be recoloured: .* choose the palette, then colour it again"
        ):
            self.logic.recolor(large, green_fat())
        self.assertTrue(self.logic.repainter.canRepaint(kept))

    def test_a_volume_that_leaves_the_scene_frees_its_memory(self):
        nodes = [self.logic.colorize(self.mri, editable=True) for _ in range(2)]
        before = self.logic.repainter.nbytes
        slicer.mrmlScene.RemoveNode(nodes[0])
        self.assertEqual(self.logic.repainter.nbytes, before / 2)
        slicer.mrmlScene.Clear()
        self.assertEqual(self.logic.repainter.nbytes, 0)

    def test_a_logic_that_is_gone_keeps_nothing(self):
        self.logic.colorize(self.mri, editable=True)
        kept = weakref.ref(self.logic.repainter)
        self.logic = None
        gc.collect()
        self.assertIsNone(kept())
        slicer.mrmlScene.RemoveNode(self.mri)  # its observer finds nobody, and goes


class PalettePanelTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        add_mri()
        self.engine = StandInEngine(steps=1)
        logic = MRIColorize.MRIColorizeLogic(self.engine)
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)
        self.ui = self.widget.ui
        self.palettes = self.widget._palettes

    def colorize(self):
        self.ui.colorizeButton.click()
        wait_until(lambda: self.widget._run is None)
        return self.widget._parameterNode.colorVolume

    def test_table_names_every_tissue_but_the_background(self):
        names = [self.ui.paletteTable.item(row, 0).text() for row in range(len(ROWS))]
        self.assertEqual(names[:3], ["Skin", "Fat", "Muscle"])
        self.assertEqual(len(names), 19)

    def test_changed_colour_recolours_the_volume_at_once_and_reset_brings_it_back(self):
        node = self.colorize()
        before = slicer.util.arrayFromVolume(node).copy()
        self.assertIn("head_color", self.ui.paletteStatusLabel.text)
        self.palettes.askColor = lambda tissue, rgb: (0.0, 1.0, 0.0)
        self.palettes._onCell(ROWS.index(Tissue.FAT), 1)
        self.assertTrue((slicer.util.arrayFromVolume(node) != before).any())
        self.assertEqual(self.ui.presetComboBox.currentText, "Edited")
        shown = self.ui.paletteTable.item(ROWS.index(Tissue.FAT), 1).background().color()
        self.assertEqual((shown.red(), shown.green(), shown.blue()), (0, 255, 0))
        self.ui.resetPaletteButton.click()
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), before)
        self.assertEqual(self.ui.presetComboBox.currentIndex, 0)

    def test_palette_holds_for_the_next_run_and_is_kept_in_the_scene(self):
        self.palettes._onPreset(2)
        preset = list_palettes()[1]
        self.colorize()
        np.testing.assert_array_equal(self.engine.options[-1].palette, preset.lab)
        kept = palette_from_text(self.widget._parameterNode.palette)
        np.testing.assert_allclose(kept.lab, preset.lab, atol=1e-4)
        self.assertEqual(self.ui.presetComboBox.currentText, preset.name)

    def test_palette_of_a_scene_that_is_loaded_while_the_panel_is_open_is_taken_up(self):
        self.palettes._change(green_fat())
        with tempfile.TemporaryDirectory() as folder:
            slicer.mrmlScene.SetURL(str(Path(folder) / "scene.mrml"))
            self.assertTrue(slicer.mrmlScene.Commit())
            slicer.mrmlScene.Clear()
            self.assertIsNone(self.palettes.palette)
            slicer.mrmlScene.Import()
        self.assertEqual(self.palettes.palette.name, "green fat")
        self.assertEqual(self.ui.presetComboBox.currentText, "green fat")
        self.assertEqual(palette_from_text(self.widget._parameterNode.palette).name, "green fat")

    def test_palette_is_saved_and_loaded(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "mine.ctbl")
            self.palettes.askFile = lambda save: path
            self.palettes._change(green_fat())
            self.ui.savePaletteButton.click()
            np.testing.assert_allclose(load_palette(path).rgb, green_fat().rgb, atol=0.01)
            self.ui.resetPaletteButton.click()
            self.ui.loadPaletteButton.click()
        self.assertEqual(self.palettes.palette.name, "green fat")

    def test_volume_that_can_no_longer_be_recoloured_is_named(self):
        self.assertEqual(self.ui.paletteStatusLabel.text, "Changes hold for the next run.")
        self.colorize()
        self.widget.logic.repainter.forget()
        self.widget._updatePanel()
        self.assertIn(
            "head_color can no longer be recoloured: colour it again.",
            self.ui.paletteStatusLabel.text,
        )

    def test_every_file_that_is_read_is_offered(self):
        with mock.patch("qt.QFileDialog.getOpenFileName", return_value="") as asked:
            self.palettes.askFile(save=False)
        for suffix in SUFFIXES:
            self.assertIn(f"*{suffix}", asked.call_args.args[3])

    def test_damaged_file_is_explained_and_changes_nothing(self):
        self.palettes.askFile = lambda save: "/no/such/file.ctbl"
        with mock.patch("slicer.util.errorDisplay") as shown:
            self.ui.loadPaletteButton.click()
        self.assertIn("cannot be read", shown.call_args.args[0])
        self.assertIsNone(self.palettes.palette)

    def test_palette_survives_as_text(self):
        self.assertEqual(palette_text(None), "")
        again = palette_from_text(palette_text(green_fat()))
        self.assertEqual(again.name, "green fat")
        np.testing.assert_array_equal(again.lab, green_fat().lab)
        for damaged in ("", "{", '{"name": 1}', '{"name": "x", "lab": [[1, 2, 3]]}'):
            self.assertIsNone(palette_from_text(damaged))


if __name__ == "__main__":
    unittest.main()
