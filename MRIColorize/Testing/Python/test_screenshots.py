"""Claims about what a person sees: panel, slice views and 3D view, as pictures."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
import vtk
from stand_ins import (
    ReadyInstaller,
    StandInEngine,
    clear_scene,
    colors_of,
    picture_of,
    pixels_of,
    wait_until,
)

import MRIColorize


def read_png(path):
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    return pixels_of(reader.GetOutput())


def count_of(picture, rgb):
    return int((picture == np.array(rgb, np.uint8)).all(axis=-1).sum())


class ScreenshotTest(unittest.TestCase):
    """A ball of two shells, coloured through the panel by an engine that pretends."""

    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        array = MRIColorize.phantom()
        self.mri = slicer.util.addVolumeFromArray(array, np.diag([3.0, 3, 3, 1]), "Phantom")
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)
        self.core = tuple(int(value) for value in colors_of(array)[12, 16, 16])

    def colorize(self):
        self.widget.ui.colorizeButton.click()
        wait_until(lambda: self.widget._run is None)
        return slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")[0]

    def test_panel_is_drawn_with_its_words(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "panel.png"
            self.widget.parent.resize(400, 400)
            wait_until(lambda: self.widget.ui.colorizeButton.visible)
            self.assertTrue(self.widget.parent.grab().save(str(path)))
            picture = read_png(path)
        self.assertGreater(len(np.unique(picture.reshape(-1, 3), axis=0)), 20)
        self.assertGreater(picture.shape[1], 300)

    def test_three_slice_views_show_the_voxels_own_colours(self):
        self.colorize()
        for name in ("Red", "Yellow", "Green"):
            view = slicer.app.layoutManager().sliceWidget(name).sliceView()
            with self.subTest(view=name):
                picture = picture_of(view)
                self.assertGreater(count_of(picture, self.core), 100, f"no {self.core}")

    def test_volume_rendering_draws_the_body_in_colour(self):
        node = self.colorize()
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        # Their lines would be counted as something that is drawn.
        for setting in ("BoxVisible", "AxisLabelsVisible"):
            shown = getattr(view.mrmlViewNode(), f"Get{setting}")()
            self.addCleanup(getattr(view.mrmlViewNode(), f"Set{setting}"), shown)
            getattr(view.mrmlViewNode(), f"Set{setting}")(False)
        empty = picture_of(view)
        display = self.widget.logic.showIn3D(node, self.mri)
        drawn = picture_of(view)
        changed = (empty != drawn).any(axis=-1)
        self.assertGreater(changed.mean(), 0.05, "nothing is drawn")
        # The outer shell is olive, (127, 128, 63): neither grey nor the bluish background.
        body = drawn[changed].astype(int)
        self.assertGreater(np.median(body[:, 1] - body[:, 2]), 10)
        display.SetVisibility(False)
        np.testing.assert_array_equal(picture_of(view), empty)


if __name__ == "__main__":
    unittest.main()
