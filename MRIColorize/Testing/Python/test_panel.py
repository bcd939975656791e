"""Claims about the parts of the panel: names, settings, models, views and 3D, log, reset."""

import gc
import shutil
import tempfile
import unittest
import weakref
from pathlib import Path
from unittest import mock

import numpy as np
import slicer
import vtk
from stand_ins import (
    NEEDS_TORCH,
    OBLIQUE,
    ReadyInstaller,
    StandInEngine,
    add_mri,
    clear_scene,
    colors_of,
    made_array,
    raiser,
    scene_nodes,
    wait_until,
)

import MRIColorize
from MRIColorizeLib.engine.cache import EngineCache
from MRIColorizeLib.errors import ModelError
from MRIColorizeLib.network.model import list_models
from MRIColorizeLib.panel.settings import MachineSettings
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import rendering
from MRIColorizeLib.scene.parameters import RESETTABLE


class PanelCase(unittest.TestCase):
    def setUp(self):
        if hasattr(slicer.modules, "MRIColorizeWidget"):
            slicer.modules.MRIColorizeWidget.exit()
        clear_scene()
        settings = MachineSettings()
        for name in ("device", "model", "ownModel"):
            self.addCleanup(setattr, settings, name, getattr(settings, name))
        settings.reset()
        self.engine = StandInEngine(steps=1)

    def open(self, engine=None):
        logic = MRIColorize.MRIColorizeLogic(engine or self.engine)
        widget = MRIColorize.MRIColorizeWidget(None, logic, ReadyInstaller())
        self.addCleanup(widget.parent.deleteLater)
        self.addCleanup(widget.cleanup)
        return widget

    def colorize(self, widget):
        widget.ui.colorizeButton.click()
        wait_until(lambda: widget._run is None)
        return widget._parameterNode.colorVolume


