"""Claims about the cut through a rendering: where it goes, what shows it, and that it leaves."""

import unittest

import numpy as np
import slicer
import vtk
from stand_ins import clear_scene, picture_of, scene_nodes

import MRIColorize
from MRIColorizeLib.scene import camera, cutting, rendering

SIZE_MM = np.array([60.0, 90.0, 80.0])  # along R, A, S


def add_block():
    """A solid block of one colour, its lowest voxel at (10, 20, 30) mm of the patient."""
    rgb = np.full((20, 30, 30, 3), (200, 60, 60), np.uint8)
    matrix = np.diag([2.0, 3.0, 4.0, 1.0])
    matrix[:3, 3] = (10, 20, 30)
    kind = "vtkMRMLVectorVolumeNode"
    return slicer.util.addVolumeFromArray(rgb, matrix, "block", kind)


def camera_node():
    """The camera of the first 3D view."""
    view = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLViewNode")
    return slicer.modules.cameras.logic().GetViewActiveCameraNode(view)


def towards():
    """Unit vector (RAS) from what that camera looks at to where it stands."""
    away = np.subtract(camera_node().GetPosition(), camera_node().GetFocalPoint())
    return away / np.linalg.norm(away)


def bounds(node):
    """(low, high) of a node's box in RAS mm."""
    values = np.zeros(6)
    node.GetRASBounds(values)
    return values[0::2], values[1::2]


class CutTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.node = add_block()
        self.display = rendering.show_volume(self.node)

    def test_upper_half_along_superior_is_cut_away(self):
        box = cutting.cut(self.display)
        low, high = bounds(self.node)
        np.testing.assert_allclose(high - low, SIZE_MM)
        expected = high - [0, 0, SIZE_MM[2] / 2]
        np.testing.assert_allclose(bounds(box), (low, expected), atol=1e-6)
        self.assertTrue(self.display.GetCroppingEnabled())
        self.assertIs(self.display.GetMarkupsROINode(), box)

    def test_other_shares_move_the_same_box(self):
        box = cutting.cut(self.display)
        self.assertIs(cutting.cut(self.display, ((0.25, 1.0), (0.0, 0.5), (0.0, 1.0))), box)
        low, high = bounds(self.node)
        start, end = bounds(box)
        np.testing.assert_allclose((start - low) / SIZE_MM, (0.25, 0, 0), atol=1e-6)
        np.testing.assert_allclose((high - end) / SIZE_MM, (0, 0.5, 0), atol=1e-6)

    def test_volume_under_a_transform_is_cut_where_it_is_seen(self):
        shift = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[2, 3] = 500
        shift.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        self.display.GetVolumeNode().SetAndObserveTransformNodeID(shift.GetID())
        start, _ = bounds(cutting.cut(self.display))
        self.assertAlmostEqual(start[2], bounds(self.node)[0][2] + 500)

    def test_box_has_handles_and_covers_no_colour(self):
        shown = cutting.cut(self.display).GetDisplayNode()
        self.assertTrue(shown.GetVisibility())
        self.assertTrue(shown.GetHandlesInteractive())
        self.assertFalse(shown.GetFillVisibility())
        self.assertFalse(shown.GetVisibility2D())

    def test_mended_rendering_is_whole_and_has_no_box_left(self):
        before = [node.GetID() for node in scene_nodes()]
        cutting.cut(self.display)
        self.assertTrue(cutting.is_cut(self.display))
        cutting.mend(self.display)
        self.assertFalse(cutting.is_cut(self.display))
        self.assertFalse(self.display.GetCroppingEnabled())
        self.assertEqual([node.GetID() for node in scene_nodes()], before)

    def test_box_of_somebody_else_is_laid_aside_and_comes_back_as_it_was(self):
        other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "mine")
        other.SetSize(7, 8, 9)
        self.display.SetAndObserveROINodeID(other.GetID())
        self.assertFalse(cutting.is_cut(self.display))
        self.assertIsNot(cutting.cut(self.display), other)
        cutting.mend(self.display)
        self.assertIs(self.display.GetMarkupsROINode(), other)
        np.testing.assert_allclose(other.GetSize(), (7, 8, 9))

    def test_rendering_without_a_cut_is_mended_by_doing_nothing(self):
        self.display.SetCroppingEnabled(True)
        cutting.mend(self.display)
        self.assertTrue(self.display.GetCroppingEnabled())
        self.assertFalse(cutting.is_cut(None))

    def test_box_lies_in_the_study_of_the_colours(self):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
        hierarchy.SetItemParent(
            hierarchy.GetItemByDataNode(self.node) or hierarchy.CreateItem(study, self.node), study
        )

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def give_item(scene, event, node):  # as Slicer's plugins do, not to hidden nodes
            if not node.GetHideFromEditors() and not hierarchy.GetItemByDataNode(node):
                hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

        tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, give_item)
        self.addCleanup(slicer.mrmlScene.RemoveObserver, tag)
        box = cutting.cut(self.display)
        self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(box)), study)

    def test_cut_goes_through_the_middle_of_what_is_seen(self):
        rgb = slicer.util.arrayFromVolume(self.node)
        rgb[:, :, :10] = 0  # a third of the field of view, towards the left, is air
        slicer.util.arrayFromVolumeModified(self.node)
        rendering.write_rgba(self.node)
        start, end = bounds(cutting.cut_open(self.display, "left"))
        low, high = bounds(self.node)
        np.testing.assert_allclose((start - low) / SIZE_MM, (2 / 3, 0, 0), atol=1e-6)
        np.testing.assert_allclose(end, high, atol=1e-6)

    def test_cut_is_seen_in_the_3d_view(self):
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()

        def drawn():
            """How many pixels show the block."""
            picture = picture_of(view).astype(int)
            return int((picture[..., 0] - picture[..., 2] > 40).sum())

        whole = drawn()
        cutting.cut(self.display)
        half = drawn()
        self.assertGreater(whole, 500)
        self.assertLess(half, 0.8 * whole)
        cutting.mend(self.display)
        self.assertEqual(drawn(), whole)

    def test_every_cut_opens_towards_the_viewer(self):
        """A block with a green core: from outside it is red, and every cut shows the core."""
        rgb = slicer.util.arrayFromVolume(self.node)
        rgb[7:13, 10:20, 10:20] = (20, 220, 20)
        slicer.util.arrayFromVolumeModified(self.node)
        rendering.write_rgba(self.node)
        rendering.hide_volume(self.node)
        rendering.show_volume(self.node)
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        view.renderWindow().SetSize(96, 96)
        self.addCleanup(view.renderWindow().SetSize, *view.renderWindow().GetSize())

        def green():
            picture = picture_of(view).astype(int)
            return int((picture[..., 1] - picture[..., 0] > 40).sum())

        self.assertEqual(green(), 0)
        for name in (*cutting.CUTS, cutting.FACING):
            with self.subTest(cut=name):
                cutting.cut_open(self.display, name)
                self.assertEqual(cutting.cut_of(self.display), name)
                self.assertGreater(green(), 30)
                if name != cutting.FACING:
                    viewer = np.array(cutting.CUTS[name].viewer)
                    np.testing.assert_allclose(
                        towards(), viewer / np.linalg.norm(viewer), atol=1e-6
                    )

    def test_corner_is_taken_out_and_put_back_without_a_trace(self):
        before = [node.GetID() for node in scene_nodes()]
        box = cutting.cut_open(self.display, "corner")
        low, high = bounds(self.node)
        middle = (low + high) / 2
        start, end = bounds(box)
        np.testing.assert_allclose(start, (low[0], middle[1], middle[2]), atol=1e-6)
        np.testing.assert_allclose(end, (middle[0], high[1], high[2]), atol=1e-6)
        self.assertFalse(self.display.GetCroppingEnabled())
        self.assertTrue(self.display.GetClipping())
        cutting.cut_open(self.display, "top")
        self.assertFalse(self.display.GetClipping())
        cutting.cut_open(self.display, "corner")
        cutting.mend(self.display)
        self.assertFalse(self.display.GetClipping())
        self.assertEqual([node.GetID() for node in scene_nodes()], before)

    def test_clipping_of_somebody_else_comes_back(self):
        other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLClipNode", "mine")
        self.display.SetAndObserveClipNodeID(other.GetID())
        self.display.SetClipping(True)
        cutting.cut_open(self.display, "corner")
        self.assertIsNot(self.display.GetClipNode(), other)
        cutting.mend(self.display)
        self.assertIs(self.display.GetClipNode(), other)
        self.assertTrue(self.display.GetClipping())

    def test_cut_that_faces_me_leaves_the_half_behind_the_middle(self):
        cutting.cut_open(self.display, "left")
        cutting.mend(self.display)
        camera_node().SetPosition(400, 500, 300)
        stood = camera_node().GetPosition()
        planes = vtk.vtkPlanes()
        cutting.cut_open(self.display, cutting.FACING).GetTransformedPlanes(planes)
        low, high = bounds(self.node)
        middle = (low + high) / 2
        self.assertGreater(planes.EvaluateFunction(*(middle + 2 * towards())), 0)
        self.assertLess(planes.EvaluateFunction(*(middle - 2 * towards())), 0)
        self.assertEqual(camera_node().GetPosition(), stood)

    def test_self_made_panel_shows_the_state_of_the_rendering(self):
        cutting.cut(self.display)
        widget = MRIColorize.MRIColorizeWidget()
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.colorVolume = self.node
        self.assertEqual(widget.ui.cutComboBox.currentIndex, -1, "a cut that has no name")
        cutting.cut_open(self.display, "left")
        widget._views.update()
        self.assertEqual(widget.ui.cutComboBox.currentText, "Left half")


class CameraTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        camera_node().SetAttribute(camera.PLACED, None)
        self.node = add_block()

    def show(self):
        self.display = rendering.show_volume(self.node)

    def reach(self):
        """How far the corners of the block reach in the picture; 1 is its edge."""
        node, direction = camera_node(), towards()
        up = np.array(node.GetViewUp())
        right = np.cross(up, direction)
        corners = camera.seen_corners(self.node) - np.array(node.GetPosition())
        depth = -(corners @ direction) * np.tan(np.radians(node.GetViewAngle()) / 2)
        return float(max(np.abs(corners @ up / depth).max(), np.abs(corners @ right / depth).max()))

    def test_volume_that_is_shown_fills_the_view_from_where_the_camera_stood(self):
        camera_node().SetFocalPoint(0, 0, 0)
        camera_node().SetPosition(0, 5000, 0)
        camera_node().SetViewUp(0, 0, 1)
        self.show()
        np.testing.assert_allclose(towards(), (0, 1, 0), atol=1e-6)
        self.assertGreater(self.reach(), 0.85)
        self.assertLess(self.reach(), 1.0)

    def test_camera_turns_to_a_cut_unless_it_was_moved_since(self):
        self.show()
        cutting.cut_open(self.display, "right")
        self.assertGreater(towards()[0], 0.9)
        cutting.cut_open(self.display, "front")
        self.assertGreater(towards()[1], 0.9)
        camera_node().SetPosition(10, -900, 30)
        cutting.cut_open(self.display, "right")
        self.assertEqual(camera_node().GetPosition(), (10, -900, 30))
        rendering.show_volume(self.node)
        self.assertEqual(camera_node().GetPosition(), (10, -900, 30), "it was shown already")
        rendering.hide_volume(self.node)
        rendering.show_volume(self.node)
        cutting.cut_open(self.display, "right")
        self.assertGreater(towards()[0], 0.9)

    def test_parallel_projection_is_framed_too(self):
        camera_node().SetParallelProjection(True)
        self.addCleanup(camera_node().SetParallelProjection, False)
        camera_node().SetParallelScale(3000)
        self.show()
        self.assertLess(camera_node().GetParallelScale(), 60)


if __name__ == "__main__":
    unittest.main()
