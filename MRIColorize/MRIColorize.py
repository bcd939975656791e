"""The Slicer module: what it says of itself, its panel and its self-test.

The logic is in MRIColorizeLib/scene/logic.py; the parts of the panel are beside it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from MRIColorizeLib.engine.run import Run
from MRIColorizeLib.errors import Cancelled, DependencyError, InputError, MRIColorizeError
from MRIColorizeLib.network.palettes import Palette
from MRIColorizeLib.options import PARAMETERS
from MRIColorizeLib.panel.choices import (
    MaskBackground,
    likely_color,
    likely_input,
    likely_view,
    name_choices,
    panel_request,
    request_maker,
)
from MRIColorizeLib.panel.following import PreviewFollower
from MRIColorizeLib.panel.installer import DependencyInstaller
from MRIColorizeLib.panel.models import ModelPanel
from MRIColorizeLib.panel.palette import PalettePanel, palette_from_text, palette_text
from MRIColorizeLib.panel.run import RunPanel
from MRIColorizeLib.panel.settings import MachineSettings
from MRIColorizeLib.panel.tissues import TissuePanel
from MRIColorizeLib.panel.views import ViewPanel
from MRIColorizeLib.scene import nodes as scene
from MRIColorizeLib.scene import preview
from MRIColorizeLib.scene.logic import MRIColorizeLogic
from MRIColorizeLib.scene.many import usable_volumes
from MRIColorizeLib.scene.parameters import RESETTABLE
from MRIColorizeLib.scene.rendering import RENDERING_REFERENCE, remove_rendering
from MRIColorizeLib.scene.request import Request, default_background
from MRIColorizeLib.scene.sample import loadSample, registerSampleData
from MRIColorizeLib.scene.sequences import sequence_of, shown_frame


class MRIColorize(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("MRI Colorize")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.dependencies = []
        parent.contributors = ["MRIColorize developers"]
        parent.helpText = _(
            "Gives a grey MRI the colours of human tissue, as a colour volume on the same grid.<br>"
            "The colours are synthetic: <b>not for diagnosis</b>."
        )
        parent.acknowledgementText = _(
            "The colours were learned from photographs of the Visible Human Project of the U.S. "
            "National Library of Medicine."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def forgetLibrary() -> None:
    """Let the next import read the library's files again, all of them and in the right order.

    Reloading them one by one would leave old and new error classes side by side.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "MRIColorizeLib"]:
        del sys.modules[name]


class MRIColorizeWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: choices, a button that starts and cancels, progress and a status line.

    Its parts are RunPanel, ViewPanel, PalettePanel, TissuePanel and ModelPanel.
    """

    def __init__(
        self,
        parent: Any = None,
        logic: MRIColorizeLogic | None = None,
        installer: DependencyInstaller | None = None,
    ) -> None:
        # Without a parent the base class calls setup(), which needs these.
        self.logic = logic or MRIColorizeLogic()
        self._installer = installer or DependencyInstaller()
        self._settings = MachineSettings()
        self._background = MaskBackground()
        self._parameterNode: Any = None
        self._parameterNodeGuiTag: Any = None
        self._isOpen = True
        self._hasNews = False  # a run ended while another module was open
        self._isPreviewing = False
        self._next: Callable[[], None] | None = None  # what waits for a preview to give way
        self._stopTip = ""
        self._orphans: set[str] = set()  # renderings whose colours have gone
        self._watchedInput: Any = None
        self._inputTag = 0
        VTKObservationMixin.__init__(self)
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MRIColorize.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self._sweep = qt.QTimer()
        self._sweep.setSingleShot(True)
        self._sweep.setInterval(10)
        self._sweep.connect("timeout()", self._removeOrphans)
        self._runs = RunPanel(self.ui, self._installer, self._onRunChanged)
        self._models = ModelPanel(self.ui, self._settings, self._installer)
        self._palettes = PalettePanel(self.ui, self._onPalette)
        self._tissues = TissuePanel(self.ui, lambda: self._parameterNode, self.logic.repainter)
        self._views = ViewPanel(self.ui, self._chosen)
        for button, slot in (
            (self.ui.colorizeButton, self.onColorizeButton),
            (self.ui.sampleButton, self.onSampleButton),
            (self.ui.allVolumesButton, self.onAllVolumesButton),
            (self.ui.folderButton, self.onFolderButton),
            (self.ui.resetButton, self.onResetButton),
        ):
            button.connect("clicked()", slot)
        self.ui.previewButton.connect("clicked(bool)", self.onPreviewButton)
        self._follower = PreviewFollower(
            lambda: self._runs.isBusy, self._previewed, self._preview, self._saySoftly
        )
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneSettled)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.onNodeRemoved)
        for event in (slicer.mrmlScene.NodeRemovedEvent, slicer.mrmlScene.EndBatchProcessEvent):
            self.addObserver(slicer.mrmlScene, event, self.onNodesGone)
        # Selectors that are bound while a scene is read would overwrite what it says was chosen.
        self.addObserver(
            slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.onSceneStartImport
        )
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneSettled)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when Slicer closes and when the module is reloaded."""
        self._follower.end()
        self._runs.close()
        self._sweep.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called when the module is opened: also says how a run ended meanwhile."""
        news = self.ui.statusLabel.text if self._hasNews else ""
        self._isOpen, self._hasNews = True, False
        self._models.update()
        self.initializeParameterNode()
        if news:
            self.ui.statusLabel.text = news

    def exit(self) -> None:
        """Called when another module is opened; a run goes on, but for a preview."""
        self._isOpen, self._next = False, None
        self._endPreview()
        self.setParameterNode(None)

    def onReload(self) -> None:
        """Reload the library too; a run is cancelled by cleanup()."""
        forgetLibrary()
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller: Any = None, event: Any = None) -> None:
        self._next = None
        self._follower.end()
        self._runs.cancel()
        self._orphans.clear()
        self.logic.repainter.forget()
        self._views.forget()
        self.setParameterNode(None)

    def onSceneStartImport(self, caller: Any = None, event: Any = None) -> None:
        """Let go of the choices while others may come."""
        self.setParameterNode(None)

    def onSceneSettled(self, caller: Any = None, event: Any = None) -> None:
        """The scene was closed or read: take up the choices that it holds now."""
        if self._isOpen:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller: Any, event: Any, node: Any) -> None:
        """A colour volume takes its rendering along; a scene that closes sees to it itself.

        Afterwards: Slicer may be in the middle of removing a whole branch of the hierarchy.
        """
        rendering = node.GetNodeReferenceID(RENDERING_REFERENCE)
        if rendering and not caller.IsClosing():
            self._orphans.add(rendering)
            self._sweep.start()

    def _removeOrphans(self) -> None:
        if slicer.mrmlScene.IsBatchProcessing():
            self._sweep.start()
            return
        while self._orphans:
            remove_rendering(self._orphans.pop())

    def onNodesGone(self, caller: Any = None, event: Any = None) -> None:
        """What the views offer may need a volume that has left the scene."""
        if self._parameterNode is not None and not slicer.mrmlScene.IsBatchProcessing():
            self._views.update()

    def initializeParameterNode(self) -> None:
        """Take up the scene's parameter node; without a choice yet, choose the MRI on view."""
        parameterNode = self.logic.getParameterNode()
        # Before the selectors are bound: they would take the first nodes of the scene.
        if parameterNode.inputVolume is None:
            parameterNode.inputVolume = likely_input()
        if parameterNode.colorVolume is None:
            parameterNode.colorVolume = likely_color()
        if parameterNode.previewView is None:
            parameterNode.previewView = likely_view()
        self.setParameterNode(parameterNode)

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to a parameter node, or to none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(
                self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._updatePanel
            )
        self._parameterNode = parameterNode
        self._parameterNodeGuiTag = None
        self._background.forget()
        if parameterNode is not None:
            self._parameterNodeGuiTag = parameterNode.connectGui(self.ui)
            name_choices(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._updatePanel)
            self._updatePanel()
        self._watchInput()

    # --- what the buttons start ---------------------------------------------------------------

    def _chosen(self) -> Any:
        """The scene's choices, also while another module is open and the panel is bound to none."""
        return self._parameterNode or self.logic.getParameterNode()

    @property
    def _run(self) -> Run | None:
        return self._runs.run

    def onColorizeButton(self) -> None:
        """Start, or cancel what is running; a preview gives way."""
        if self._run is not None and not self._isPreviewing:
            self._runs.cancel()
            return
        sequence = self._sequence()
        if sequence is not None:
            self._begin(
                self._request,
                lambda request, **callbacks: self.logic.startSequence(
                    request, sequence, **callbacks
                ),
                self._onSequence,
            )
        else:
            self._begin(self._request, self.logic.startRequest, self._onColored)

    def onPreviewButton(self, isDown: bool) -> None:
        """Colour the slice on view, and follow while the button is down."""
        if isDown:
            self._follower.begin(self._parameterNode.previewView)
        else:
            self._endPreview()
        self._updatePanel()

    def _endPreview(self) -> None:
        """Take the preview away, also one that is being made."""
        self._follower.end()
        if self._isPreviewing:
            self._runs.cancel()
        preview.remove_preview()

    def _preview(self, view: Any) -> None:
        def start(request: Request, **callbacks: Any) -> Run:
            fail = callbacks.pop("onError")

            def onError(error: Exception) -> None:
                self._follower.end()  # it would fail again at every slice
                fail(error)

            return self.logic.startPreview(request, view, onError=onError, **callbacks)

        self._begin(
            self._request,
            start,
            lambda node: _("Preview of one slice in the {view} view.").format(view=view.GetName()),
            isPreview=True,
        )

    def _previewed(self, view: Any) -> tuple:
        """What a preview depends on. Raises InputError when the view shows nothing of the MRI."""
        chosen = self._parameterNode
        scene.check_input(chosen.inputVolume)
        nodes = (view, chosen.inputVolume, chosen.maskNode)
        return (
            *preview.shown_slice(view, chosen.inputVolume),
            *(node.GetID() if node is not None else None for node in nodes),
            *(getattr(chosen, name) for name in PARAMETERS),
            chosen.palette,
            self._settings.device,
            self._settings.model,
        )

    def _saySoftly(self, text: str) -> None:
        self.ui.statusLabel.text = text

    def onAllVolumesButton(self) -> None:
        """Colour every MRI of the scene."""
        self._begin(
            lambda: list(map(self._requestMaker(), usable_volumes())),
            self.logic.startMany,
            lambda nodes: _("{count} volumes were coloured.").format(count=len(nodes)),
            cancelled=_("Cancelled: volumes that were done are in the scene."),
            stopTip=_("Stop; volumes that are done stay in the scene."),
        )

    def onFolderButton(self) -> None:
        """Colour the files of a folder."""
        folder = self.askFolder(_("Folder with MRI files"))
        output = self.askFolder(_("Folder for the colour files")) if folder else ""
        if not output:
            return
        self._begin(
            self._requestMaker,
            lambda makeRequest, **callbacks: self.logic.startFolder(
                Path(folder), Path(output), makeRequest, **callbacks
            ),
            lambda paths: _("{count} files were written to {folder}.").format(
                count=len(paths), folder=output
            ),
            cancelled=_("Cancelled: files that were done are in the folder."),
            stopTip=_("Stop; files that are done stay in the folder."),
        )

    def askFolder(self, title: str) -> str:
        """Ask for a folder; "" when the person declines."""
        return qt.QFileDialog.getExistingDirectory(None, title)

    def onSampleButton(self) -> None:
        """Load the head that ships and choose it."""
        try:
            node = loadSample()
        except InputError as error:
            self._runs.fail(error)
            return
        self._parameterNode.inputVolume = node
        slicer.util.setSliceViewerLayers(background=node, fit=True)

    def onResetButton(self) -> None:
        """Bring back the defaults; volumes stay chosen."""
        for name in RESETTABLE:
            default = self._parameterNode.default(name).value
            setattr(self._parameterNode, name, default)
        isMasked = self._parameterNode.maskNode is not None
        self._parameterNode.background = default_background(isMasked)
        self._settings.reset()
        self._models.update()
        if self._palettes.palette is not None:
            self._palettes.show(None)
            self._onPalette(None)

    def _begin(
        self,
        choose: Callable[[], Any],
        start: Callable[..., Run],
        onResult: Callable[[Any], str],
        cancelled: str | None = None,
        stopTip: str | None = None,
        isPreview: bool = False,
    ) -> None:
        """Start a run with what `choose` says now: the panel may be left before it begins.

        cancelled: what the status line says when it was cancelled; stopTip: what the button that
        does so says before. None stands for a run that changes nothing before its end.
        """
        if self._runs.isBusy and not (self._isPreviewing and not isPreview):
            return
        if not isPreview:
            self._endPreview()
        if self._runs.isBusy:  # the preview is still giving way
            self._next = lambda: self._begin(choose, start, onResult, cancelled, stopTip)
            return
        self._stopTip = stopTip or _("Stop; nothing is changed.")
        try:
            choices = choose()
        except MRIColorizeError as error:
            self._follower.end()
            self._runs.fail(error)
            return
        self._isPreviewing = isPreview
        self._runs.begin(lambda **callbacks: start(choices, **callbacks), onResult, cancelled)

    def _request(self) -> Request:
        return panel_request(self._parameterNode, self._palettes.palette, self._settings)

    def _requestMaker(self) -> Callable[[Any], Request]:
        return request_maker(self._parameterNode, self._palettes.palette, self._settings)

    def _sequence(self) -> Any:
        """The sequence to colour as a whole, None for the volume alone."""
        chosen = self._parameterNode
        return sequence_of(chosen.inputVolume) if chosen.wholeSequence else None

    # --- what comes back ----------------------------------------------------------------------

    def _onColored(self, colorVolume: Any) -> str:
        """Show the colours; returns the sentence for the status line."""
        self._choose(colorVolume)
        attribute = lambda name: colorVolume.GetAttribute(scene.ATTRIBUTE_PREFIX + name)  # noqa: E731
        told = _(
            "{name}: {slices} slices in {seconds} s on {device}, model {model} {version}."
        ).format(
            name=colorVolume.GetName(),
            slices=attribute("Slices"),
            seconds=attribute("Seconds"),
            device=attribute("Device"),
            model=attribute("Model"),
            version=attribute("ModelVersion"),
        )
        if not attribute("Confidence"):  # of a model without tissues
            return told
        sure = _("Mean confidence {mean}, share of voxels below 0.5: {unsure}.").format(
            mean=attribute("Confidence"), unsure=attribute("Unsure")
        )
        return f"{told} {sure}"

    def _onSequence(self, sequence: Any) -> str:
        self._choose(shown_frame(sequence))
        return _("{name}: {count} frames; play them with the sequence browser.").format(
            name=sequence.GetName(), count=sequence.GetNumberOfDataNodes()
        )

    def _choose(self, colorVolume: Any) -> None:
        """Make a volume the one that views and palette are for, and show it."""
        self._chosen().colorVolume = colorVolume
        self._views.showResult(colorVolume)

    def _onPalette(self, palette: Palette | None) -> None:
        """Keep the palette for the next run and recolour the chosen volume at once."""
        if self._parameterNode is None:
            return
        self._parameterNode.palette = palette_text(palette)
        node = self._parameterNode.colorVolume
        if self.logic.repainter.canRepaint(node):
            try:
                self.logic.recolor(node, palette)
            except MRIColorizeError as error:
                self._runs.fail(error)

    def _onRunChanged(self) -> None:
        busy = self._runs.isBusy
        self._hasNews = not busy and not self._isOpen
        self._isPreviewing = self._isPreviewing and busy
        # A preview locks nothing and moves nothing: one follows the other while a person scrolls.
        isLocked = busy and not self._isPreviewing
        isRunning = isLocked and self._run is not None
        self.ui.colorizeButton.text = _("Cancel") if isRunning else _("Colorize")
        if self._isPreviewing:
            self.ui.progressBar.visible = False
        for section in (
            self.ui.volumesCollapsibleButton,
            self.ui.settingsCollapsibleButton,
            self.ui.paletteCollapsibleButton,
            self.ui.manyCollapsibleButton,
            self.ui.advancedCollapsibleButton,
        ):
            section.enabled = not isLocked
        if not busy:
            self._models.update()
        self._updatePanel()
        if not busy and self._next is not None:
            qt.QTimer.singleShot(0, self._next)
            self._next = None

    # --- what is on, and why not --------------------------------------------------------------

    def _updatePanel(self, caller: Any = None, event: Any = None) -> None:
        """Enable the buttons, or say in the status line and in tooltips why they are off."""
        self._watchInput()
        self._showPalette()
        if self._parameterNode is not None:
            self._background.follow(self._parameterNode)
        self.ui.previewButton.checked = self._follower.isOn
        if self._runs.isBusy and not self._isPreviewing:
            self.ui.colorizeButton.enabled = self._run is not None
            self.ui.colorizeButton.toolTip = self._stopTip
            self.ui.previewButton.enabled = False
            return
        self._follower.touch()
        reason = self._whyNot()
        self.ui.colorizeButton.enabled = not reason
        self.ui.colorizeButton.toolTip = reason or _("Give the MRI the colours of tissue.")
        if not self._isPreviewing:
            self.ui.statusLabel.text = reason or self._readiness()
        if self._parameterNode is None:
            return
        chosen = self._parameterNode
        view = chosen.previewView
        self.ui.previewButton.enabled = self._follower.isOn or (not reason and view is not None)
        self.ui.previewButton.toolTip = reason or (
            _(
                "Colour only the slice that the {view} view shows. While this is down, the slice "
                "that you scroll to follows, in the view under the mouse."
            ).format(view=view.GetName())
            if view is not None
            else _("There is no slice view.")
        )
        self.ui.wholeSequenceCheckBox.visible = sequence_of(chosen.inputVolume) is not None
        self.ui.detailSlider.enabled = chosen.mode == "natural"
        self.ui.outputNameLineEdit.enabled = chosen.outputVolume is None
        self.ui.outputNameLineEdit.placeholderText = (
            scene.color_name(chosen.inputVolume) if chosen.inputVolume is not None else ""
        )
        self.ui.paletteStatusLabel.text = self._paletteState()
        self._views.update()
        self._tissues.update()

    def _showPalette(self) -> None:
        """Show the palette of the scene, which is another one when a scene was loaded."""
        if self._parameterNode is None:
            return
        text = self._parameterNode.palette
        if text != palette_text(self._palettes.palette):
            self._palettes.show(palette_from_text(text))

    def _readiness(self) -> str:
        output = self._parameterNode.outputVolume
        if output is not None and output.GetImageData() is not None:
            return _("Ready: {name} will be overwritten.").format(name=output.GetName())
        return _("Ready.")

    def _paletteState(self) -> str:
        """What a change of the palette does now."""
        node = self._parameterNode.colorVolume
        if self.logic.repainter.canRepaint(node):
            return _("Changes are shown in {name} at once.").format(name=node.GetName())
        nextRun = _("Changes hold for the next run.")
        if scene.in_scene(node) and node.GetAttribute(scene.ATTRIBUTE_PREFIX + "Model"):
            return f"{self.logic.repainter.whyNot(node)} {nextRun}"
        return nextRun

    def _watchInput(self) -> None:
        """A volume may be chosen before it gets its voxels: follow its image."""
        chosen = self._parameterNode.inputVolume if self._parameterNode is not None else None
        if chosen is self._watchedInput:
            return
        # Not by the mixin, which would keep the volume, and its voxels, after it left the scene.
        if self._watchedInput is not None:
            self._watchedInput.RemoveObserver(self._inputTag)
        self._watchedInput = chosen
        if chosen is not None:
            event = slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent
            self._inputTag = chosen.AddObserver(event, self._updatePanel)

    def _whyNot(self) -> str:
        if self._parameterNode is None:
            return _("The panel has no scene.")
        try:
            scene.check_input(self._parameterNode.inputVolume)
        except InputError as error:
            return str(error)
        return ""