class SettingsTest(PanelCase):
    def test_all_settings_reach_the_engine(self):
        add_mri()
        widget = self.open()
        widget.ui.planeComboBox.currentIndex = 4
        widget.ui.detailSlider.value = 0.25
        widget.ui.saturationSlider.value = 1.5
        widget.ui.blendSlider.value = 0.75
        widget.ui.backgroundComboBox.currentIndex = 1
        widget.ui.confidenceCheckBox.checked = True
        self.colorize(widget)
        options = self.engine.options[0]
        self.assertEqual(
            (options.plane, options.detail, options.saturation, options.blend, options.background),
            ("consensus", 0.25, 1.5, 0.75, "white"),
        )
        self.assertTrue(options.confidence)
        self.assertTrue(options.editable)

    def test_output_is_named_by_the_person_or_after_the_mri(self):
        add_mri("knee")
        widget = self.open()
        self.assertEqual(widget.ui.outputNameLineEdit.placeholderText, "knee_color")
        self.assertEqual(self.colorize(widget).GetName(), "knee_color")
        widget.ui.outputNameLineEdit.text = "my knee"
        self.assertEqual(self.colorize(widget).GetName(), "my knee")

    def test_overwriting_is_announced(self):
        add_mri()
        widget = self.open()
        node = self.colorize(widget)
        widget._parameterNode.outputVolume = node
        self.assertIn("head_color will be overwritten", widget.ui.statusLabel.text)
        self.assertFalse(widget.ui.outputNameLineEdit.enabled)

    def test_reset_brings_every_default_back_and_keeps_the_volumes(self):
        mri = add_mri()
        widget = self.open()
        chosen = widget._parameterNode
        defaults = {name: chosen.default(name).value for name in RESETTABLE}
        widget.ui.planeComboBox.currentIndex = 2
        widget.ui.saturationSlider.value = 0.5
        widget.ui.lightingCheckBox.checked = False
        widget.ui.opacitySlider.value = 1.75
        widget.ui.deviceComboBox.currentIndex = 3
        widget._palettes._onPreset(1)
        self.assertNotEqual({name: getattr(chosen, name) for name in RESETTABLE}, defaults)
        widget.ui.resetButton.click()
        self.assertEqual({name: getattr(chosen, name) for name in RESETTABLE}, defaults)
        self.assertEqual(MachineSettings().device, "auto")
        self.assertIsNone(widget._palettes.palette)
        self.assertIs(chosen.inputVolume, mri)

    def test_device_belongs_to_the_machine_and_not_to_the_scene(self):
        add_mri()
        widget = self.open()
        widget.ui.deviceComboBox.currentIndex = 3
        slicer.mrmlScene.Clear()
        add_mri()
        self.assertEqual(self.open().ui.deviceComboBox.currentIndex, 3)

    def add_mask(self):
        codes = (made_array() > 50).astype(np.uint8)
        return slicer.util.addVolumeFromArray(codes, OBLIQUE, "mask", "vtkMRMLLabelMapVolumeNode")

    def test_mri_lies_around_a_mask_and_black_around_a_body(self):
        add_mri()
        mask = self.add_mask()
        widget = self.open()
        self.assertEqual(widget.ui.backgroundComboBox.currentText, "Black")
        widget.ui.maskSelector.setCurrentNode(mask)
        self.assertEqual(widget.ui.backgroundComboBox.currentText, "Grey MRI")
        self.colorize(widget)
        self.assertEqual(self.engine.options[-1].background, "mri")
        widget.ui.resetButton.click()
        self.assertEqual(widget.ui.backgroundComboBox.currentText, "Grey MRI", "the mask stays")
        widget.ui.maskSelector.setCurrentNode(None)
        self.assertEqual(widget.ui.backgroundComboBox.currentText, "Black")

    def test_background_that_a_person_chose_stays_with_and_without_a_mask(self):
        add_mri()
        mask = self.add_mask()
        widget = self.open()
        widget.ui.backgroundComboBox.currentIndex = 1
        for node in (mask, None, mask):
            widget.ui.maskSelector.setCurrentNode(node)
            self.assertEqual(widget.ui.backgroundComboBox.currentText, "White")
        widget.ui.backgroundComboBox.currentIndex = 0
        widget.exit()
        widget.enter()
        self.assertEqual(widget.ui.backgroundComboBox.currentText, "Black", "chosen with the mask")

    def test_detail_is_off_where_it_does_nothing(self):
        widget = self.open()
        widget.ui.modeComboBox.currentIndex = 1
        self.assertFalse(widget.ui.detailSlider.enabled)

    def test_sample_button_loads_the_head_once_and_chooses_it(self):
        widget = self.open()
        for _ in range(2):
            widget.ui.sampleButton.click()
        self.assertEqual(widget._parameterNode.inputVolume.GetName(), "MRIColorizeHead")
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")), 1)

    def test_sample_that_was_deleted_comes_back_under_its_name(self):
        widget = self.open()
        widget.ui.sampleButton.click()
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("MRIColorizeHead"))
        for _ in range(2):
            widget.ui.sampleButton.click()
            node = slicer.util.getNode("MRIColorizeHead")
            self.assertIs(widget._parameterNode.inputVolume, node)
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")), 1)

    def test_sample_is_known_under_any_name(self):
        widget = self.open()
        widget.ui.sampleButton.click()
        node = widget._parameterNode.inputVolume
        node.SetName("patient 1")
        add_mri("MRIColorizeHead")
        widget._parameterNode.inputVolume = None
        widget.ui.sampleButton.click()
        self.assertIs(widget._parameterNode.inputVolume, node)

    def test_colours_of_the_sample_are_not_taken_for_the_sample(self):
        widget = self.open()
        for kind, name in (("Vector", ""), ("Vector", "_color"), ("Scalar", "_confidence")):
            slicer.mrmlScene.AddNewNodeByClass(f"vtkMRML{kind}VolumeNode", f"MRIColorizeHead{name}")
        widget.ui.sampleButton.click()
        chosen = widget._parameterNode.inputVolume
        self.assertEqual(chosen.GetClassName(), "vtkMRMLScalarVolumeNode")
        self.assertEqual(widget._whyNot(), "")

    def test_sample_that_cannot_be_loaded_is_explained(self):
        import SampleData

        mri = add_mri()
        widget = self.open()
        for failure in (raiser(IndexError("list index out of range")), lambda: None):
            with mock.patch.object(
                SampleData.SampleDataLogic, "downloadSample", lambda *_, fail=failure: fail()
            ):
                widget.ui.sampleButton.click()
            self.assertIn("sample could not be loaded", widget.ui.statusLabel.text)
        self.assertIs(widget._parameterNode.inputVolume, mri)

    def test_mri_that_left_the_scene_is_not_kept_in_memory(self):
        mri = add_mri()
        widget = self.open()
        self.assertIs(widget._parameterNode.inputVolume, mri)
        slicer.mrmlScene.RemoveNode(mri)
        widget._parameterNode.inputVolume = None
        kept = weakref.ref(mri)
        del mri
        gc.collect()
        self.assertIsNone(kept())


