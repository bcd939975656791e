"""Claims about reading MRML nodes and writing colours into the scene."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
import vtk
from stand_ins import (
    OBLIQUE,
    StandInEngine,
    add_mri,
    clear_scene,
    colors_of,
    made_array,
    scene_nodes,
    scene_state,
)

import MRIColorize
from MRIColorizeLib import __version__
from MRIColorizeLib.errors import InputError, OutputError
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.volume import ColorVolume, Provenance


def made_color():
    provenance = Provenance("m", "0.1", "cuda", "bfloat16", "axial", 5, 2.25)
    array = made_array()
    return ColorVolume(colors_of(array), array > 0, None, OBLIQUE, provenance)


class ReadVolumeTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_array_is_kji_float32_and_geometry_is_the_nodes(self):
        volume = scene.read_volume(add_mri())
        np.testing.assert_array_equal(volume.array, made_array().astype(np.float32))
        self.assertEqual(volume.array.dtype, np.float32)
        np.testing.assert_allclose(volume.ijk_to_ras, OBLIQUE, atol=1e-12)

    def test_array_is_a_copy_that_outlives_the_node(self):
        node = add_mri()
        volume = scene.read_volume(node)
        slicer.util.arrayFromVolume(node)[:] = -1
        slicer.mrmlScene.RemoveNode(node)
        del node
        np.testing.assert_array_equal(volume.array, made_array())

    def test_every_scalar_type_is_read(self):
        for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64):
            with self.subTest(dtype=dtype.__name__):
                node = slicer.util.addVolumeFromArray(np.ones((2, 3, 4), dtype))
                self.assertEqual(scene.read_volume(node).array.shape, (2, 3, 4))

    def assert_refused(self, node, *words):
        before = scene_state()
        with self.assertRaises(InputError) as caught:
            scene.read_volume(node)
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertEqual(scene_state(), before)

    def test_no_node_is_refused(self):
        self.assert_refused(None, "choose an MRI volume")

    def test_node_that_is_no_volume_is_refused_by_name(self):
        model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Bone")
        self.assert_refused(model, "Bone", "not a volume")

    def test_label_map_is_refused(self):
        labels = slicer.util.addVolumeFromArray(
            np.ones((2, 3, 4), np.uint8), name="Seg", nodeClassName="vtkMRMLLabelMapVolumeNode"
        )
        self.assert_refused(labels, "Seg", "label map")

    def test_node_without_image_is_refused(self):
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
        self.assert_refused(empty, "Empty", "no voxels")

    def test_node_with_an_image_of_size_zero_is_refused(self):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Zero")
        node.SetAndObserveImageData(vtk.vtkImageData())
        self.assert_refused(node, "Zero", "no voxels")

    def test_colour_volumes_are_refused(self):
        for components in (3, 4):
            for kind in ("vtkMRMLVectorVolumeNode", "vtkMRMLScalarVolumeNode"):
                with self.subTest(components=components, kind=kind):
                    node = slicer.mrmlScene.AddNewNodeByClass(kind, "Photo")
                    image = vtk.vtkImageData()
                    image.SetDimensions(4, 3, 2)
                    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, components)
                    node.SetAndObserveImageData(image)
                    self.assert_refused(node, "Photo", "already a colour volume")

    def test_volumes_with_several_values_a_voxel_are_refused(self):
        node = slicer.util.addVolumeFromArray(
            np.ones((2, 3, 4, 6), np.float32), name="DWI", nodeClassName="vtkMRMLVectorVolumeNode"
        )
        self.assert_refused(node, "DWI", "several values")


class WriteColorTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        slicer.mrmlScene.SetUndoOff()

    def test_colours_arrive_unchanged_as_rgb_uint8(self):
        node = scene.write_color(made_color(), add_mri())
        array = slicer.util.arrayFromVolume(node)
        np.testing.assert_array_equal(array, colors_of(made_array()))
        self.assertEqual(array.dtype, np.uint8)
        self.assertEqual(node.GetClassName(), "vtkMRMLVectorVolumeNode")
        self.assertEqual(
            node.GetVoxelVectorType(), slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGB
        )

    def test_node_does_not_share_memory_with_the_result(self):
        color = made_color()
        node = scene.write_color(color, add_mri())
        color.array[:] = 0
        self.assertGreater(slicer.util.arrayFromVolume(node).max(), 0)

    def test_geometry_is_the_inputs_to_the_last_bit(self):
        mri = add_mri()
        color = made_color()
        color = ColorVolume(
            color.array, color.mask, None, scene.read_volume(mri).ijk_to_ras, color.provenance
        )
        node = scene.write_color(color, mri)
        np.testing.assert_array_equal(scene.ijk_to_ras(node), scene.ijk_to_ras(mri))
        self.assertEqual(node.GetImageData().GetDimensions(), (7, 6, 5))
        self.assertEqual(node.GetImageData().GetSpacing(), (1, 1, 1))

    def test_parent_transform_is_carried_over_and_not_applied(self):
        mri = add_mri()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Tilt")
        mri.SetAndObserveTransformNodeID(transform.GetID())
        node = scene.write_color(made_color(), mri)
        self.assertIs(node.GetParentTransformNode(), transform)
        np.testing.assert_allclose(scene.ijk_to_ras(node), OBLIQUE, atol=1e-12)

    def test_reused_output_loses_a_transform_that_the_input_has_not(self):
        mri = add_mri()
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Old")
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        output.SetAndObserveTransformNodeID(transform.GetID())
        scene.write_color(made_color(), mri, output)
        self.assertIsNone(output.GetParentTransformNode())

    def test_place_in_the_subject_hierarchy_is_the_inputs(self):
        mri = add_mri()
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
        # Slicer has made the item already; without the application it is made here.
        item = hierarchy.GetItemByDataNode(mri) or hierarchy.CreateItem(folder, mri)
        hierarchy.SetItemParent(item, folder)
        observer = slicer.mrmlScene.AddObserver(
            slicer.vtkMRMLScene.NodeAddedEvent, lambda *_: self.give_items(hierarchy)
        )
        try:
            node = scene.write_color(made_color(), mri)
        finally:
            slicer.mrmlScene.RemoveObserver(observer)
        self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)), folder)

    def give_items(self, hierarchy):
        for node in slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode"):
            if not hierarchy.GetItemByDataNode(node):
                hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    def test_colours_are_shown_as_they_are(self):
        display = scene.write_color(made_color(), add_mri()).GetDisplayNode()
        self.assertEqual(display.GetAutoWindowLevel(), 0)
        self.assertEqual((display.GetWindowLevelMin(), display.GetWindowLevelMax()), (0, 255))

    def test_provenance_is_on_the_node(self):
        mri = add_mri("T1 of Ada")
        node = scene.write_color(made_color(), mri)
        expected = {
            "Model": "m",
            "Software": f"MRIColorize {__version__}",
            "ModelVersion": "0.1",
            "Device": "cuda",
            "Precision": "bfloat16",
            "Plane": "axial",
            "Mode": "natural",
            "Slices": "5",
            "InputNodeName": "T1 of Ada",
        }
        for key, value in expected.items():
            self.assertEqual(node.GetAttribute("MRIColorize." + key), value)
        self.assertIn("not for diagnosis", node.GetAttribute("MRIColorize.Notice"))

    def test_new_node_is_named_after_the_input_and_names_stay_unique(self):
        mri = add_mri("Ämne 1")
        names = [scene.write_color(made_color(), mri).GetName() for _ in range(2)]
        self.assertEqual(names[0], "Ämne 1_color")
        self.assertEqual(len(set(names)), 2)
        self.assertEqual(scene.write_color(made_color(), mri, name="mine").GetName(), "mine")

    def test_chosen_output_is_reused_and_keeps_its_name(self):
        mri = add_mri()
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Mine")
        node = scene.write_color(made_color(), mri, output)
        self.assertIs(node, output)
        self.assertEqual(node.GetName(), "Mine")
        again = scene.write_color(made_color(), mri, output)
        self.assertIs(again, output)
        self.assertEqual(output.GetNumberOfDisplayNodes(), 1)

    def test_output_that_has_left_the_scene_is_replaced_by_a_new_node(self):
        mri = add_mri()
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Gone")
        slicer.mrmlScene.RemoveNode(output)
        node = scene.write_color(made_color(), mri, output)
        self.assertTrue(scene.in_scene(node))
        self.assertIsNot(node, output)

    def test_input_that_has_left_the_scene_gets_no_colours(self):
        mri = add_mri()
        slicer.mrmlScene.RemoveNode(mri)
        before = scene_state()
        with self.assertRaises(OutputError):
            scene.write_color(made_color(), mri)
        self.assertEqual(scene_state(), before)

    def test_failure_while_writing_leaves_no_node_behind(self):
        mri = add_mri()
        for step in ("vtk_image", "fill_volume", "set_true_color"):
            with self.subTest(step=step):
                before = scene_state()
                with (
                    mock.patch.object(scene, step, side_effect=MemoryError),
                    self.assertRaises(MemoryError),
                ):
                    scene.write_color(made_color(), mri)
                self.assertEqual(scene_state(), before)

    def test_input_is_never_touched(self):
        mri = add_mri()
        before = scene_state()
        scene.write_color(made_color(), mri)
        self.assertEqual(scene_state()[: len(before)], before)

    def test_input_of_finds_the_mri_until_it_is_gone(self):
        mri = add_mri()
        node = scene.write_color(made_color(), mri)
        self.assertIs(scene.input_of(node), mri)
        slicer.mrmlScene.RemoveNode(mri)
        self.assertIsNone(scene.input_of(node))

    def test_input_of_refuses_an_mri_that_was_moved_on_its_grid(self):
        mri = add_mri()
        node = scene.write_color(made_color(), mri)
        mri.SetOrigin(1, 2, 3)
        self.assertIsNone(scene.input_of(node))

    def test_input_of_stays_with_its_own_mri_when_a_scene_is_loaded_into_another(self):
        mri = add_mri("first patient")
        scene.write_color(made_color(), mri)
        with tempfile.TemporaryDirectory() as folder:
            slicer.mrmlScene.SetURL(str(Path(folder) / "scene.mrml"))
            self.assertTrue(slicer.mrmlScene.Commit())
            identity = mri.GetID()
            clear_scene()
            other = add_mri("second patient")
            self.assertEqual(other.GetID(), identity)
            slicer.mrmlScene.Import()
        (node,) = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
        # The file holds no voxels.
        slicer.util.updateVolumeFromArray(node, colors_of(made_array()))
        self.assertIsNone(scene.input_of(node))
        slicer.util.updateVolumeFromArray(slicer.util.getNode("first patient"), made_array())
        self.assertEqual(scene.input_of(node).GetName(), "first patient")


class UndoTest(unittest.TestCase):
    """With the scene's undo on, and nodes as Slicer makes them, one undo takes a run back."""

    def setUp(self):
        clear_scene()
        self.mri = add_mri()
        self.assertFalse(self.mri.GetUndoEnabled(), "Slicer's default")
        slicer.mrmlScene.SetUndoOn()
        self.addCleanup(slicer.mrmlScene.ClearUndoStack)
        self.addCleanup(slicer.mrmlScene.SetUndoOff)

    def test_undo_removes_all_that_a_run_has_made(self):
        before = [node.GetID() for node in scene_nodes()]
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        logic.colorize(self.mri, tissue=True, confidence=True)
        self.assertGreater(len(scene_nodes()), len(before) + 2)
        slicer.mrmlScene.Undo()
        self.assertEqual([node.GetID() for node in scene_nodes()], before)

    def test_undo_gives_a_reused_output_its_old_colours_back(self):
        output = slicer.util.addVolumeFromArray(
            np.full((2, 2, 2, 3), 7, np.uint8), nodeClassName="vtkMRMLVectorVolumeNode"
        )
        scene.write_color(made_color(), self.mri, output)
        slicer.mrmlScene.Undo()
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(output), np.full((2, 2, 2, 3), 7, np.uint8)
        )

    def test_nodes_take_no_part_in_undo_while_it_is_off(self):
        slicer.mrmlScene.SetUndoOff()
        node = scene.write_color(made_color(), self.mri)
        self.assertFalse(node.GetUndoEnabled())


if __name__ == "__main__":
    unittest.main()
