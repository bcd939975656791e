"""Claims about the tissues of a colour volume: eyes, opacity, ml, smooth surfaces in 3D."""

import unittest
from unittest import mock

import numpy as np
import qt
import slicer
import vtk
from stand_ins import (
    NEEDS_TORCH,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    tissue_of,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.network.palettes import list_palettes
from MRIColorizeLib.panel.palette import ROWS
from MRIColorizeLib.scene import results, tissues
from MRIColorizeLib.scene.nodes import ijk_to_ras
from MRIColorizeLib.scene.surfaces import closed_surface
from MRIColorizeLib.tissue import Tissue


def ball(radius, size=24):
    k, j, i = np.indices((size, size, size)) - (size - 1) / 2
    return k**2 + j**2 + i**2 < radius**2


class SurfaceTest(unittest.TestCase):
    def test_ball_becomes_a_closed_surface_of_its_volume_and_place(self):
        for sign in (1, -1):  # left-handed grids, too
            with self.subTest(sign=sign):
                matrix = np.diag([sign * 2.0, 2.0, 3.0, 1.0])
                matrix[:3, 3] = (10, 20, 30)
                surface = closed_surface(ball(8), matrix)
                edges = vtk.vtkFeatureEdges()
                edges.SetInputData(surface)
                edges.FeatureEdgesOff()
                edges.NonManifoldEdgesOff()
                edges.ManifoldEdgesOff()
                edges.Update()
                self.assertEqual(edges.GetOutput().GetNumberOfCells(), 0, "it has no holes")
                bounds = np.array(surface.GetBounds()).reshape(3, 2)
                center = matrix @ [11.5, 11.5, 11.5, 1]
                np.testing.assert_allclose(bounds.mean(axis=1), center[:3], atol=1.5)
                np.testing.assert_allclose(np.ptp(bounds, axis=1), [32, 32, 48], rtol=0.12)
                points = vtk.util.numpy_support.vtk_to_numpy(surface.GetPoints().GetData())
                normals = vtk.util.numpy_support.vtk_to_numpy(surface.GetPointData().GetNormals())
                outwards = ((points - center[:3]) * normals).sum(axis=1)
                self.assertGreater((outwards > 0).mean(), 0.99)

    def test_mask_at_the_border_of_its_volume_is_closed_there(self):
        surface = closed_surface(np.ones((6, 6, 6), bool), np.eye(4))
        np.testing.assert_allclose(
            np.array(surface.GetBounds()).reshape(3, 2).mean(axis=1), 2.5, atol=0.6
        )

    def test_single_voxels_make_no_dust_but_a_single_voxel_is_shown(self):
        dusty = ball(8)
        dusty[0, 0, 0] = True
        reach = np.array(closed_surface(dusty, np.eye(4)).GetBounds())[::2]
        self.assertGreater(reach.min(), 2)
        alone = np.zeros((5, 5, 5), bool)
        alone[2, 2, 2] = True
        self.assertGreater(closed_surface(alone, np.eye(4)).GetNumberOfPolys(), 0)


class TissuePanelTest(unittest.TestCase):
    """The stand-in engine finds two tissues: fat and muscle."""

    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.mri = add_mri(shape=(12, 14, 16))
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)
        self.ui, self.table = self.widget.ui, self.widget.ui.paletteTable

    def colorize(self, tissue=True):
        self.widget._parameterNode.makeTissue = tissue
        self.ui.colorizeButton.click()
        wait_until(lambda: self.widget._run is None)
        return self.widget._parameterNode.colorVolume

    def eye(self, tissue):
        return self.table.item(ROWS.index(tissue), 2)

    def test_milliliters_are_those_of_the_voxels(self):
        node = self.colorize()
        codes = tissue_of(slicer.util.arrayFromVolume(self.mri))
        voxel = abs(np.linalg.det(ijk_to_ras(node)[:3, :3])) / 1000
        for tissue in (Tissue.FAT, Tissue.MUSCLE):
            expected = (codes == tissue).sum() * voxel
            self.assertAlmostEqual(tissues.milliliters(node)[tissue], expected, places=6)
            shown = float(self.table.item(ROWS.index(tissue), 3).text())
            self.assertAlmostEqual(shown, expected, delta=0.051)
        self.assertEqual(self.eye(Tissue.SKIN).text(), "", "what is not there has no eye")

    def test_eyes_and_show_only_hide_and_show(self):
        node = self.colorize()
        self.eye(Tissue.FAT).setCheckState(qt.Qt.Unchecked)
        self.assertEqual(tissues.shown_tissues(node), {Tissue.MUSCLE})
        self.ui.showAllButton.click()
        self.assertEqual(tissues.shown_tissues(node), {Tissue.FAT, Tissue.MUSCLE})
        self.table.selectRow(ROWS.index(Tissue.FAT))
        self.ui.showOnlyButton.click()
        self.assertEqual(tissues.shown_tissues(node), {Tissue.FAT})
        self.assertEqual(self.eye(Tissue.MUSCLE).checkState(), qt.Qt.Unchecked)

    def test_opacity_is_that_of_the_selected_tissues(self):
        node = self.colorize()
        self.assertFalse(self.ui.tissueOpacitySlider.enabled)
        self.table.selectRow(ROWS.index(Tissue.MUSCLE))
        self.ui.tissueOpacitySlider.value = 0.4
        self.assertAlmostEqual(tissues.opacity_of(node, Tissue.MUSCLE), 0.4)
        self.assertAlmostEqual(tissues.opacity_of(node, Tissue.FAT), 1.0)
        self.assertEqual(self.eye(Tissue.MUSCLE).text(), "40%")

    def test_surfaces_come_in_one_click_and_go_in_another(self):
        node = self.colorize()
        self.ui.surfacesButton.click()
        self.assertTrue(tissues.are_surfaces_shown(node))
        segmentation = results.tissue_of(node).GetSegmentation()
        for tissue in (Tissue.FAT, Tissue.MUSCLE):
            segment = segmentation.GetSegment(tissue.name)
            self.assertGreater(segment.GetRepresentation("Closed surface").GetNumberOfPolys(), 3)
            np.testing.assert_allclose(
                segment.GetColor(), list_palettes()[0].rgb[tissue], atol=1e-6
            )
        self.ui.surfacesButton.click()
        self.assertFalse(tissues.are_surfaces_shown(node))

    def test_surfaces_leave_the_slices_as_they_were(self):
        node = self.colorize()
        display = results.tissue_of(node).GetDisplayNode()
        for outlined in (False, True):
            display.SetVisibility(outlined)
            self.ui.surfacesButton.click()
            self.assertEqual(bool(display.GetVisibility2D()), outlined)
            self.ui.surfacesButton.click()
            self.assertEqual(bool(display.GetVisibility()), outlined)
            self.assertTrue(display.GetVisibility2D())

    @NEEDS_TORCH
    def test_map_that_the_run_did_not_make_is_made_when_it_is_needed(self):
        node = self.colorize(tissue=False)
        self.assertIsNone(results.tissue_of(node))
        self.ui.surfacesButton.click()
        self.assertTrue(tissues.are_surfaces_shown(node))
        self.assertEqual(set(tissues.tissues_in(node)), {Tissue.FAT, Tissue.MUSCLE})

    def test_controls_say_why_they_are_off(self):
        self.assertFalse(self.ui.surfacesButton.enabled)
        self.assertIn("no colours yet", self.ui.surfacesButton.toolTip)
        with mock.patch.object(self.widget.logic.repainter, "canRepaint", return_value=False):
            self.colorize(tissue=False)
            self.widget._tissues.update()
            self.assertIn("has no tissue map", self.ui.surfacesButton.toolTip)
            self.assertFalse(self.ui.showOnlyButton.enabled)


if __name__ == "__main__":
    unittest.main()