class MRIColorizeTest(ScriptedLoadableModuleTest):
    """What must hold in any Slicer; Testing/Python has the rest."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        for test in (
            self.test_colorsAVolumeOrSaysWhatIsMissing,
            self.test_refusesAColorVolume,
            self.test_panelSaysWhyItsButtonIsOff,
        ):
            self.setUp()
            test()
        self.delayDisplay(_("MRI Colorize: all tests passed"))

    def test_colorsAVolumeOrSaysWhatIsMissing(self) -> None:
        mri = slicer.util.addVolumeFromArray(phantom(), np.diag([3.0, 3.0, 3.0, 1.0]), "Phantom")
        if DependencyInstaller().missing():
            with self.assertRaises(DependencyError):
                MRIColorizeLogic().colorize(mri, device="cpu")
            self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")), 0)
            return
        colors = MRIColorizeLogic().colorize(mri, device="cpu")
        rgb = slicer.util.arrayFromVolume(colors)
        self.assertEqual(rgb.shape, (*phantom().shape, 3))
        self.assertEqual(rgb.dtype, np.uint8)
        self.assertFalse(rgb[0, 0, 0].any(), "the background is black")
        self.assertGreater(int(rgb[12, 16, 16].max()), 0, "the middle is coloured")
        np.testing.assert_array_equal(scene.ijk_to_ras(colors), scene.ijk_to_ras(mri))
        with self.assertRaises(Cancelled):
            MRIColorizeLogic().colorize(mri, device="cpu", progress=lambda done, total: False)
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")), 1)

    def test_refusesAColorVolume(self) -> None:
        colors = slicer.util.addVolumeFromArray(
            np.zeros((4, 5, 6, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode"
        )
        with self.assertRaises(InputError):
            MRIColorizeLogic().colorize(colors)

    def test_panelSaysWhyItsButtonIsOff(self) -> None:
        widget = MRIColorizeWidget()
        try:
            self.assertFalse(widget.ui.colorizeButton.enabled)
            self.assertIn(widget.ui.statusLabel.text, widget.ui.colorizeButton.toolTip)
            self.assertGreater(len(widget.ui.statusLabel.text), 10)
        finally:
            widget.cleanup()
            widget.parent.deleteLater()


def phantom() -> np.ndarray:
    """A ball of two shells in noise-free air, float32 (24, 32, 32): enough to be coloured."""
    k, j, i = np.indices((24, 32, 32))
    radius = np.sqrt(((k - 12) * 1.3) ** 2 + (j - 16) ** 2 + (i - 16) ** 2)
    return np.select([radius < 8, radius < 13], [800.0, 400.0], 0.0).astype(np.float32)
