"""Claims about 4D data: every frame coloured, played by the browser, whole or not at all."""

import types
import unittest
from unittest import mock

import numpy as np
import slicer
from stand_ins import (
    OBLIQUE,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    colors_of,
    made_array,
    scene_state,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.errors import Cancelled, InputError
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import sequences

FRAMES = 5


def add_sequence(browsed=True):
    """Five frames under a parent transform; returns the sequence and the volume that shows it."""
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "beats")
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("ms")
    frame = slicer.vtkMRMLScalarVolumeNode()
    for n in range(FRAMES):
        frame.SetName("beat")
        frame.SetIJKToRASMatrix(scene.vtk_matrix(OBLIQUE))
        frame.SetAndObserveImageData(scene.vtk_image(frame_array(n)))
        sequence.SetDataNodeAtValue(frame, str(40 * n))
    if not browsed:
        return sequence, None
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "player")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return sequence, browser.GetProxyNode(sequence)


def frame_array(n):
    return ((made_array() + 20 * n) % 200).astype(np.uint8)


class SequenceTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.engine = StandInEngine(steps=2)
        self.logic = MRIColorize.MRIColorizeLogic(self.engine)

    def test_every_frame_gets_its_colours_geometry_and_time(self):
        sequence, _ = add_sequence()
        result = self.logic.colorizeSequence(sequence)
        self.assertEqual(result.GetName(), "beats_color")
        self.assertEqual(result.GetNumberOfDataNodes(), FRAMES)
        self.assertEqual((result.GetIndexName(), result.GetIndexUnit()), ("time", "ms"))
        for n in range(FRAMES):
            node = result.GetNthDataNode(n)
            np.testing.assert_array_equal(
                slicer.util.arrayFromVolume(node), colors_of(frame_array(n).astype(np.float32))
            )
            np.testing.assert_allclose(scene.ijk_to_ras(node), OBLIQUE, atol=1e-12)
            self.assertEqual(result.GetNthIndexValue(n), str(40 * n))
            self.assertEqual(node.GetAttribute("MRIColorize.Model"), "stand-in")
        self.assertEqual(self.engine.asked, [(None, "auto")], "the model is loaded once")

    def test_browser_of_the_input_plays_both_under_one_transform(self):
        sequence, shown = add_sequence()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        shown.SetAndObserveTransformNodeID(transform.GetID())
        result = self.logic.colorizeSequence(sequence)
        browser = sequences.browser_of(result)
        self.assertEqual(browser.GetName(), "player")
        proxy = sequences.shown_frame(result)
        self.assertIs(proxy.GetParentTransformNode(), transform)
        browser.SetSelectedItemNumber(3)
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(proxy), colors_of(frame_array(3).astype(np.float32))
        )
        self.assertIs(scene.input_of(proxy), sequences.shown_frame(sequence))
        display = proxy.GetDisplayNode()
        self.assertEqual((display.GetWindowLevelMin(), display.GetWindowLevelMax()), (0, 255))

    def test_volume_that_shows_a_frame_stands_for_its_sequence(self):
        sequence, shown = add_sequence()
        result = self.logic.colorizeSequence(shown)
        self.assertEqual(result.GetNumberOfDataNodes(), FRAMES)
        self.assertIs(sequences.browser_of(result), sequences.browser_of(sequence))

    def test_every_frame_says_how_it_was_coloured(self):
        sequence, _ = add_sequence()
        result = self.logic.colorizeSequence(sequence, background="white", palette="vivid")
        for n in range(FRAMES):
            frame = result.GetNthDataNode(n)
            self.assertEqual(frame.GetAttribute("MRIColorize.Background"), "white")
            self.assertEqual(frame.GetAttribute("MRIColorize.Palette"), "Vivid")

    def test_sequence_without_a_browser_gets_one(self):
        sequence, _ = add_sequence(browsed=False)
        result = self.logic.colorizeSequence(sequence)
        self.assertIs(sequences.browser_of(result), sequences.browser_of(sequence))
        self.assertIsNotNone(sequences.shown_frame(result))

    def test_progress_rises_to_the_end_of_the_last_frame(self):
        sequence, _ = add_sequence()
        seen = []
        self.logic.colorizeSequence(sequence, progress=lambda *at: seen.append(at))
        self.assertEqual(seen[-1], (2 * FRAMES, 2 * FRAMES))
        self.assertEqual(seen, sorted(seen))

    def test_cancel_in_any_frame_leaves_the_scene_as_it_was(self):
        sequence, _ = add_sequence()
        before = scene_state()
        for at in (0, 3, 2 * FRAMES):
            with self.subTest(at=at), self.assertRaises(Cancelled):
                self.logic.colorizeSequence(
                    sequence, progress=lambda done, total, at=at: not (total and done == at)
                )
            self.assertEqual(scene_state(), before)

    def test_what_is_no_sequence_is_refused(self):
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "nothing")
        for node, words in (
            (None, "No sequence"),
            (add_mri(), "No sequence"),
            (empty, "no frames"),
        ):
            with self.assertRaisesRegex(InputError, words):
                self.logic.colorizeSequence(node)

    def test_without_slicer_s_module_no_volume_belongs_to_a_sequence(self):
        _, shown = add_sequence()
        with mock.patch.object(slicer, "modules", types.SimpleNamespace()):
            self.assertIsNone(sequences.sequence_of(shown))

    def test_panel_offers_the_sequence_only_for_one_of_its_frames(self):
        mri = add_mri()
        _, shown = add_sequence()
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        wait_until(lambda: widget.ui.colorizeButton.visible)
        widget._parameterNode.inputVolume = mri
        self.assertFalse(widget.ui.wholeSequenceCheckBox.visible)
        widget._parameterNode.inputVolume = shown
        self.assertTrue(widget.ui.wholeSequenceCheckBox.visible)
        widget.ui.wholeSequenceCheckBox.checked = True
        widget.ui.colorizeButton.click()
        wait_until(lambda: widget._run is None)
        self.assertIn("5 frames", widget.ui.statusLabel.text)
        chosen = widget._parameterNode.colorVolume
        self.assertEqual(sequences.sequence_of(chosen).GetName(), "beats_color")


if __name__ == "__main__":
    unittest.main()
