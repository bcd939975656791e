"""Claims about what is shown: true colour in slices, an RGBA volume with its own alpha in 3D."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
from stand_ins import OBLIQUE, add_mri, clear_scene, colors_of, made_array, scene_state
from vtk.util.numpy_support import vtk_to_numpy

from MRIColorizeLib.errors import OutputError
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.provenance import Provenance
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import rendering
from MRIColorizeLib.volume import ColorVolume


def add_pair():
    """An MRI and its colours, both in the scene."""
    mri = add_mri()
    array = made_array()
    provenance = Provenance("m", "0.1", "cpu", "float32", "axial", 5, 1.0)
    matrix = scene.ijk_to_ras(mri)
    color = ColorVolume(colors_of(array), array > 0, None, matrix, provenance)
    return mri, scene.write_color(color, mri)


def shown_color(colorNode, ijk):
    """RGB (0 to 255) that a slice view gives the voxel, through Slicer's own reslicing."""
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    sliceNode = logic.AddSliceNode("Probe")
    try:
        rendering.show_slices(colorNode, scene.input_of(colorNode))
        ras = scene.ijk_to_ras(colorNode) @ [*ijk, 1]
        sliceNode.SetDimensions(64, 64, 1)
        sliceNode.RotateToVolumePlane(colorNode)
        logic.FitSliceToAll()
        sliceNode.JumpSliceByCentering(*ras[:3])
        connection = logic.GetImageDataConnection()
        connection.GetProducer().Update()
        image = connection.GetProducer().GetOutputDataObject(connection.GetIndex())
        width, height, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
        to_xy = np.linalg.inv(slicer.util.arrayFromVTKMatrix(sliceNode.GetXYToRAS()))
        x, y = np.rint((to_xy @ ras)[:2]).astype(int)
        return tuple(int(value) for value in pixels[y, x, :3])
    finally:
        composite = logic.GetSliceCompositeNode()
        for node in (composite, sliceNode):
            slicer.mrmlScene.RemoveNode(node)
        logic.SetMRMLScene(None)


class SliceTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_voxel_is_displayed_in_exactly_its_own_colour(self):
        # (200, 120, 60) is what automatic window/level would show as (255, 153, 76).
        _, colors = add_pair()
        slicer.util.arrayFromVolume(colors)[...] = (200, 120, 60)
        slicer.util.arrayFromVolume(colors)[0] = (255, 200, 100)
        slicer.util.arrayFromVolumeModified(colors)
        self.assertEqual(shown_color(colors, (3, 3, 2)), (200, 120, 60))

    def test_volume_coloured_earlier_is_brought_to_true_colour(self):
        _, colors = add_pair()
        colors.GetDisplayNode().AutoWindowLevelOff()
        colors.GetDisplayNode().SetWindowLevelMinMax(20, 180)
        rendering.show_slices(colors)
        display = colors.GetDisplayNode()
        self.assertEqual((display.GetWindowLevelMin(), display.GetWindowLevelMax()), (0, 255))

    def test_colours_lie_over_the_mri_or_alone(self):
        mri, colors = add_pair()
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName("Probe")
        composite = slicer.mrmlScene.AddNode(composite)
        self.addCleanup(slicer.mrmlScene.RemoveNode, composite)
        rendering.show_slices(colors, mri, opacity=0.5)
        self.assertEqual(composite.GetBackgroundVolumeID(), mri.GetID())
        self.assertEqual(composite.GetForegroundVolumeID(), colors.GetID())
        self.assertEqual(composite.GetForegroundOpacity(), 0.5)
        rendering.show_slices(colors)
        self.assertEqual(composite.GetBackgroundVolumeID(), colors.GetID())
        self.assertIsNone(composite.GetForegroundVolumeID())

    def test_views_are_fitted_only_when_the_mri_is_new_to_them(self):
        mri, colors = add_pair()
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName("Probe")
        composite = slicer.mrmlScene.AddNode(composite)
        self.addCleanup(slicer.mrmlScene.RemoveNode, composite)
        with mock.patch.object(slicer.util, "setSliceViewerLayers") as layers:
            rendering.show_slices(colors, mri)
            composite.SetBackgroundVolumeID(mri.GetID())
            rendering.show_slices(colors, mri)
        self.assertEqual([call.kwargs["fit"] for call in layers.call_args_list], [True, False])


class RgbaTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_colours_are_kept_and_dark_tissue_stays_visible(self):
        mri, colors = add_pair()
        rgba = rendering.write_rgba(colors, mri)
        array = slicer.util.arrayFromVolume(rgba)
        np.testing.assert_array_equal(array[..., :3], slicer.util.arrayFromVolume(colors))
        body = slicer.util.arrayFromVolume(colors).any(axis=-1)
        self.assertTrue((array[body][:, 3] >= 63).all(), "no body voxel is transparent")
        self.assertFalse(array[~body][:, 3].any(), "all air is transparent")
        self.assertEqual(
            rgba.GetVoxelVectorType(), slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGBA
        )

    def test_alpha_rises_with_the_mri(self):
        mri, colors = add_pair()
        alpha = slicer.util.arrayFromVolume(rendering.write_rgba(colors, mri))[..., 3].ravel()
        self.assertTrue((np.diff(alpha.astype(int)) >= 0).all())
        self.assertEqual(alpha.max(), 255)

    def test_mri_is_found_by_the_colours_themselves(self):
        mri, colors = add_pair()
        expected = slicer.util.arrayFromVolume(rendering.write_rgba(colors, mri)).copy()
        found = slicer.util.arrayFromVolume(rendering.write_rgba(colors))
        np.testing.assert_array_equal(found, expected)

    def test_colours_whose_mri_is_gone_get_alpha_from_their_luminance(self):
        mri, colors = add_pair()
        slicer.mrmlScene.RemoveNode(mri)
        array = slicer.util.arrayFromVolume(rendering.write_rgba(colors))
        luminance = array[..., :3] @ np.array([0.2126, 0.7152, 0.0722])
        body = array[..., :3].any(axis=-1)
        order = np.argsort(luminance[body])
        self.assertTrue((np.diff(array[..., 3][body][order].astype(int)) >= 0).all())

    def test_second_rendering_renews_the_first(self):
        mri, colors = add_pair()
        first = rendering.write_rgba(colors, mri)
        self.assertIs(rendering.write_rgba(colors, mri), first)

    def test_given_mask_decides_what_is_air(self):
        mri, colors = add_pair()
        mask = np.zeros(made_array().shape, bool)
        mask[2] = True
        alpha = slicer.util.arrayFromVolume(rendering.write_rgba(colors, mri, mask))[..., 3]
        np.testing.assert_array_equal(alpha > 0, mask)

    def test_white_or_grey_surroundings_are_air_too(self):
        k, j, i = np.indices((20, 24, 24))
        ball = (k - 10) ** 2 + (j - 12) ** 2 + (i - 12) ** 2 < 49
        mri = slicer.util.addVolumeFromArray(np.where(ball, 500.0, 3.0))
        for background, around in (("white", 255), ("mri", 3)):
            with self.subTest(background=background):
                rgb = np.full((*ball.shape, 3), around, np.uint8)
                rgb[ball] = (180, 90, 60)
                colors = slicer.util.addVolumeFromArray(
                    rgb, nodeClassName="vtkMRMLVectorVolumeNode"
                )
                colors.SetAttribute("MRIColorize.Background", background)
                array = slicer.util.arrayFromVolume(rendering.write_rgba(colors, mri))[..., 3]
                np.testing.assert_array_equal(array > 0, ball)

    def test_parent_transform_and_grid_are_the_colours(self):
        mri, colors = add_pair()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        colors.SetAndObserveTransformNodeID(transform.GetID())
        rgba = rendering.write_rgba(colors, mri)
        self.assertIs(rgba.GetParentTransformNode(), transform)
        np.testing.assert_array_equal(scene.ijk_to_ras(rgba), scene.ijk_to_ras(colors))

    def test_grey_volume_cannot_be_shown_in_3d(self):
        grey = slicer.util.addVolumeFromArray(
            np.zeros((2, 3, 4), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode"
        )
        before = scene_state()
        with self.assertRaises(OutputError):
            rendering.write_rgba(grey)
        self.assertEqual(scene_state(), before)

    def test_colours_that_do_not_say_their_background_are_told_by_their_corners(self):
        k, j, i = np.indices((20, 24, 24))
        ball = (k - 10) ** 2 + (j - 12) ** 2 + (i - 12) ** 2 < 49
        for around in (0, 255, 9):
            with self.subTest(around=around):
                rgb = np.full((*ball.shape, 3), around, np.uint8)
                rgb[ball] = (180, 90, 60)
                kind = "vtkMRMLVectorVolumeNode"
                colors = slicer.util.addVolumeFromArray(rgb, nodeClassName=kind)
                alpha = slicer.util.arrayFromVolume(rendering.write_rgba(colors))[..., 3]
                np.testing.assert_array_equal(alpha > 0, ball)

    def test_body_that_reaches_into_a_corner_does_not_hide_a_white_background(self):
        rgb = np.full((8, 9, 10, 3), 255, np.uint8)
        rgb[:5, :5, :5] = (180, 90, 60)
        colors = slicer.util.addVolumeFromArray(rgb, nodeClassName="vtkMRMLVectorVolumeNode")
        alpha = slicer.util.arrayFromVolume(rendering.write_rgba(colors))[..., 3]
        np.testing.assert_array_equal(alpha > 0, (rgb != 255).any(axis=-1))

    def test_colours_of_the_command_line_tell_their_background_to_slicer(self):
        provenance = Provenance(
            *("m", "0.1", "cpu", "float32", "axial", 5, 1.0),
            options=ColorizeOptions(background="white", palette_name="Vivid"),
        )
        array = made_array()
        rgb = np.where((array > 0)[..., None], colors_of(array), 255).astype(np.uint8)
        rgb[array == 0] = (1, 2, 3)  # no corner that would tell
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "head_color.nrrd"
            write_color(ColorVolume(rgb, array > 0, None, OBLIQUE, provenance), path)
            node = slicer.util.loadVolume(str(path))
        self.assertEqual(node.GetAttribute("MRIColorize.Background"), "white")
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "Vivid")


class VolumeRenderingTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_rendering_uses_the_volumes_own_alpha(self):
        mri, colors = add_pair()
        display = rendering.show_volume(colors, mri)
        self.assertTrue(display.GetVisibility())
        self.assertEqual(display.GetVolumeNode().GetImageData().GetNumberOfScalarComponents(), 4)
        look = display.GetVolumePropertyNode().GetVolumeProperty()
        self.assertFalse(look.GetIndependentComponents())
        opacity = look.GetScalarOpacity()
        self.assertEqual(opacity.GetValue(0), 0.0)
        self.assertGreater(opacity.GetValue(64), 0.0, "the darkest tissue shows")
        self.assertGreater(opacity.GetValue(255), opacity.GetValue(64))

    def test_look_changes_density_place_borders_and_light(self):
        mri, colors = add_pair()
        display = rendering.show_volume(colors, mri)
        look = display.GetVolumePropertyNode().GetVolumeProperty()
        curve = lambda: [look.GetScalarOpacity().GetValue(x) for x in (64, 128, 255)]  # noqa: E731
        usual = curve()
        rendering.set_look(display, rendering.Look(opacity=0))
        self.assertEqual(curve(), [0, 0, 0])
        rendering.set_look(display, rendering.Look(opacity=2))
        self.assertTrue(all(a > b for a, b in zip(curve(), usual, strict=True)))
        for shift in (-128, 128):
            rendering.set_look(display, rendering.Look(shift=shift))
            self.assertEqual(look.GetScalarOpacity().GetValue(0), 0, "air stays clear")
        rendering.set_look(display, rendering.Look(gradient=1, lighting=False))
        self.assertEqual(look.GetGradientOpacity().GetValue(0), 0)
        self.assertFalse(look.GetShade())
        rendering.set_look(display, rendering.Look())
        self.assertEqual(curve(), usual)

    def test_nodes_of_the_rendering_are_called_after_the_volume(self):
        mri, colors = add_pair()
        display = rendering.show_volume(colors, mri)
        name = f"{colors.GetName()}_3d_look"
        self.assertEqual(display.GetVolumePropertyNode().GetName(), name)
        display.GetVolumePropertyNode().SetName("mine")
        rendering.show_volume(colors, mri)
        self.assertEqual(display.GetVolumePropertyNode().GetName(), "mine")

    def test_second_call_adds_no_node(self):
        mri, colors = add_pair()
        rendering.show_volume(colors, mri)
        before = scene_state()
        rendering.show_volume(colors, mri)
        self.assertEqual(len(scene_state()), len(before))

    def test_failed_set_up_leaves_no_node_behind(self):
        mri, colors = add_pair()
        before = [entry[0] for entry in scene_state()]
        module = mock.Mock()
        module.logic().CreateDefaultVolumeRenderingNodes.return_value = None
        with (
            mock.patch.object(slicer.modules, "volumerendering", module),
            self.assertRaises(OutputError),
        ):
            rendering.show_volume(colors, mri)
        self.assertEqual([entry[0] for entry in scene_state()], before)


if __name__ == "__main__":
    unittest.main()
