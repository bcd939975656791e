"""Claims about MRI and colours side by side, and about the picture of the four views."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
import vtk
from stand_ins import ReadyInstaller, StandInEngine, clear_scene, colors_of, picture_of, pixels_of

import MRIColorize
from MRIColorizeLib.errors import OutputError
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import picture, rendering


class ComparingCase(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.manager = slicer.app.layoutManager()
        self.four_up = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        self.manager.setLayout(self.four_up)
        array = MRIColorize.phantom()
        matrix = np.diag([3.0, 3, 3, 1])
        self.mri = slicer.util.addVolumeFromArray(array, matrix, "Phantom")
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.node = logic.colorize(self.mri)
        self.core = np.array(colors_of(array)[12, 16, 16])
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)
        self.ui = self.widget.ui
        slicer.util.setSliceViewerLayers(background=self.mri, foreground=None, fit=True)

    def view(self, name):
        return self.manager.sliceWidget(name).mrmlSliceNode()

    def composite(self, name):
        return self.manager.sliceWidget(name).sliceLogic().GetSliceCompositeNode()


class SideBySideTest(ComparingCase):
    def state(self):
        """All that a comparison may change."""
        views = [self.view(name) for name in ("Red", "Yellow", "Green")]
        composites = [self.composite(name) for name in ("Red", "Yellow", "Green")]
        return (
            self.manager.layout,
            [slicer.util.arrayFromVTKMatrix(v.GetSliceToRAS()).round(6).tolist() for v in views],
            [np.round(v.GetFieldOfView(), 6).tolist() for v in views],
            [(c.GetBackgroundVolumeID(), c.GetForegroundVolumeID()) for c in composites],
            [(c.GetLinkedControl(), c.GetHotLinkedControl()) for c in composites],
        )

    def test_mri_is_left_and_colour_right_in_the_same_place_and_one_click_goes_back(self):
        before = self.state()
        self.ui.sideBySideButton.click()
        self.assertEqual(self.manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        self.assertEqual(self.composite("Red").GetBackgroundVolumeID(), self.mri.GetID())
        self.assertEqual(self.composite("Yellow").GetBackgroundVolumeID(), self.node.GetID())
        for name in ("Red", "Yellow"):
            self.assertIsNone(self.composite(name).GetForegroundVolumeID())
        np.testing.assert_allclose(
            *(slicer.util.arrayFromVTKMatrix(self.view(n).GetXYToRAS()) for n in ("Red", "Yellow"))
        )
        self.assertTrue(self.ui.sideBySideButton.checked)
        self.ui.sideBySideButton.click()
        self.assertEqual(self.state(), before)
        self.assertFalse(self.ui.sideBySideButton.checked)

    def test_both_scroll_together(self):
        self.ui.sideBySideButton.click()
        logic = self.manager.sliceWidget("Red").sliceLogic()
        logic.StartSliceOffsetInteraction()
        logic.SetSliceOffset(15.0)
        logic.EndSliceOffsetInteraction()
        self.assertAlmostEqual(self.view("Yellow").GetSliceOffset(), 15.0)

    def test_what_shows_something_else_ends_it(self):
        before = self.state()
        for act in (
            self.ui.showSlicesButton.click,
            self.ui.restoreViewsButton.click,
            lambda: self.widget._views.showResult(self.node),
        ):
            self.ui.sideBySideButton.click()
            act()
            self.assertEqual(self.manager.layout, self.four_up)
            self.assertEqual(self.state()[1], before[1])
            self.assertFalse(self.ui.sideBySideButton.checked)

    def test_it_is_off_and_says_why_without_an_mri(self):
        slicer.mrmlScene.RemoveNode(self.mri)
        self.assertFalse(self.ui.sideBySideButton.enabled)
        self.assertIn("knows no MRI", self.ui.sideBySideButton.toolTip)


class PictureTest(ComparingCase):
    def setUp(self):
        super().setUp()
        rendering.show_slices(self.node, self.mri)

    def read(self, path):
        reader = vtk.vtkPNGReader()
        reader.SetFileName(str(path))
        reader.Update()
        texts = {
            reader.GetTextKey(n): reader.GetTextValue(n)
            for n in range(reader.GetNumberOfTextChunks())
        }
        return pixels_of(reader.GetOutput())[::-1], texts

    def test_four_views_are_shown_at_twice_their_size_in_true_colour(self):
        small = picture_of(self.manager.sliceWidget("Red").sliceView())
        once = int((small == self.core).all(axis=-1).sum())
        sheet = picture.four_views()
        cell = sheet[: 2 * small.shape[0], : 2 * small.shape[1]]
        twice = int((cell == self.core).all(axis=-1).sum())
        self.assertGreater(once, 100)
        self.assertAlmostEqual(twice / once, 4, delta=0.4)
        self.assertEqual(self.view("Red").GetDimensions()[:2], small.shape[1::-1])

    def test_file_says_how_it_was_made_and_that_it_is_not_for_diagnosis(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "slide.png"
            self.widget._views.askFile = lambda name: str(path)
            self.ui.savePictureButton.click()
            pixels, texts = self.read(path)
        self.assertIn(str(path), self.ui.statusLabel.text)
        self.assertEqual(texts["MRIColorize.Notice"], "Synthetic colours: not for diagnosis.")
        self.assertEqual(texts["MRIColorize.Model"], "stand-in")
        stamped = picture.stamp(picture.four_views(), picture.made_text(self.node))
        np.testing.assert_array_equal(pixels, stamped)

    def test_stamp_stands_in_the_corner_and_leaves_the_rest(self):
        text = picture.made_text(self.node)
        for words in ("not for diagnosis", "Phantom_color", "stand-in 1.2", "natural mode"):
            self.assertIn(words, text)
        plain = np.full((900, 1200, 3), 90, np.uint8)
        changed = (picture.stamp(plain, text) != plain).any(axis=-1)
        self.assertTrue(changed[-20:, :20].all())
        self.assertFalse(changed[:600].any())
        self.assertFalse(changed[:, 900:].any())

    def test_place_that_cannot_be_written_is_explained(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a file"
            file.touch()
            path = file / "slide.png"
            with self.assertRaises(OutputError):
                picture.write_picture(self.node, path)
            self.widget._views.askFile = lambda name: str(path)
            with mock.patch("slicer.util.errorDisplay") as shown:
                self.ui.savePictureButton.click()
        self.assertIn("a file", shown.call_args.args[0])

    def test_picture_leaves_the_scene_as_it_was(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        picture.four_views()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
        self.assertTrue(scene.in_scene(self.node))


if __name__ == "__main__":
    unittest.main()
