"""Claims about the preview: the slice that a view shows, coloured there, and gone without trace."""

import unittest
from unittest import mock

import numpy as np
import slicer
import vtk
from stand_ins import (
    OBLIQUE,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    colors_of,
    made_array,
    raiser,
    scene_state,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import preview

AXIAL, CORONAL, SAGITTAL = (
    (0, 0, 1, -1, 0, 0),
    (0, 1, 0, -1, 0, 0),
    (1, 0, 0, 0, -1, 0),
)  # normal of the slice, and the direction of its columns


def add_view(name="Probe", directions=AXIAL):
    """A slice view's nodes, as a layout makes them."""
    view = slicer.vtkMRMLSliceNode()
    view.SetLayoutName(name)
    view.SetName(name)
    view = slicer.mrmlScene.AddNode(view)
    view.SetSliceToRASByNTP(*directions, 0, 0, 0, 0)
    composite = slicer.vtkMRMLSliceCompositeNode()
    composite.SetLayoutName(name)
    return view, slicer.mrmlScene.AddNode(composite)


class ShownSliceTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_plane_and_index_follow_the_view(self):
        matrix = np.diag([1.0, 2.0, 3.0, 1.0])
        matrix[:3, 3] = (-10, -20, -30)
        mri = slicer.util.addVolumeFromArray(np.ones((9, 8, 7)), matrix, "straight")
        for directions, plane, ijk in (
            (AXIAL, "axial", (3, 4, 6)),
            (CORONAL, "coronal", (3, 5, 6)),
            (SAGITTAL, "sagittal", (2, 4, 6)),
        ):
            with self.subTest(plane=plane):
                view, _ = add_view(plane, directions)
                view.JumpSliceByCentering(*(matrix @ [*ijk, 1])[:3])
                index = {"axial": ijk[2], "coronal": ijk[1], "sagittal": ijk[0]}[plane]
                self.assertEqual(preview.shown_slice(view, mri), (plane, index))

    def test_tilted_volume_takes_its_nearest_plane(self):
        mri = add_mri()  # i and j are turned by 37 degrees, k runs from top to bottom
        view, _ = add_view()
        view.JumpSliceByCentering(*(OBLIQUE @ [3, 3, 4, 1])[:3])
        self.assertEqual(preview.shown_slice(view, mri), ("axial", 4))

    def test_parent_transforms_are_followed_also_non_linear_ones(self):
        mri = slicer.util.addVolumeFromArray(np.ones((9, 8, 7)), np.eye(4), "moved")
        grid = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "warp")
        field = vtk.vtkImageData()
        field.SetDimensions(2, 2, 2)
        field.SetOrigin(-500, -500, -500)
        field.SetSpacing(1000, 1000, 1000)
        field.AllocateScalars(vtk.VTK_DOUBLE, 3)
        for component, shift in enumerate((0.0, 0.0, 20.0)):
            field.GetPointData().GetScalars().FillComponent(component, shift)
        warp = slicer.vtkOrientedGridTransform()
        warp.SetDisplacementGridData(field)
        grid.SetAndObserveTransformToParent(warp)
        mri.SetAndObserveTransformNodeID(grid.GetID())
        view, _ = add_view()
        view.JumpSliceByCentering(3, 3, 25)
        self.assertEqual(preview.shown_slice(view, mri), ("axial", 5))

    def test_view_beside_the_volume_is_refused(self):
        view, _ = add_view()
        view.JumpSliceByCentering(0, 0, 900)
        with self.assertRaisesRegex(InputError, "Probe view shows nothing of head"):
            preview.shown_slice(view, add_mri())


class PreviewTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.engine = StandInEngine(steps=1)
        self.logic = MRIColorize.MRIColorizeLogic(self.engine)
        self.mri = add_mri()
        self.view, self.composite = add_view()
        self.view.JumpSliceByCentering(*(OBLIQUE @ [3, 3, 2, 1])[:3])

    def test_one_slice_is_coloured_and_lies_where_it_belongs(self):
        node = self.logic.preview(self.mri, self.view)
        self.assertEqual((self.engine.options[0].plane, self.engine.options[0].slice_index),
                         ("axial", 2))  # fmt: skip
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(node), colors_of(made_array())[2:3]
        )
        np.testing.assert_allclose(
            scene.ijk_to_ras(node) @ [1, 2, 0, 1], OBLIQUE @ [1, 2, 2, 1], atol=1e-9
        )

    def test_it_is_shown_over_the_mri_and_is_not_saved_or_offered(self):
        node = self.logic.preview(self.mri, self.view)
        self.assertEqual(self.composite.GetForegroundVolumeID(), node.GetID())
        self.assertEqual(self.composite.GetBackgroundVolumeID(), self.mri.GetID())
        self.assertFalse(node.GetSaveWithScene())
        self.assertTrue(node.GetHideFromEditors())

    def test_view_between_two_slices_moves_onto_the_preview(self):
        self.view.JumpSliceByCentering(*(OBLIQUE @ [3, 3, 2.4, 1])[:3])
        node = self.logic.preview(self.mri, self.view)
        np.testing.assert_allclose(
            self.view.GetSliceOffset(), (scene.ijk_to_ras(node) @ [0, 0, 0, 1])[2], atol=1e-6
        )

    def test_second_preview_replaces_the_first_and_removal_leaves_the_scene_as_it_was(self):
        colors = self.logic.colorize(self.mri)
        self.composite.SetBackgroundVolumeID(self.mri.GetID())
        self.composite.SetForegroundVolumeID(colors.GetID())
        self.composite.SetForegroundOpacity(0.25)
        before = scene_state()
        self.logic.preview(self.mri, self.view)
        self.logic.preview(self.mri, self.view)
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")), 2)
        preview.remove_preview()
        self.assertEqual(scene_state(), before)
        self.assertEqual(self.composite.GetForegroundVolumeID(), colors.GetID())
        self.assertEqual(self.composite.GetForegroundOpacity(), 0.25)

    def test_the_volume_under_the_preview_comes_back(self):
        other = add_mri("other")
        self.composite.SetBackgroundVolumeID(other.GetID())
        self.logic.preview(self.mri, self.view)
        self.assertEqual(self.composite.GetBackgroundVolumeID(), self.mri.GetID())
        preview.remove_preview()
        self.assertEqual(self.composite.GetBackgroundVolumeID(), other.GetID())

    def test_button_previews_and_the_next_run_takes_the_preview_away(self):
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.previewView = self.view
        self.assertTrue(widget.ui.previewButton.enabled)
        widget.ui.previewButton.click()
        wait_until(lambda: widget._run is None)
        self.assertIsNotNone(preview.preview_node())
        self.assertIn("Probe", widget.ui.statusLabel.text)
        widget.ui.colorizeButton.click()
        self.assertIsNone(preview.preview_node())
        wait_until(lambda: widget._run is None)

    def follow(self):
        """A panel whose preview's button is down, over the slice 2 of the first view."""
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.previewView = self.view
        widget.ui.previewButton.click()
        wait_until(lambda: self.previewed() == [2] and widget._run is None)
        self.assertTrue(widget.ui.previewButton.checked)
        return widget

    def previewed(self):
        """Index of each slice that was asked for."""
        return [options.slice_index for options in self.engine.options]

    def scroll(self, view, k):
        view.JumpSliceByCentering(*(OBLIQUE @ [3, 3, k, 1])[:3])

    def test_while_the_button_is_down_the_preview_follows_scrolling_after_a_pause(self):
        widget = self.follow()
        for k in (1, 3, 4):
            self.scroll(self.view, k)
        self.assertEqual(self.previewed(), [2], "not while it scrolls")
        wait_until(lambda: len(self.previewed()) > 1 and widget._run is None)
        self.assertEqual(self.previewed(), [2, 4])
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(preview.preview_node()),
            colors_of(made_array().astype(float))[4:5],
        )
        self.scroll(self.view, 3)
        widget.ui.previewButton.click()
        self.assertFalse(widget.ui.previewButton.checked)
        self.assertIsNone(preview.preview_node())
        self.assertFalse(widget._follower._timer.active)
        self.assertIsNone(self.composite.GetForegroundVolumeID())

    def test_preview_follows_in_the_view_under_the_mouse(self):
        other, composite = add_view("Other")
        self.scroll(other, 2)
        widget = self.follow()
        crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        crosshair.SetCursorPositionXYZ([0.0, 0.0, 0.0], other)
        self.addCleanup(crosshair.SetCursorPositionInvalid)
        self.scroll(other, 3)
        self.scroll(self.view, 4)  # as a linked view does
        wait_until(lambda: len(self.previewed()) > 1 and widget._run is None)
        self.assertEqual(self.previewed(), [2, 3])
        self.assertEqual(composite.GetForegroundVolumeID(), preview.preview_node().GetID())
        self.assertIsNone(self.composite.GetForegroundVolumeID())

    def test_changed_settings_are_previewed_at_once(self):
        widget = self.follow()
        widget.ui.saturationSlider.value = 0.5
        wait_until(lambda: len(self.previewed()) > 1 and widget._run is None)
        self.assertEqual(self.engine.options[-1].saturation, 0.5)

    def test_scrolling_off_the_volume_is_said_without_a_box(self):
        widget = self.follow()
        with mock.patch("slicer.util.errorDisplay") as shown:
            self.view.JumpSliceByCentering(0, 0, 900)
            wait_until(lambda: "shows nothing of head" in widget.ui.statusLabel.text)
        shown.assert_not_called()
        self.scroll(self.view, 1)
        wait_until(lambda: len(self.previewed()) > 1 and widget._run is None)

    def test_preview_that_fails_lets_the_button_up(self):
        widget = self.follow()
        self.engine.at, self.engine.event = 0, raiser(InputError("It is constant."))
        with mock.patch("slicer.util.errorDisplay") as shown:
            self.scroll(self.view, 1)
            wait_until(lambda: not widget.ui.previewButton.checked)
        shown.assert_called_once()

    def test_preview_that_still_runs_gives_way_to_the_run(self):
        widget = self.follow()
        self.scroll(self.view, 1)
        wait_until(lambda: widget._run is not None)
        self.assertTrue(widget.ui.settingsCollapsibleButton.enabled)
        self.assertEqual(widget.ui.colorizeButton.text, "Colorize")
        widget.ui.colorizeButton.click()
        self.assertFalse(widget.ui.previewButton.checked)
        wait_until(lambda: widget._run is None and widget._parameterNode.colorVolume is not None)
        self.assertIsNone(preview.preview_node())
        self.assertIsNone(self.engine.options[-1].slice_index)

    def test_preview_that_still_runs_when_another_module_is_opened_is_cancelled(self):
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.previewView = self.view
        before = scene_state()
        widget.ui.previewButton.click()
        widget.exit()
        self.assertIsNone(widget._run)
        self.assertEqual(scene_state(), before)


if __name__ == "__main__":
    unittest.main()
