"""Claims about many volumes: those of the scene and the files of a folder."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
from stand_ins import (
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
from MRIColorizeLib.errors import Cancelled, InputError
from MRIColorizeLib.scene.many import usable_volumes, volume_files


class ManyTest(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        self.engine = StandInEngine(steps=2)
        self.logic = MRIColorize.MRIColorizeLogic(self.engine)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, array):
        node = slicer.util.addVolumeFromArray(array, name="scratch")
        self.assertTrue(slicer.util.saveNode(node, str(self.folder / name)))
        storage = node.GetStorageNode()
        for gone in (node, storage):
            slicer.mrmlScene.RemoveNode(gone)

    def test_volumes_are_coloured_one_after_the_other(self):
        nodes = self.logic.colorizeMany([add_mri("a"), add_mri("b")], saturation=1.5)
        self.assertEqual([node.GetName() for node in nodes], ["a_color", "b_color"])
        self.assertEqual({options.saturation for options in self.engine.options}, {1.5})
        self.assertEqual(self.engine.asked, [(None, "auto")], "the model is loaded once")

    def test_volumes_that_cannot_be_coloured_are_named_and_the_others_follow(self):
        mri = add_mri("a")
        colors = self.logic.colorize(mri)
        with self.assertLogs(level="WARNING") as logged:
            nodes = self.logic.colorizeMany([colors, mri])
        self.assertEqual(len(nodes), 1)
        self.assertIn("a_color is already a colour volume", "\n".join(logged.output))
        with self.assertLogs(level="WARNING"), self.assertRaisesRegex(InputError, "No volume"):
            self.logic.colorizeMany([colors])

    def test_volumes_that_are_done_stay_after_cancel(self):
        volumes = [add_mri("a"), add_mri("b")]
        with self.assertRaises(Cancelled):
            self.logic.colorizeMany(volumes, progress=lambda done, total: done < 3)
        colors = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
        self.assertEqual([node.GetName() for node in colors], ["a_color"])

    def test_usable_volumes_are_the_grey_ones(self):
        mri = add_mri("a")
        self.logic.colorize(mri)
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
        self.assertEqual(usable_volumes(), [mri])

    def test_folder_becomes_colour_files_and_the_scene_stays_as_it_was(self):
        self.write("one.nrrd", made_array())
        self.write("two.nii.gz", made_array((4, 5, 6)))
        (self.folder / "notes.txt").write_text("no volume")
        before = scene_state()
        paths = self.logic.colorizeMany(self.folder, self.folder / "out")
        self.assertEqual([path.name for path in paths], ["one_color.nrrd", "two_color.nrrd"])
        self.assertEqual(len(scene_state()), len(before))
        node = slicer.util.loadVolume(str(paths[0]))
        self.assertEqual(node.GetClassName(), "vtkMRMLVectorVolumeNode")
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(node), colors_of(made_array().astype(np.float32))
        )

    def test_damaged_and_finished_files_are_named_and_the_others_follow(self):
        (self.folder / "bad.nrrd").write_bytes(b"NRRD0004\n")
        self.write("good.nrrd", made_array())
        with self.assertLogs(level="WARNING") as first:
            paths = self.logic.colorizeMany(self.folder)
        self.assertEqual([path.name for path in paths], ["good_color.nrrd"])
        self.assertIn("bad.nrrd was left out", "\n".join(first.output))
        with self.assertLogs(level="WARNING") as second:
            self.assertEqual(self.logic.colorizeMany(self.folder), [])
        self.assertIn("good_color.nrrd is there already", "\n".join(second.output))
        self.assertEqual([path.name for path in volume_files(self.folder)],
                         ["bad.nrrd", "good.nrrd"])  # fmt: skip

    def test_results_of_ours_and_segmentations_are_not_taken_for_mri(self):
        for name in ("a.nii.gz", "a_color.nrrd", "a_confidence.nrrd", "a_color_confidence.nrrd",
                     "a_tissue.seg.nrrd", "b.seg.nrrd"):  # fmt: skip
            (self.folder / name).touch()
        self.assertEqual([path.name for path in volume_files(self.folder)], ["a.nii.gz"])

    def test_the_panel_finds_the_files_that_the_command_finds(self):
        for name in (
            "a.NII",
            "b.mgh",
            "c.hdr",
            "c.img",
            "d.mha",
            "._a.nii",
            "e.txt",
            "f_color.nii",
        ):
            (self.folder / name).touch()
        (self.folder / "deeper").mkdir()
        (self.folder / "deeper" / "g.nii").touch()
        (self.folder / "scan.dcm").touch()  # a folder of DICOM: Slicer imports it by itself
        self.assertEqual([path.name for path in volume_files(self.folder)],
                         ["a.NII", "b.mgh", "c.hdr", "d.mha"])  # fmt: skip

    def test_bug_with_one_volume_is_logged_and_the_others_follow(self):
        self.engine.at, self.engine.event = 1, raiser(ZeroDivisionError("inside"))
        first, second = add_mri("a"), add_mri("b")
        original = self.engine.start

        def start(volume, options):
            if len(self.engine.options):
                self.engine.at = None
            return original(volume, options)

        self.engine.start = start
        with self.assertLogs(level="WARNING") as logged:
            nodes = self.logic.colorizeMany([first, second])
        self.assertEqual([node.GetName() for node in nodes], ["b_color"])
        text = "\n".join(logged.output)
        self.assertIn("a was left out: ZeroDivisionError: inside", text)
        self.assertIn("Traceback", text)

    def test_empty_folder_is_refused(self):
        with self.assertRaisesRegex(InputError, "holds no volume files"):
            self.logic.colorizeMany(self.folder)

    def test_panel_colours_the_scene_and_a_folder(self):
        add_mri("a")
        add_mri("b")
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget.ui.allVolumesButton.click()
        wait_until(lambda: widget._run is None)
        self.assertIn("2 volumes were coloured", widget.ui.statusLabel.text)
        self.write("one.nrrd", made_array())
        widget.askFolder = lambda title: str(self.folder)
        widget.ui.folderButton.click()
        wait_until(lambda: widget._run is None)
        self.assertIn("1 files were written", widget.ui.statusLabel.text)
        self.assertTrue((self.folder / "one_color.nrrd").is_file())

    def test_folder_run_goes_on_with_its_choices_while_another_module_is_open(self):
        for name in ("one.nrrd", "two.nrrd"):
            self.write(name, made_array())
        widget = MRIColorize.MRIColorizeWidget(None, self.logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        widget._parameterNode.saturation = 0.5
        widget.askFolder = lambda title: str(self.folder)
        widget.ui.folderButton.click()
        widget._parameterNode.saturation = 1.5
        widget.exit()
        wait_until(lambda: widget._run is None)
        self.assertIn("2 files were written", widget.ui.logTextEdit.toPlainText())
        self.assertEqual([options.saturation for options in self.engine.options], [0.5, 0.5])


if __name__ == "__main__":
    unittest.main()