class SceneTest(PanelCase):
    def test_scene_that_is_read_while_the_panel_is_open_brings_its_choices(self):
        mri = add_mri("first")
        chosen = MRIColorize.MRIColorizeLogic(self.engine).getParameterNode()
        chosen.inputVolume = add_mri("second")
        chosen.saturation = 0.5
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            widget = self.open()
            mri = add_mri("mine")
            widget._parameterNode.inputVolume = mri
            bound = []
            begins = slicer.mrmlScene.AddObserver(
                slicer.mrmlScene.StartImportEvent,
                lambda *_: bound.append(widget._parameterNode),
                -1.0,  # after the panel
            )
            slicer.util.loadScene(path)
            slicer.mrmlScene.RemoveObserver(begins)
        self.assertEqual(bound, [None])
        self.assertEqual(widget._parameterNode.inputVolume.GetName(), "second")
        self.assertEqual(widget.ui.inputSelector.currentNode().GetName(), "second")
        self.assertEqual(widget.ui.saturationSlider.value, 0.5)


class ModelTest(PanelCase):
    def test_list_shows_each_model_with_its_card(self):
        widget = self.open()
        card = list_models()[0]
        self.assertIn(card.title, widget.ui.modelComboBox.itemText(0))
        for word in (card.licence, "MB", "Not for diagnosis"):
            self.assertIn(word, widget.ui.cardLabel.text)

    def test_folder_of_an_own_model_is_added_and_used(self):
        add_mri()
        widget = self.open()
        folder = str(list_models()[0].directory)
        widget._models.askFolder = lambda: folder
        widget.ui.addModelButton.click()
        self.assertEqual(widget.ui.modelComboBox.currentIndex, widget.ui.modelComboBox.count - 1)
        self.colorize(widget)
        self.assertEqual(self.engine.asked, [(folder, "auto")])

    def test_folder_that_is_no_model_is_explained(self):
        widget = self.open()
        with tempfile.TemporaryDirectory() as folder:
            widget._models.askFolder = lambda: folder
            with mock.patch("slicer.util.errorDisplay") as shown:
                widget.ui.addModelButton.click()
        self.assertIn("it is no model", shown.call_args.args[0])
        self.assertIsNone(MachineSettings().model)

    def test_folder_of_own_models_is_shown_and_emptied_only_after_asking(self):
        with tempfile.TemporaryDirectory() as folder:
            inside = Path(folder) / "mine" / "weights.safetensors"
            inside.parent.mkdir()
            inside.write_bytes(b"0" * 3_000_000)
            base = "MRIColorizeLib.panel.models."
            with (
                mock.patch(base + "cache_folder", return_value=Path(folder)),
                mock.patch(base + "cached_bytes", return_value=3_000_000),
                mock.patch(base + "clear_cache") as cleared,
            ):
                widget = self.open()
                self.assertIn("3.0 MB", widget.ui.cacheLabel.text)
                self.assertEqual(widget.ui.cacheFolderLineEdit.text, folder)
                for answer, times in ((False, 0), (True, 1)):
                    with mock.patch("slicer.util.confirmOkCancelDisplay", return_value=answer):
                        widget.ui.emptyCacheButton.click()
                    self.assertEqual(cleared.call_count, times)

    def test_chosen_model_that_has_gone_gives_way_to_the_default(self):
        add_mri()
        MachineSettings().model = "/no/such/model"
        widget = self.open()
        self.assertEqual(widget.ui.modelComboBox.currentIndex, 0)
        self.assertIsNone(MachineSettings().model)
        self.colorize(widget)
        self.assertEqual(self.engine.asked, [(None, "auto")])

    def test_folder_of_own_models_that_cannot_be_emptied_is_explained(self):
        widget = self.open()
        base = "MRIColorizeLib.panel.models."
        with (
            mock.patch(base + "clear_cache", side_effect=ModelError("It cannot be deleted.")),
            mock.patch("slicer.util.confirmOkCancelDisplay", return_value=True),
            mock.patch("slicer.util.errorDisplay") as shown,
        ):
            widget._models._onEmptyCache()
        self.assertEqual(shown.call_args.args[0], "It cannot be deleted.")

    @NEEDS_TORCH
    def test_devices_are_named_with_their_free_memory(self):
        widget = self.open()
        widget.ui.checkDevicesButton.click()
        self.assertRegex(widget.ui.deviceInfoLabel.text, r"CPU.*(GB free|unknown)")

    def test_engine_is_kept_until_model_or_device_changes(self):
        cache = EngineCache(lambda model, device: object())
        first = cache(None, "auto")
        self.assertIs(cache(None, "auto"), first)
        self.assertIsNot(cache(None, "cpu"), first)
        self.assertIsNot(cache("mine", "auto"), cache(None, "auto"))

    @NEEDS_TORCH
    def test_a_model_that_is_exported_anew_under_its_name_is_loaded_anew(self):
        from made_model import write_model

        with tempfile.TemporaryDirectory() as name:
            folder, cache = Path(name) / "mine", EngineCache()
            write_model(folder)
            first = cache(str(folder), "cpu")
            self.assertIs(cache(str(folder), "cpu"), first)
            shutil.rmtree(folder)
            write_model(folder, blocks=2)
            again = cache(str(folder), "cpu")
            self.assertEqual(again.model.generator.config.blocks, 2)
            self.assertIs(cache(str(folder), "cpu"), again)


