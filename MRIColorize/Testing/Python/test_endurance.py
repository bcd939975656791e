"""Claims about the long run: many runs, saved scenes, warped volumes, undo, odd moments."""

import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import qt
import slicer
import vtk
from stand_ins import (
    NEEDS_TORCH,
    OBLIQUE,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    add_view,
    clear_scene,
    scene_nodes,
    scene_state,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.engine.aside import finish_steps
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import results


def resident_bytes():
    """Memory of this process, None where the system does not tell it like Linux."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.is_file() else None


class FiftyRunsTest(unittest.TestCase):
    def test_nodes_observers_and_memory_do_not_grow(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        add_mri(shape=(24, 64, 64))
        logic = MRIColorize.MRIColorizeLogic(StandInEngine(steps=1))
        widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget.ui.tissueCheckBox.checked = True
        counts = []
        for _ in range(50):
            widget.ui.colorizeButton.click()
            wait_until(lambda: widget._run is None)
            widget._parameterNode.outputVolume = widget._parameterNode.colorVolume
            counts.append((len(scene_nodes()), len(widget.Observations), resident_bytes()))
        self.assertEqual(counts[0][:2], counts[-1][:2])
        if counts[0][2] is not None:
            self.assertLess(counts[-1][2] - counts[9][2], 20 * 2**20)


class SavedSceneTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()

    def test_mrb_brings_colours_transform_provenance_and_parameters_back(self):
        mri = add_mri("head")
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Tilt")
        mri.SetAndObserveTransformNodeID(transform.GetID())
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        colors = logic.colorize(mri, tissue=True, saturation=1.25)
        parameters = logic.getParameterNode()
        parameters.inputVolume, parameters.outputVolume = mri, colors
        parameters.saturation = 1.25
        expected = slicer.util.arrayFromVolume(colors).copy()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            clear_scene()
            slicer.util.loadScene(path)
        colors = slicer.util.getNode("head_color")
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(colors), expected)
        np.testing.assert_allclose(scene.ijk_to_ras(colors), OBLIQUE, atol=1e-5)
        self.assertEqual(
            colors.GetVoxelVectorType(), slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGB
        )
        self.assertEqual(colors.GetParentTransformNode().GetName(), "Tilt")
        self.assertEqual(colors.GetAttribute("MRIColorize.Model"), "stand-in")
        self.assertIn("not for diagnosis", colors.GetAttribute("MRIColorize.Notice"))
        self.assertEqual(results.tissue_of(colors).GetName(), "head_color_tissue")
        parameters = logic.getParameterNode()
        self.assertIs(parameters.outputVolume, colors)
        self.assertEqual(parameters.saturation, 1.25)

    def test_preview_is_not_saved(self):
        mri = add_mri("head")
        view = add_view()
        view.JumpSliceByCentering(*(OBLIQUE @ [3, 3, 2, 1])[:3])
        MRIColorize.MRIColorizeLogic(StandInEngine()).preview(mri, view)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            slicer.util.saveScene(path)
            clear_scene()
            slicer.util.loadScene(path)
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")), 0)


class WarpedTest(unittest.TestCase):
    def test_oblique_volume_under_a_non_linear_transform_keeps_both(self):
        clear_scene()
        mri = add_mri()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
        spline = slicer.vtkOrientedBSplineTransform()
        coefficients = vtk.vtkImageData()
        coefficients.SetDimensions(5, 5, 5)
        coefficients.SetOrigin(-100, -100, -100)
        coefficients.SetSpacing(50, 50, 50)
        coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
        for component in range(3):
            coefficients.GetPointData().GetScalars().FillComponent(component, 3.0 + component)
        spline.SetCoefficientData(coefficients)
        node.SetAndObserveTransformToParent(spline)
        mri.SetAndObserveTransformNodeID(node.GetID())
        logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        colors = logic.colorize(mri, tissue=True)
        np.testing.assert_allclose(scene.ijk_to_ras(colors), OBLIQUE, atol=1e-12)
        for made in (colors, results.tissue_of(colors)):
            self.assertIs(made.GetParentTransformNode(), node)
        bounds = [np.zeros(6), np.zeros(6)]
        mri.GetRASBounds(bounds[0])
        colors.GetRASBounds(bounds[1])
        np.testing.assert_allclose(bounds[1], bounds[0])


class OddMomentsTest(unittest.TestCase):
    """What a person may do while a run is at work."""

    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.engine = StandInEngine(steps=4)
        logic = MRIColorize.MRIColorizeLogic(self.engine)
        self.mri = add_mri()
        self.widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(self.widget.parent.deleteLater)
        self.addCleanup(self.widget.cleanup)

    def start(self):
        self.widget.ui.colorizeButton.click()
        wait_until(lambda: self.widget._run is not None and self.widget._run.done == 2)

    def test_sections_that_change_the_run_are_off_and_cancel_is_on(self):
        self.start()
        for name in ("volumes", "settings", "palette", "many", "advanced"):
            self.assertFalse(getattr(self.widget.ui, name + "CollapsibleButton").enabled, name)
        self.assertFalse(self.widget.ui.previewButton.enabled)
        self.assertEqual(self.widget.ui.colorizeButton.text, "Cancel")
        self.widget.ui.colorizeButton.click()

    def test_output_deleted_meanwhile_is_replaced(self):
        output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Gone")
        self.widget._parameterNode.outputVolume = output
        self.start()
        slicer.mrmlScene.RemoveNode(output)
        wait_until(lambda: self.widget._run is None)
        self.assertTrue(scene.in_scene(self.widget._parameterNode.colorVolume))

    @NEEDS_TORCH
    def test_closed_scene_forgets_what_recolouring_needed(self):
        self.start()
        wait_until(lambda: self.widget._run is None)
        colors = self.widget._parameterNode.colorVolume
        self.assertTrue(self.widget.logic.repainter.canRepaint(colors))
        identity = colors.GetID()
        clear_scene()
        add_mri()
        again = slicer.vtkMRMLVectorVolumeNode()
        slicer.mrmlScene.AddNode(again)
        self.assertEqual(again.GetID(), identity)
        self.assertFalse(self.widget.logic.repainter.canRepaint(again))

    def test_cancel_while_a_batch_is_in_work_ends_the_run_at_once_and_says_so_once(self):
        begun, released = threading.Event(), threading.Event()
        self.addCleanup(released.set)
        self.engine.at = 3
        self.engine.event = lambda: (begun.set(), released.wait(60))
        before = scene_state()
        self.widget.ui.colorizeButton.click()
        wait_until(begun.is_set)
        self.widget.ui.colorizeButton.click()
        self.assertIsNone(self.widget._run)
        self.assertEqual(self.widget.ui.colorizeButton.text, "Colorize")
        released.set()
        finish_steps()
        self.assertEqual(scene_state(), before)
        self.assertTrue(self.engine.was_closed)
        log = self.widget.ui.logTextEdit.toPlainText()
        self.assertEqual(log.count("Cancelled: nothing was changed."), 1)

    def test_panel_is_alive_while_a_batch_is_in_work(self):
        begun, released = threading.Event(), threading.Event()
        self.addCleanup(released.set)
        self.engine.at = 3
        self.engine.event = lambda: (begun.set(), released.wait(60))
        self.widget.ui.colorizeButton.click()
        wait_until(begun.is_set)
        ticks = []
        timer = qt.QTimer()
        timer.setInterval(0)
        timer.connect("timeout()", lambda: ticks.append(self.widget.ui.progressBar.value))
        timer.start()
        wait_until(lambda: len(ticks) > 5)
        timer.stop()
        self.assertEqual(ticks[-1], 2, "the third batch is in work all the while")
        released.set()
        wait_until(lambda: self.widget._run is None)
        self.assertTrue(scene.in_scene(self.widget._parameterNode.colorVolume))

    def test_network_works_elsewhere_and_the_scene_is_touched_by_the_application_alone(self):
        working, touching = set(), set()
        self.engine.at, self.engine.event = 2, lambda: working.add(threading.get_ident())
        observe = lambda *_: touching.add(threading.get_ident())  # noqa: E731
        events = (vtk.vtkCommand.AnyEvent,)
        tags = [(n, n.AddObserver(e, observe)) for n in scene_nodes() for e in events]
        tags.append((slicer.mrmlScene, slicer.mrmlScene.AddObserver(*events, observe)))
        for node, tag in tags:
            self.addCleanup(node.RemoveObserver, tag)
        self.widget.ui.colorizeButton.click()
        wait_until(lambda: self.widget._run is None)
        self.assertEqual(touching, {threading.get_ident()})
        self.assertEqual(len(working), 1)
        self.assertNotEqual(working, touching)

    def test_closing_slicer_asks_first_while_a_run_is_at_work(self):
        window = slicer.util.mainWindow()
        if window is None:
            window = qt.QMainWindow()
            window.setObjectName("qSlicerMainWindow")
            self.addCleanup(window.deleteLater)
        event = qt.QCloseEvent
        ask = mock.patch("slicer.util.confirmYesNoDisplay", side_effect=[False, True])
        self.start()
        with ask as asked, mock.patch("slicer.util.mainWindow", return_value=window):
            self.widget._runs._guard.begin()
            refused, agreed = event(), event()
            slicer.app.sendEvent(window, refused)
            self.assertFalse(refused.isAccepted())
            self.assertIsNotNone(self.widget._run, "it goes on")
            slicer.app.sendEvent(window, agreed)
        self.assertTrue(agreed.isAccepted())
        self.assertIsNone(self.widget._run)
        self.assertIn("still colouring", asked.call_args.args[0])
        self.assertEqual(asked.call_count, 2)

    def test_cancel_after_a_finished_run_changes_nothing(self):
        self.start()
        wait_until(lambda: self.widget._run is None)
        before = scene_state()
        self.widget._runs.cancel()
        self.assertEqual(scene_state(), before)


if __name__ == "__main__":
    unittest.main()
