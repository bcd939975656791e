"""Claims about the logic, from the console, and about the panel, with an engine that pretends."""

import importlib
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
from stand_ins import (
    DATA,
    NEEDS_TORCH,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    colors_of,
    made_array,
    raiser,
    scene_state,
    tip_of,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.engine.aside import finish_steps
from MRIColorizeLib.errors import Cancelled, DependencyError, InputError, OutputError
from MRIColorizeLib.notes import tell
from MRIColorizeLib.panel.settings import MachineSettings
from MRIColorizeLib.scene import nodes as scene


def color_nodes():
    return list(slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode"))


def at_third_slice(action, *arguments):
    """What a person does while the third slice is coloured, as a progress callback."""
    seen = []

    def progress(done, total):
        if done == 3 and not seen:
            seen.append(done)
            action(*arguments)

    return progress


class LogicTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        self.engine = StandInEngine(steps=5)
        self.logic = MRIColorize.MRIColorizeLogic(self.engine)

    def test_colorize_returns_a_new_colour_volume_beside_the_input(self):
        mri = add_mri("head")
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        mri.SetAndObserveTransformNodeID(transform.GetID())
        node = self.logic.colorize(mri)
        self.assertEqual(node.GetName(), "head_color")
        self.assertIs(node.GetParentTransformNode(), transform)
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(node), colors_of(made_array().astype(np.float32))
        )
        np.testing.assert_array_equal(scene.ijk_to_ras(node), scene.ijk_to_ras(mri))

    def test_choices_reach_the_engine_and_the_node(self):
        node = self.logic.colorize(
            add_mri(), plane="coronal", mode="structure", device="cuda", model="mine"
        )
        self.assertEqual(self.engine.asked, [("mine", "cuda")])
        self.assertEqual(node.GetAttribute("MRIColorize.Plane"), "coronal")
        self.assertEqual(node.GetAttribute("MRIColorize.Mode"), "structure")

    def test_output_is_reused(self):
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Mine")
        self.assertIs(self.logic.colorize(add_mri(), output), output)
        self.assertEqual(color_nodes(), [output])

    def test_progress_ends_with_all_slices(self):
        seen = []
        self.logic.colorize(add_mri(), progress=lambda done, total: seen.append((done, total)))
        self.assertEqual(seen[-1], (5, 5))
        self.assertEqual([done for done, _ in seen], sorted(done for done, _ in seen))

    def test_cancel_at_any_step_leaves_the_scene_as_it_was(self):
        mri = add_mri()
        output = self.logic.colorize(mri)
        for cancelled_at in range(6):
            for chosen in (None, output):
                with self.subTest(cancelled_at=cancelled_at, reused=chosen is not None):
                    before = scene_state()
                    self.engine.was_closed = False
                    with self.assertRaises(Cancelled):
                        self.logic.colorize(
                            mri,
                            chosen,
                            mode="structure",
                            progress=lambda done, total, at=cancelled_at: (
                                not (total and done == at)
                            ),
                        )
                    self.assertEqual(scene_state(), before)
                    finish_steps()
                    self.assertTrue(self.engine.was_closed)

    def test_error_at_any_step_leaves_the_scene_as_it_was(self):
        mri = add_mri()
        for error in (InputError("constant"), RuntimeError("a bug"), MemoryError()):
            for at in (0, 3, 5):
                with self.subTest(error=type(error).__name__, at=at):
                    logic = MRIColorize.MRIColorizeLogic(StandInEngine(5, at, raiser(error)))
                    before = scene_state()
                    with self.assertRaises(type(error)):
                        logic.colorize(mri)
                    self.assertEqual(scene_state(), before)

    def test_unusable_nodes_are_refused_before_the_model_is_loaded(self):
        for node in (
            None,
            slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"),
            slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode"),
        ):
            with self.assertRaises(InputError):
                self.logic.start(node)
        self.assertEqual(self.engine.asked, [])

    def test_unknown_plane_and_mode_are_refused(self):
        mri = add_mri()
        for wrong in ({"plane": "oblique"}, {"mode": "loud"}):
            with self.subTest(**wrong), self.assertRaises(InputError):
                self.logic.colorize(mri, **wrong)

    def test_input_removed_while_it_is_coloured_ends_with_a_sentence_and_no_node(self):
        mri = add_mri()
        with self.assertRaisesRegex(OutputError, "removed"):
            self.logic.colorize(mri, progress=at_third_slice(slicer.mrmlScene.RemoveNode, mri))
        self.assertEqual(color_nodes(), [])

    def test_output_removed_while_it_is_coloured_is_replaced(self):
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Gone")
        meanwhile = at_third_slice(slicer.mrmlScene.RemoveNode, output)
        node = self.logic.colorize(add_mri("head"), output, progress=meanwhile)
        self.assertEqual(color_nodes(), [node])
        self.assertEqual(node.GetName(), "head_color")

    def test_stepwise_form_calls_back(self):
        events = []
        run = self.logic.start(
            add_mri(),
            onProgress=lambda done, total: events.append(done),
            onFinished=lambda node: events.append(node.GetName()),
        )
        self.assertEqual(events, [])
        while run.advance():
            pass
        self.assertEqual(events, [0, 0, 1, 2, 3, 4, 5, "head_color"])


class PanelTest(unittest.TestCase):
    def setUp(self):
        # The module's own panel, when it is open, shares the parameter node with those made here.
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.engine = StandInEngine(steps=5)
        kept = MachineSettings()
        self.addCleanup(setattr, kept, "device", kept.device)
        self.addCleanup(setattr, kept, "model", kept.model)

    def open(self, engine=None, installer=None):
        logic = MRIColorize.MRIColorizeLogic(engine or self.engine)
        widget = MRIColorize.MRIColorizeWidget(None, logic, installer or ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        return widget

    def finish(self, widget):
        wait_until(lambda: widget._run is None)

    def test_button_is_off_and_says_why_without_a_volume(self):
        widget = self.open()
        self.assertFalse(widget.ui.colorizeButton.enabled)
        self.assertIn("choose an MRI volume", widget.ui.statusLabel.text)
        self.assertEqual(tip_of(widget.ui.colorizeButton), widget.ui.statusLabel.text)

    def test_button_turns_on_when_a_volume_is_chosen(self):
        widget = self.open()
        widget._parameterNode.inputVolume = add_mri()
        self.assertTrue(widget.ui.colorizeButton.enabled)
        self.assertEqual(widget.ui.inputSelector.currentNode().GetName(), "head")

    def test_button_turns_on_when_the_chosen_volume_gets_its_voxels(self):
        widget = self.open()
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "late")
        widget._parameterNode.inputVolume = empty
        self.assertFalse(widget.ui.colorizeButton.enabled)
        self.assertIn("no voxels", widget.ui.colorizeButton.toolTip)
        slicer.util.updateVolumeFromArray(empty, made_array())
        self.assertTrue(widget.ui.colorizeButton.enabled)

    def test_first_mri_of_the_scene_is_preselected(self):
        slicer.util.addVolumeFromArray(
            np.zeros((2, 3, 4, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode"
        )
        mri = add_mri()
        self.assertIs(self.open()._parameterNode.inputVolume, mri)

    def test_active_mri_is_preselected(self):
        add_mri("first")
        active = add_mri("active")
        selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
        if selection is None:
            selection = slicer.vtkMRMLSelectionNode()
            selection.SetSingletonTag("Singleton")
            selection = slicer.mrmlScene.AddNode(selection)
        selection.SetActiveVolumeID(active.GetID())
        self.assertIs(self.open()._parameterNode.inputVolume, active)

    def test_click_colours_and_shows_the_volume(self):
        mri = add_mri()
        widget = self.open()
        widget.ui.colorizeButton.click()
        self.assertEqual(widget.ui.colorizeButton.text, "Cancel")
        self.assertFalse(widget.ui.volumesCollapsibleButton.enabled)
        self.finish(widget)
        (node,) = color_nodes()
        self.assertEqual(node.GetName(), "head_color")
        self.assertEqual(widget.ui.colorizeButton.text, "Colorize")
        self.assertTrue(widget.ui.colorizeButton.enabled)
        self.assertTrue(widget.ui.volumesCollapsibleButton.enabled)
        for word in ("head_color", "5 slices", "cpu", "stand-in 1.2"):
            self.assertIn(word, widget.ui.statusLabel.text)
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            self.assertEqual(composite.GetForegroundVolumeID(), node.GetID())
            self.assertEqual(composite.GetBackgroundVolumeID(), mri.GetID())

    def test_second_click_makes_a_second_volume_and_a_chosen_output_is_overwritten(self):
        add_mri()
        widget = self.open()
        for count in (1, 2):
            widget.ui.colorizeButton.click()
            self.finish(widget)
            self.assertEqual(len(color_nodes()), count)
        widget._parameterNode.outputVolume = color_nodes()[0]
        widget.ui.colorizeButton.click()
        self.finish(widget)
        self.assertEqual(len(color_nodes()), 2)

    def test_choices_of_the_panel_reach_the_engine(self):
        add_mri()
        widget = self.open()
        widget.ui.planeComboBox.currentIndex = 2
        widget.ui.modeComboBox.currentIndex = 1
        widget.ui.deviceComboBox.currentIndex = 3
        widget.ui.colorizeButton.click()
        self.finish(widget)
        self.assertEqual(self.engine.asked, [(None, "cpu")])
        self.assertEqual(color_nodes()[0].GetAttribute("MRIColorize.Plane"), "sagittal")
        self.assertEqual(color_nodes()[0].GetAttribute("MRIColorize.Mode"), "structure")

    def test_progress_bar_shows_slices_and_pace(self):
        add_mri()
        shown = []
        widget = self.open()
        remember = widget._runs._onProgress

        def watch(done, total):
            remember(done, total)
            shown.append(
                (
                    widget.ui.progressBar.value,
                    widget.ui.progressBar.maximum,
                    widget.ui.statusLabel.text,
                )
            )

        widget._runs._onProgress = watch
        widget.ui.colorizeButton.click()
        self.finish(widget)
        self.assertEqual([entry[:2] for entry in shown[2:]], [(n, 5) for n in range(1, 6)])
        self.assertRegex(shown[4][2], r"3 of 5 slices, [\d.]+ slices/s, \d+ s left")

    def test_cancel_at_first_middle_and_last_step_leaves_the_scene_as_it_was(self):
        add_mri()
        for at in (0, 2, 5):
            with self.subTest(at=at):
                widget = self.open()
                output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Mine")
                widget._parameterNode.outputVolume = output
                before = scene_state()
                widget.ui.colorizeButton.click()
                wait_until(lambda w=widget, at=at: w._run.total and w._run.done == at)
                widget.ui.colorizeButton.click()
                self.assertIsNone(widget._run)
                self.assertEqual(scene_state(), before)
                self.assertEqual(widget.ui.colorizeButton.text, "Colorize")
                self.assertIn("nothing was changed", widget.ui.statusLabel.text)

    def test_cancel_says_what_a_run_of_this_kind_leaves(self):
        add_mri()
        widget = self.open()
        with tempfile.TemporaryDirectory() as folder:
            slicer.util.saveNode(add_mri("file"), str(Path(folder) / "file.nrrd"))
            widget.askFolder = lambda title: folder
            for button, words in (
                (widget.ui.colorizeButton, "nothing is changed"),
                (widget.ui.allVolumesButton, "volumes that are done stay in the scene"),
                (widget.ui.folderButton, "files that are done stay in the folder"),
            ):
                with self.subTest(button=button.objectName):
                    button.click()
                    self.assertIn(words, widget.ui.colorizeButton.toolTip)
                    widget._runs.cancel()
                    self.finish(widget)

    def test_error_is_shown_and_nothing_is_left_behind(self):
        add_mri()
        for error, words in (
            (InputError("Every voxel has the same value."), "Every voxel has the same value."),
            (ZeroDivisionError("inside"), "ZeroDivisionError: inside"),
        ):
            with self.subTest(error=error), mock.patch("slicer.util.errorDisplay") as shown:
                widget = self.open(StandInEngine(5, 2, raiser(error)))
                before = scene_state()
                widget.ui.colorizeButton.click()
                self.finish(widget)
                self.assertIn(words, widget.ui.statusLabel.text)
                self.assertIn(words, shown.call_args.args[0])
                self.assertEqual(scene_state(), before)
                self.assertEqual(widget.ui.colorizeButton.text, "Colorize")
                self.assertTrue(widget.ui.colorizeButton.enabled)

    def test_missing_packages_are_explained_and_nothing_runs(self):
        class Declined:
            def ensure(self):
                raise DependencyError("Colouring needs torch.")

        add_mri()
        widget = self.open(installer=Declined())
        before = scene_state()
        with mock.patch("slicer.util.errorDisplay") as shown:
            widget.ui.colorizeButton.click()
        self.assertEqual(shown.call_args.args[0], "Colouring needs torch.")
        self.assertEqual(widget.ui.statusLabel.text, "Colouring needs torch.")
        self.assertEqual(self.engine.asked, [])
        self.assertEqual(scene_state(), before)

    def test_second_click_while_packages_install_starts_nothing(self):
        class Slow:
            def ensure(slow):
                self.assertFalse(widget.ui.colorizeButton.enabled)
                self.assertFalse(widget.ui.previewButton.enabled)
                self.assertFalse(widget.ui.manyCollapsibleButton.enabled)
                widget.onColorizeButton()
                widget.onAllVolumesButton()

        add_mri()
        widget = self.open(installer=Slow())
        widget.ui.colorizeButton.click()
        self.assertTrue(widget.ui.colorizeButton.enabled)
        self.finish(widget)
        self.assertEqual(len(color_nodes()), 1)
        self.assertTrue(widget.ui.manyCollapsibleButton.enabled)

    def test_what_happens_while_packages_install_is_survived(self):
        events = []

        class Slow:
            def ensure(self):
                events.pop()()

        add_mri()
        widget = self.open(installer=Slow())
        events.append(widget.exit)
        widget.ui.colorizeButton.click()
        self.finish(widget)
        self.assertEqual(len(color_nodes()), 1, "a run goes on while another module is open")
        widget.enter()
        events.append(slicer.mrmlScene.Clear)
        widget.ui.colorizeButton.click()
        self.assertIsNone(widget._run)
        self.assertEqual(color_nodes(), [])
        self.assertFalse(widget._runs.isBusy)
        events.append(raiser(ZeroDivisionError("a bug of the installer")))
        add_mri()
        widget.enter()
        with mock.patch("slicer.util.errorDisplay") as shown:
            widget.ui.colorizeButton.click()
        self.assertIn("a bug of the installer", shown.call_args.args[0])
        self.assertTrue(widget.ui.colorizeButton.enabled)

    def test_notes_of_the_engine_are_shown_at_the_end(self):
        add_mri()
        widget = self.open(StandInEngine(5, 2, lambda: tell("3 voxels")))
        widget.ui.colorizeButton.click()
        self.finish(widget)
        self.assertIn("3 voxels", widget.ui.statusLabel.text)

    def test_closing_the_scene_cancels_the_run(self):
        add_mri()
        widget = self.open()
        widget.ui.colorizeButton.click()
        wait_until(lambda: widget._run.done == 2)
        slicer.mrmlScene.Clear()
        self.assertIsNone(widget._run)
        self.assertTrue(self.engine.was_closed)
        self.assertEqual(color_nodes(), [])

    def test_input_deleted_during_the_run_is_survived(self):
        mri = add_mri()
        widget = self.open()
        with mock.patch("slicer.util.errorDisplay"):
            widget.ui.colorizeButton.click()
            wait_until(lambda: widget._run.done == 2)
            slicer.mrmlScene.RemoveNode(mri)
            self.finish(widget)
        self.assertIn("removed", widget.ui.statusLabel.text)
        self.assertEqual(color_nodes(), [])

    def test_run_goes_on_while_another_module_is_open(self):
        add_mri()
        widget = self.open()
        widget.ui.colorizeButton.click()
        widget.exit()
        self.finish(widget)
        widget.enter()
        self.assertEqual(len(color_nodes()), 1)
        self.assertTrue(widget.ui.colorizeButton.enabled)

    def test_result_of_a_run_that_ended_meanwhile_is_taken_up_on_return(self):
        add_mri()
        widget = self.open()
        widget._parameterNode.colorVolume = self.make_earlier_colors()
        widget._parameterNode.opacity3D = 0.5
        widget.ui.colorizeButton.click()
        widget.exit()
        self.finish(widget)
        node = color_nodes()[-1]
        self.assertIs(widget.logic.getParameterNode().colorVolume, node)
        widget.enter()
        self.assert_taken_up(widget, node)
        self.assertIn("head_color_1: 5 slices", widget.ui.statusLabel.text)
        widget.exit()
        widget.enter()
        self.assertEqual(widget.ui.statusLabel.text, "Ready.", "news are told once")

    def make_earlier_colors(self):
        return self.open().logic.colorize(slicer.util.getNode("head"))

    def assert_taken_up(self, widget, node):
        self.assertEqual(widget.ui.colorVolumeSelector.currentNode().GetID(), node.GetID())
        for name in ("fadeSlider", "showSlicesButton", "show3DButton"):
            self.assertTrue(getattr(widget.ui, name).enabled, name)

    def test_result_that_ended_meanwhile_survives_saving_and_loading(self):
        add_mri()
        widget = self.open()
        widget.ui.colorizeButton.click()
        widget.exit()
        self.finish(widget)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            slicer.util.loadScene(path)
        widget.enter()
        self.assert_taken_up(widget, slicer.util.getNode("head_color"))

    def test_colours_in_the_scene_that_nobody_chose_are_taken_up(self):
        add_mri()
        node = self.make_earlier_colors()
        widget = self.open()
        self.assert_taken_up(widget, node)

    def test_error_of_a_run_that_ended_meanwhile_is_told_on_return(self):
        add_mri()
        widget = self.open(StandInEngine(5, 3, raiser(InputError("It is constant."))))
        with mock.patch("slicer.util.errorDisplay"):
            widget.ui.colorizeButton.click()
            widget.exit()
            self.finish(widget)
        widget.enter()
        self.assertEqual(widget.ui.statusLabel.text, "It is constant.")

    def test_closing_the_panel_cancels_the_run(self):
        add_mri()
        widget = self.open()
        widget.ui.colorizeButton.click()
        wait_until(lambda: widget._run.done == 2)
        widget.cleanup()
        self.assertTrue(self.engine.was_closed)
        self.assertEqual(color_nodes(), [])

    def test_choices_are_kept_in_the_scene(self):
        add_mri()
        widget = self.open()
        widget.ui.planeComboBox.currentIndex = 3
        node = slicer.mrmlScene.GetSingletonNode("MRIColorize", "vtkMRMLScriptedModuleNode")
        self.assertEqual(node.GetParameter("plane"), "coronal")
        self.assertEqual(self.open().ui.planeComboBox.currentIndex, 3)

    def test_panel_says_that_it_is_not_for_diagnosis(self):
        self.assertIn("Not for diagnosis", self.open().ui.noticeLabel.text)

    def test_panel_says_whose_colours_these_are(self):
        notice = self.open().ui.noticeLabel
        for words in ("Visible Human Male", "Female", "MRI of many people"):
            self.assertIn(words, notice.toolTip)


class LibraryReloadTest(unittest.TestCase):
    def setUp(self):
        kept = {name: module for name, module in sys.modules.items() if "MRIColorizeLib" in name}
        self.addCleanup(sys.modules.update, kept)

    def test_forgotten_library_is_read_again_as_a_whole(self):
        old = importlib.import_module("MRIColorizeLib.errors")
        MRIColorize.forgetLibrary()
        new_scene = importlib.import_module("MRIColorizeLib.scene.nodes")
        new = importlib.import_module("MRIColorizeLib.errors")
        self.assertIsNot(new.InputError, old.InputError)
        self.assertIs(new_scene.InputError, new.InputError)


class SampleDataTest(unittest.TestCase):
    def setUp(self):
        clear_scene()

    def test_shipped_head_is_a_sample_and_needs_no_network(self):
        import SampleData

        MRIColorize.registerSampleData()
        MRIColorize.registerSampleData()
        sources = slicer.modules.sampleDataSources["MRIColorize"]
        self.assertEqual([source.sampleName for source in sources], ["MRIColorizeHead"])
        self.assertTrue(sources[0].uris[0].startswith("file:"))
        node = SampleData.SampleDataLogic().downloadSample("MRIColorizeHead")
        self.assertEqual(node.GetName(), "MRIColorizeHead")
        scene.check_input(node)


class SelfTest(unittest.TestCase):
    """What Slicer's Reload and Test button runs."""

    def test_self_test_of_the_module_passes(self):
        slicer.selfTests["MRIColorize"](msec=1)


@NEEDS_TORCH
class RealEngineTest(unittest.TestCase):
    """The model that ships, through the logic, on a small real MRI."""

    def test_tiny_head_is_coloured_on_its_own_grid(self):
        clear_scene()
        mri = slicer.util.loadVolume(str(DATA / "head_t1_tiny.nii.gz"))
        node = MRIColorize.MRIColorizeLogic().colorize(mri, device="cpu")
        rgb = slicer.util.arrayFromVolume(node)
        self.assertEqual(rgb.shape[:3], slicer.util.arrayFromVolume(mri).shape)
        np.testing.assert_array_equal(scene.ijk_to_ras(node), scene.ijk_to_ras(mri))
        self.assertEqual(node.GetAttribute("MRIColorize.Model"), "visible-human-body")
        self.assertEqual(node.GetAttribute("MRIColorize.Device"), "cpu")
        self.assertGreater(rgb.any(axis=-1).mean(), 0.1)
        self.assertGreater(np.ptp(rgb.astype(int), axis=-1).max(), 10, "it is not grey")


if __name__ == "__main__":
    unittest.main()
