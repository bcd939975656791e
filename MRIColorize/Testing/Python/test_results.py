"""Claims about tissue map, confidence volume and masks, written to and read from the scene."""

import unittest
from unittest import mock

import numpy as np
import slicer
import vtk
from stand_ins import (
    OBLIQUE,
    StandInEngine,
    add_mri,
    clear_scene,
    made_array,
    scene_state,
    tissue_of,
)
from vtk.util.numpy_support import vtk_to_numpy

import MRIColorize
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.network.palettes import find_palette, list_palettes
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import results, segmentation
from MRIColorizeLib.scene.many import usable_volumes
from MRIColorizeLib.scene.masks import read_mask
from MRIColorizeLib.tissue import Tissue

LABELS = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def segment_array(node, tissue, reference):
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, tissue.name, reference)


class TissueTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        self.engine = StandInEngine()
        self.logic = MRIColorize.MRIColorizeLogic(self.engine)
        self.mri = add_mri("head")

    def test_each_tissue_is_a_segment_of_its_voxels(self):
        colors = self.logic.colorize(self.mri, tissue=True)
        node = results.tissue_of(colors)
        self.assertEqual(node.GetName(), "head_color_tissue")
        self.assertEqual(list(node.GetSegmentation().GetSegmentIDs()), ["FAT", "MUSCLE"])
        codes = tissue_of(made_array().astype(np.float32))
        for tissue in (Tissue.FAT, Tissue.MUSCLE):
            np.testing.assert_array_equal(
                segment_array(node, tissue, self.mri) > 0, codes == tissue
            )

    def test_segments_have_standard_names_and_the_colours_of_the_palette(self):
        vivid = find_palette("vivid")
        node = results.tissue_of(self.logic.colorize(self.mri, tissue=True, palette="vivid"))
        segment = node.GetSegmentation().GetSegment("MUSCLE")
        self.assertEqual(segment.GetName(), "Muscle")
        self.assertIn("SCT^71616004^Muscle", segment.GetTerminology())
        np.testing.assert_allclose(segment.GetColor(), vivid.rgb[Tissue.MUSCLE], atol=1e-6)
        np.testing.assert_array_equal(self.engine.options[0].palette, vivid.lab)

    def test_segments_follow_the_colours_of_a_model_of_one_s_own(self):
        engine = StandInEngine(palette=find_palette("vivid").lab)
        colors = MRIColorize.MRIColorizeLogic(engine).colorize(self.mri, tissue=True)
        segment = results.tissue_of(colors).GetSegmentation().GetSegment("MUSCLE")
        np.testing.assert_allclose(
            segment.GetColor(), find_palette("vivid").rgb[Tissue.MUSCLE], atol=1e-6
        )

    def test_models_that_do_not_tell_organs_apart_call_none_of_them_blood(self):
        codes = np.full(made_array().shape, Tissue.BLOOD, np.uint8)
        rgb = find_palette("vivid").rgb
        for classes, name, term in ((13, "Organ or blood", "113343008"), (20, "Blood", "87612001")):
            node = segmentation.write_tissue(
                codes, np.eye(4), rgb, self.mri, None, f"of {classes}", classes
            )
            segment = node.GetSegmentation().GetSegment("BLOOD")
            self.assertEqual(segment.GetName(), name)
            self.assertIn(term, segment.GetTerminology())

    def test_every_tissue_has_a_name_and_a_term_that_slicer_can_read(self):
        for tissue in Tissue:
            self.assertTrue(segmentation.tissue_names()[tissue])
            if tissue == Tissue.BACKGROUND:
                continue
            parts = segmentation.terminology(tissue).split("~")
            self.assertEqual(len(parts), 7)
            for code in parts[1:3]:
                self.assertRegex(code, r"^SCT\^\d+\^\w")

    def test_new_tissue_map_is_hidden_and_one_that_is_shown_stays_so(self):
        colors = self.logic.colorize(self.mri, tissue=True)
        display = results.tissue_of(colors).GetDisplayNode()
        self.assertFalse(display.GetVisibility(), "its outlines would cover the colours")
        display.SetVisibility(True)
        display.SetVisibility2DFill(True)
        self.logic.colorize(self.mri, colors, tissue=True)
        self.assertTrue(display.GetVisibility())
        self.assertTrue(display.GetVisibility2DFill())

    def test_nothing_is_made_that_nobody_asked_for(self):
        colors = self.logic.colorize(self.mri)
        self.assertIsNone(results.tissue_of(colors))
        self.assertIsNone(results.confidence_of(colors))
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")), 0)

    def test_confidence_is_a_grey_volume_on_the_same_grid(self):
        node = results.confidence_of(self.logic.colorize(self.mri, confidence=True))
        self.assertEqual(node.GetClassName(), "vtkMRMLScalarVolumeNode")
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(node), 200 * (made_array() > 0).astype(np.uint8)
        )
        np.testing.assert_allclose(scene.ijk_to_ras(node), OBLIQUE, atol=1e-12)

    def test_confidence_volume_is_not_taken_for_an_mri(self):
        node = results.confidence_of(self.logic.colorize(self.mri, confidence=True))
        self.assertEqual(usable_volumes(), [self.mri])
        with self.assertRaisesRegex(InputError, "confidence was made by this module"):
            self.logic.colorize(node)

    def test_parent_transform_is_carried_over_to_everything(self):
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        self.mri.SetAndObserveTransformNodeID(transform.GetID())
        colors = self.logic.colorize(self.mri, tissue=True, confidence=True)
        for node in (colors, results.tissue_of(colors), results.confidence_of(colors)):
            self.assertIs(node.GetParentTransformNode(), transform)

    def test_a_reused_output_reuses_what_was_made_with_it(self):
        colors = self.logic.colorize(self.mri, tissue=True, confidence=True)
        before = [entry[0] for entry in scene_state()]
        self.logic.colorize(self.mri, colors, tissue=True, confidence=True)
        self.assertEqual([entry[0] for entry in scene_state()], before)

    def test_a_reused_output_lets_go_of_what_is_not_made_again(self):
        colors = self.logic.colorize(self.mri, tissue=True, confidence=True, palette="vivid")
        self.assertEqual(colors.GetAttribute("MRIColorize.Palette"), "Vivid")
        self.logic.colorize(self.mri, colors)
        self.assertIsNone(results.tissue_of(colors))
        self.assertIsNone(results.confidence_of(colors))
        self.assertEqual(colors.GetAttribute("MRIColorize.Palette"), "")

    def test_failure_while_writing_leaves_no_node_behind(self):
        for step in ("write_tissue", "write_volume", "write_color"):
            with self.subTest(step=step):
                before = scene_state()
                with (
                    mock.patch.object(results, step, side_effect=MemoryError),
                    self.assertRaises(MemoryError),
                ):
                    self.logic.colorize(self.mri, tissue=True, confidence=True)
                self.assertEqual(scene_state(), before)

    def test_failed_run_into_an_output_leaves_it_and_all_that_was_made_with_it_as_they_were(self):
        colors = self.logic.colorize(self.mri, tissue=True, confidence=True, palette="vivid")
        tissue = results.tissue_of(colors)
        darker = add_mri("darker")
        slicer.util.updateVolumeFromArray(darker, made_array()[::-1].copy())
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        darker.SetAndObserveTransformNodeID(transform.GetID())

        def state():
            held = tissue.GetSegmentation()
            segments = [held.GetNthSegment(n) for n in range(held.GetNumberOfSegments())]
            label = segments[0].GetRepresentation(LABELS)
            voxels = vtk_to_numpy(label.GetPointData().GetScalars()).tobytes()
            colors = [segment.GetColor() for segment in segments]
            return scene_state(), voxels, list(held.GetSegmentIDs()), colors

        before, whole = state(), scene.fill_volume

        def late(node, *arguments):
            whole(node, *arguments)
            if node is colors:
                raise MemoryError

        for module, step, failure in (
            (results, "write_volume", MemoryError),
            (results, "write_color", MemoryError),
            (scene, "fill_volume", late),
        ):
            with (
                self.subTest(step=step),
                mock.patch.object(module, step, side_effect=failure),
                self.assertRaises(MemoryError),
            ):
                self.logic.colorize(darker, colors, tissue=True, confidence=True)
            self.assertEqual(state(), before)
        self.assertIsNone(colors.GetParentTransformNode())
        self.logic.colorize(darker, colors, tissue=True, confidence=True)
        self.assertNotEqual(state(), before)

    def test_provenance_tells_the_choices(self):
        node = self.logic.colorize(self.mri, saturation=1.5, background="white", palette="vivid")
        self.assertEqual(node.GetAttribute("MRIColorize.Saturation"), "1.5")
        self.assertEqual(node.GetAttribute("MRIColorize.Background"), "white")
        self.assertEqual(node.GetAttribute("MRIColorize.Palette"), "Vivid")
        self.assertEqual(node.GetAttribute("MRIColorize.Mask"), "no")


class MaskTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        self.mri = add_mri("head")
        self.codes = np.zeros(made_array().shape, np.uint8)
        self.codes[1:3, 2:5, 1:4] = Tissue.FAT
        self.codes[3:5, 2:5, 1:4] = Tissue.BONE

    def add_segmentation(self):
        rgb = list_palettes()[0].rgb
        return segmentation.write_tissue(self.codes, OBLIQUE, rgb, self.mri, None, "Drawn")

    def test_visible_segments_are_the_mask(self):
        node = self.add_segmentation()
        np.testing.assert_array_equal(read_mask(node, self.mri), self.codes > 0)
        node.GetDisplayNode().SetSegmentVisibility("BONE", False)
        np.testing.assert_array_equal(read_mask(node, self.mri), self.codes == Tissue.FAT)

    def test_reading_a_mask_changes_nothing_in_the_scene(self):
        node = self.add_segmentation()
        before = scene_state()
        read_mask(node, self.mri)
        self.assertEqual(scene_state(), before)

    def test_reading_a_mask_leaves_no_copy_of_the_mri_behind(self):
        made = []
        logic = slicer.vtkSlicerSegmentationsModuleLogic

        class Watched:
            @staticmethod
            def CreateOrientedImageDataFromVolumeNode(*arguments):
                made.append(logic.CreateOrientedImageDataFromVolumeNode(*arguments))
                return made[-1]

        with mock.patch.object(slicer, "vtkSlicerSegmentationsModuleLogic", Watched):
            read_mask(self.add_segmentation(), self.mri)
        self.assertEqual([image.GetReferenceCount() for image in made], [1])

    def test_segmentation_under_another_transform_is_followed(self):
        node = self.add_segmentation()
        shift = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[:3, 3] = OBLIQUE[:3, 0]  # one voxel along i
        shift.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        node.SetAndObserveTransformNodeID(shift.GetID())
        expected = np.zeros(self.codes.shape, bool)
        expected[..., 1:] = self.codes[..., :-1] > 0
        np.testing.assert_array_equal(read_mask(node, self.mri), expected)

    def test_segmentation_of_surfaces_alone_is_a_mask_too_and_stays_as_it_is(self):
        mri = add_mri("large", (20, 22, 24))
        center = np.array([12, 11, 10])
        ball = vtk.vtkSphereSource()
        ball.SetRadius(6)
        ball.SetCenter(*(OBLIQUE @ [*center, 1])[:3])
        ball.Update()
        names = slicer.vtkSegmentationConverter
        surface = names.GetSegmentationClosedSurfaceRepresentationName()
        segment = slicer.vtkSegment()
        segment.AddRepresentation(surface, ball.GetOutput())
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Surface")
        node.GetSegmentation().SetSourceRepresentationName(surface)
        node.GetSegmentation().AddSegment(segment, "BALL")
        mask = read_mask(node, mri)
        volume = mask.sum() * abs(np.linalg.det(OBLIQUE[:3, :3]))
        self.assertAlmostEqual(volume / (4 / 3 * np.pi * 6**3), 1, delta=0.2)
        np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), center[::-1], atol=0.3)
        labels = names.GetSegmentationBinaryLabelmapRepresentationName()
        self.assertFalse(node.GetSegmentation().ContainsRepresentation(labels))

    def test_label_map_is_a_mask_on_the_same_grid_and_refused_on_another(self):
        kind = "vtkMRMLLabelMapVolumeNode"
        same = slicer.util.addVolumeFromArray(self.codes, OBLIQUE, "Labels", kind)
        np.testing.assert_array_equal(read_mask(same, self.mri), self.codes > 0)
        other = slicer.util.addVolumeFromArray(self.codes, np.eye(4), "Other", kind)
        with self.assertRaisesRegex(InputError, "Other.*another grid.*head"):
            read_mask(other, self.mri)

    def test_empty_mask_is_refused(self):
        node = self.add_segmentation()
        for name in ("FAT", "BONE"):
            node.GetDisplayNode().SetSegmentVisibility(name, False)
        with self.assertRaisesRegex(InputError, "Drawn covers nothing of head"):
            read_mask(node, self.mri)

    def test_mask_node_reaches_the_engine(self):
        engine = StandInEngine()
        logic = MRIColorize.MRIColorizeLogic(engine)
        logic.colorize(self.mri, maskNode=self.add_segmentation())
        np.testing.assert_array_equal(engine.options[0].mask, self.codes > 0)
        self.assertEqual(engine.options[0].background, "mri")
        logic.colorize(self.mri, maskNode=self.add_segmentation(), background="white")
        self.assertEqual(engine.options[1].background, "white")


if __name__ == "__main__":
    unittest.main()
