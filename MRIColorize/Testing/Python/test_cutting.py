"""Claims about the cut through a rendering: where it goes, what shows it, and that it leaves."""

import unittest

import numpy as np
import slicer
from stand_ins import clear_scene, picture_of, scene_nodes

import MRIColorize
from MRIColorizeLib.scene import cutting, rendering

SIZE_MM = np.array([60.0, 90.0, 80.0])  # along R, A, S


def add_block():
    """A solid block of one colour, its lowest voxel at (10, 20, 30) mm of the patient."""
    rgb = np.full((20, 30, 30, 3), (200, 60, 60), np.uint8)
    matrix = np.diag([2.0, 3.0, 4.0, 1.0])
    matrix[:3, 3] = (10, 20, 30)
    kind = "vtkMRMLVectorVolumeNode"
    return slicer.util.addVolumeFromArray(rgb, matrix, "block", kind)


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

    def test_cut_is_seen_in_the_3d_view(self):
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()

        def drawn():
            """How many pixels show the block."""
            picture = picture_of(view).astype(int)
            return int((picture[..., 0] - picture[..., 2] > 40).sum())

        slicer.util.resetThreeDViews()
        whole = drawn()
        cutting.cut(self.display)
        half = drawn()
        self.assertGreater(whole, 500)
        self.assertLess(half, 0.8 * whole)
        cutting.mend(self.display)
        self.assertEqual(drawn(), whole)

    def test_self_made_panel_shows_the_state_of_the_rendering(self):
        cutting.cut(self.display)
        widget = MRIColorize.MRIColorizeWidget()
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.colorVolume = self.node
        self.assertTrue(widget.ui.cutCheckBox.checked)


if __name__ == "__main__":
    unittest.main()