class ViewsTest(PanelCase):
    def setUp(self):
        super().setUp()
        self.mri = add_mri()
        slicer.util.setSliceViewerLayers(background=self.mri, foreground=None)
        self.widget = self.open()

    def composites(self):
        return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")

    def test_fade_mixes_mri_and_colours_in_every_view(self):
        self.colorize(self.widget)
        self.widget.ui.fadeSlider.value = 0.3
        for composite in self.composites():
            self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.3)

    def test_views_that_were_faded_apart_stay_so_until_the_slider_is_moved(self):
        self.colorize(self.widget)
        first, second = self.composites()[:2]
        first.SetForegroundOpacity(0.2)
        second.SetForegroundOpacity(0.9)
        self.widget._views.update()
        self.assertAlmostEqual(self.widget.ui.fadeSlider.value, 0.2)
        self.assertEqual(second.GetForegroundOpacity(), 0.9)

    def test_rendering_is_shown_tuned_and_hidden(self):
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        display = rendering.rendering_of(node)
        self.assertTrue(display.GetVisibility())
        look = display.GetVolumePropertyNode().GetVolumeProperty()
        usual = look.GetScalarOpacity().GetValue(128)
        self.widget.ui.opacitySlider.value = 0.5
        self.assertLess(look.GetScalarOpacity().GetValue(128), usual)
        self.widget.ui.opacitySlider.value = 1.0
        self.widget.ui.shiftSlider.value = 60
        self.assertLess(look.GetScalarOpacity().GetValue(128), usual)
        self.widget.ui.gradientSlider.value = 0.5
        self.assertAlmostEqual(look.GetGradientOpacity().GetValue(0), 0.5)
        self.widget.ui.lightingCheckBox.checked = False
        self.assertFalse(look.GetShade())
        self.widget.ui.show3DButton.click()
        self.assertFalse(display.GetVisibility())

    def test_colour_volume_from_elsewhere_is_shown_too(self):
        loaded = slicer.util.addVolumeFromArray(
            colors_of(made_array()), nodeClassName="vtkMRMLVectorVolumeNode", name="photo"
        )
        self.widget._parameterNode.colorVolume = loaded
        self.widget.ui.showSlicesButton.click()
        self.assertEqual(self.composites()[0].GetBackgroundVolumeID(), loaded.GetID())
        self.widget.ui.show3DButton.click()
        self.assertTrue(rendering.rendering_of(loaded).GetVisibility())

    def add_loaded(self, matrix=OBLIQUE):
        """A colour volume that knows no MRI, as one that was loaded from a file."""
        kind = "vtkMRMLVectorVolumeNode"
        loaded = slicer.util.addVolumeFromArray(colors_of(made_array()), matrix, "photo", kind)
        self.widget._parameterNode.colorVolume = loaded
        slicer.util.setSliceViewerLayers(background=loaded, foreground=None)
        return loaded

    def test_colours_from_a_file_are_faded_over_the_chosen_mri(self):
        loaded = self.add_loaded()
        self.assertTrue(self.widget.ui.fadeSlider.enabled)
        self.widget.ui.fadeSlider.value = 0.3
        for composite in self.composites():
            self.assertEqual(composite.GetBackgroundVolumeID(), self.mri.GetID())
            self.assertEqual(composite.GetForegroundVolumeID(), loaded.GetID())
            self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.3)
        self.assertIs(scene.input_of(loaded), self.mri, "the volume knows its MRI from now on")

    def test_colours_from_a_file_are_shown_over_the_chosen_mri(self):
        self.add_loaded()
        self.widget.ui.showSlicesButton.click()
        self.assertEqual(self.composites()[0].GetBackgroundVolumeID(), self.mri.GetID())

    def test_colours_from_a_file_are_as_dense_in_3d_as_the_chosen_mri(self):
        slicer.util.arrayFromVolume(self.mri)[...] = made_array()[::-1]
        loaded = self.add_loaded()
        self.widget.ui.show3DButton.click()
        rgba = loaded.GetNodeReference(rendering.RENDERING_REFERENCE)
        shown = slicer.util.arrayFromVolume(rgba)[..., 3].copy()
        alone = rendering.write_rgba(loaded, self.mri)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(alone)[..., 3], shown)

    def test_fade_is_off_and_says_why_where_no_mri_lies_in_the_same_place(self):
        elsewhere = OBLIQUE.copy()
        elsewhere[0, 3] += 5
        loaded = self.add_loaded(elsewhere)
        slider = self.widget.ui.fadeSlider
        self.assertFalse(slider.enabled)
        self.assertIn("photo knows no MRI", slider.toolTip)
        loaded.SetIJKToRASMatrix(scene.vtk_matrix(OBLIQUE))
        self.widget._views.update()
        self.assertTrue(slider.enabled)
        self.assertIn("0 shows the MRI", slider.toolTip)
        shift = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        self.mri.SetAndObserveTransformNodeID(shift.GetID())
        self.widget._views.update()
        self.assertFalse(slider.enabled, "under another transform the MRI is elsewhere")

    def test_fade_is_off_as_soon_as_the_mri_is_deleted(self):
        node = self.colorize(self.widget)
        self.widget._parameterNode.inputVolume = add_mri("other", (4, 5, 6))
        self.assertTrue(self.widget.ui.fadeSlider.enabled)
        slicer.mrmlScene.RemoveNode(self.mri)
        self.assertFalse(self.widget.ui.fadeSlider.enabled)
        self.assertIn(f"{node.GetName()} knows no MRI", self.widget.ui.fadeSlider.toolTip)

    def test_layout_without_a_3d_view_gives_way_to_one_and_comes_back(self):
        manager, layouts = slicer.app.layoutManager(), slicer.vtkMRMLLayoutNode
        self.addCleanup(manager.setLayout, layouts.SlicerLayoutFourUpView)
        self.colorize(self.widget)
        for layout, shown in (
            (layouts.SlicerLayoutOneUpRedSliceView, layouts.SlicerLayoutFourUpView),
            (layouts.SlicerLayoutOneUp3DView, layouts.SlicerLayoutOneUp3DView),
        ):
            manager.setLayout(layout)
            self.widget.ui.show3DButton.click()
            self.assertEqual(manager.layout, shown)
            self.widget.ui.restoreViewsButton.click()
            self.assertEqual(manager.layout, layout)

    def choose_cut(self, text):
        box = self.widget.ui.cutComboBox
        box.currentIndex = box.findText(text)
        box.activated.emit(box.currentIndex)

    def test_cut_is_chosen_hidden_with_the_rendering_and_taken_back(self):
        node = self.colorize(self.widget)
        box = self.widget.ui.cutComboBox
        self.assertFalse(box.enabled)
        self.assertIn("Show the colours in 3D first", box.toolTip)
        self.widget.ui.show3DButton.click()
        self.assertTrue(box.enabled)
        self.assertEqual(box.currentText, "Nothing")
        self.choose_cut("Top")
        display = rendering.rendering_of(node)
        roi = display.GetMarkupsROINode()
        self.assertTrue(display.GetCroppingEnabled())
        self.assertTrue(roi.GetDisplayVisibility())
        self.widget._views.update()
        self.assertEqual(box.currentText, "Top")
        self.widget.ui.show3DButton.click()
        self.assertFalse(roi.GetDisplayVisibility(), "no box around nothing")
        self.widget.ui.show3DButton.click()
        self.assertTrue(roi.GetDisplayVisibility())
        self.widget.ui.restoreViewsButton.click()
        self.assertFalse(roi.GetDisplayVisibility())
        self.widget.ui.show3DButton.click()
        self.choose_cut("Nothing")
        self.assertFalse(display.GetCroppingEnabled())
        self.assertFalse(scene.in_scene(roi))

    def test_colour_volume_that_is_deleted_takes_its_rendering_along(self):
        before = {n.GetID() for n in scene_nodes()}
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        self.choose_cut("Corner")
        scene.remove_node(node)
        wait_until(lambda: {n.GetID() for n in scene_nodes()} == before)

    def test_branch_that_slicer_removes_is_left_alone_until_it_is_done(self):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        rgba = node.GetNodeReference(rendering.RENDERING_REFERENCE)
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient")
        for member in (self.mri, node):
            hierarchy.SetItemParent(
                hierarchy.GetItemByDataNode(member) or hierarchy.CreateItem(patient, member),
                patient,
            )
        own = {n.GetID() for n in (self.mri, node)}
        own |= {n.GetDisplayNode().GetID() for n in (self.mri, node)}
        removed = []

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def watch(caller, event, gone):
            removed.append(gone.GetID())

        tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeRemovedEvent, watch)
        self.addCleanup(slicer.mrmlScene.RemoveObserver, tag)
        hierarchy.RemoveItem(patient, True, True)
        self.assertLessEqual(set(removed), own, "nothing of ours in the middle of Slicer's removal")
        self.assertTrue(scene.in_scene(rgba))
        wait_until(lambda: not scene.in_scene(rgba))

    def test_copy_for_the_rendering_is_offered_nowhere(self):
        self.colorize(self.widget)
        names = lambda: {  # noqa: E731
            selector.nodeFromIndex(n).GetName()
            for selector in (self.widget.ui.colorVolumeSelector, self.widget.ui.outputSelector)
            for n in range(selector.nodeCount())
        }
        before = names()
        self.widget.ui.show3DButton.click()
        self.assertEqual(names(), before)

    def test_copy_of_a_colour_volume_leaves_the_rendering_when_it_is_deleted(self):
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
        copy.Copy(node)
        self.assertTrue(copy.GetNodeReference(rendering.RENDERING_REFERENCE))
        slicer.mrmlScene.RemoveNode(copy)
        self.assertTrue(rendering.rendering_of(node).GetVisibility())

    def test_scene_that_is_closed_or_loaded_removes_its_nodes_itself(self):
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        with mock.patch.object(MRIColorize, "remove_rendering") as removed:
            slicer.mrmlScene.StartState(slicer.mrmlScene.BatchProcessState)
            slicer.mrmlScene.RemoveNode(node)
            self.widget._removeOrphans()
            removed.assert_not_called()
            slicer.mrmlScene.EndState(slicer.mrmlScene.BatchProcessState)
            slicer.mrmlScene.Clear()
            self.widget._removeOrphans()
        removed.assert_not_called()

    def test_restore_shows_what_was_shown_before_and_hides_the_rendering(self):
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        self.widget.ui.fadeSlider.value = 0.3
        self.widget.ui.restoreViewsButton.click()
        for composite in self.composites():
            self.assertEqual(composite.GetBackgroundVolumeID(), self.mri.GetID())
            self.assertIsNone(composite.GetForegroundVolumeID())
        self.assertFalse(rendering.rendering_of(node).GetVisibility())
        self.assertFalse(self.widget.ui.restoreViewsButton.enabled)

    def test_renewed_colours_reach_a_rendering_that_is_on(self):
        node = self.colorize(self.widget)
        self.widget.ui.show3DButton.click()
        slicer.util.arrayFromVolume(self.mri)[...] = made_array()[::-1]
        slicer.util.arrayFromVolumeModified(self.mri)
        self.widget._parameterNode.outputVolume = node
        self.colorize(self.widget)
        rgba = node.GetNodeReference(rendering.RENDERING_REFERENCE)
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(rgba)[..., :3], slicer.util.arrayFromVolume(node)
        )

    def test_controls_are_off_without_a_colour_volume(self):
        for name in ("fadeSlider", "showSlicesButton", "show3DButton", "restoreViewsButton"):
            self.assertFalse(getattr(self.widget.ui, name).enabled, name)


class LogTest(PanelCase):
    def test_log_keeps_what_was_done_and_can_be_copied(self):
        add_mri()
        widget = self.open()
        self.colorize(widget)
        widget.ui.copyLogButton.click()
        self.assertIn("head_color: 1 slices", slicer.app.clipboard().text())

    def test_log_holds_the_traceback_of_an_error_that_nobody_expected(self):
        add_mri()
        widget = self.open(StandInEngine(3, 2, raiser(ZeroDivisionError("inside"))))
        with mock.patch("slicer.util.errorDisplay"):
            self.colorize(widget)
        text = widget.ui.logTextEdit.toPlainText()
        self.assertIn("Traceback", text)
        self.assertIn("ZeroDivisionError: inside", text)


if __name__ == "__main__":
    unittest.main()
