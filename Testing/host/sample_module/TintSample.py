"""A small scripted module that tints a volume slice by slice: the host's own test subject."""

from enum import Enum
from typing import Annotated, Any

import numpy as np
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Tint(Enum):
    """Which channel carries the image."""

    WARM = 0
    COLD = 2


class TintSample(ScriptedLoadableModule):
    """What Slicer is told about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Tint Sample")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Testing")]
        parent.helpText = _("Tints a volume.")
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data():
    """Offer a data set, as extensions do once Slicer is up."""
    import SampleData  # type: ignore[import-not-found]

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Tint", sampleName="Tint1", uris="https://example.org/t.nrrd", fileNames="t.nrrd"
    )


@parameterNodeWrapper
class TintSampleParameterNode:
    """Everything the panel shows, kept with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLVectorVolumeNode
    strength: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    slab: Annotated[int, WithinRange(1, 8), Default(2)]
    tint: Tint = Tint.WARM
    plane: Annotated[str, Choice(["axial", "coronal"])] = "axial"
    invert: bool = False


class TintSampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = TintSampleLogic()
        self._parameters: Any = None
        self._guiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/TintSample.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.cancelled = False
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, lambda *_event: self.bind(None))
        self.addObserver(scene, scene.EndCloseEvent, lambda *_event: self.enter())
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.cancelButton.clicked.connect(self.onCancel)
        self.ui.progressBar.visible = False

    def cleanup(self):
        self.bind(None)
        self.removeObservers()

    def enter(self):
        parameters = self.logic.getParameterNode()
        if parameters.inputVolume is None:
            first = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            parameters.inputVolume = first
        self.bind(parameters)

    def exit(self):
        self.bind(None)

    def bind(self, parameters):
        """Show these parameters, or none."""
        if self._parameters is not None:
            self._parameters.disconnectGui(self._guiTag)
            node = self._parameters.parameterNode
            self.removeObserver(node, vtk.vtkCommand.ModifiedEvent, self.refresh)
        self._parameters = parameters
        if parameters is not None:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.refresh)
        self.refresh()

    def refresh(self, caller=None, event=None):
        ready = self._parameters is not None and self._parameters.inputVolume is not None
        self.ui.applyButton.enabled = ready
        self.ui.applyButton.toolTip = _("Tint the volume") if ready else _("Choose a volume")

    def onApply(self):
        self.cancelled = False
        self.ui.progressBar.visible = True
        with slicer.util.tryWithErrorDisplay(_("Tinting failed."), waitCursor=True):
            result = self.logic.tint(self._parameters, self.progress)
        self.ui.progressBar.visible = False
        if result is not None:
            self._parameters.outputVolume = result
            slicer.util.setSliceViewerLayers(background=result, fit=True)

    def onCancel(self):
        self.cancelled = True

    def progress(self, done, total):
        self.ui.progressBar.maximum = total
        self.ui.progressBar.value = done
        slicer.app.processEvents()
        return not self.cancelled


class TintSampleLogic(ScriptedLoadableModuleLogic):
    """The arithmetic."""

    def getParameterNode(self):
        node = super().getParameterNode()
        return TintSampleParameterNode(node)  # type: ignore[call-arg]  # the decorator's __init__

    def tint(self, parameters, progress):
        """Return a new vector volume node, or None when `progress(done, total)` said False."""
        if parameters.strength == 0:
            raise ValueError("a strength of zero tints nothing")
        source = slicer.util.arrayFromVolume(parameters.inputVolume).astype(np.float32)
        color = np.zeros((*source.shape, 3), np.uint8)
        scale = 255 / max(float(source.max()), 1.0)
        for index, plane in enumerate(source):
            color[index] = (plane * scale * (1 - parameters.strength))[..., None]
            color[index, ..., parameters.tint.value] = plane * scale
            if not progress(index + 1, len(source)):
                return None
        name = parameters.inputVolume.GetName() + " tinted"
        node = slicer.util.addVolumeFromArray(color, None, name, "vtkMRMLVectorVolumeNode")
        node.CopyOrientation(parameters.inputVolume)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().AutoWindowLevelOff()
        node.GetDisplayNode().SetWindowLevelMinMax(0, 255)
        return node


class TintSampleTest(ScriptedLoadableModuleTest):
    """The module's self-test."""

    def test_tints(self):
        volume = slicer.util.addVolumeFromArray(np.ones((2, 3, 4), np.float32))
        logic = TintSampleLogic()
        parameters = logic.getParameterNode()
        parameters.inputVolume = volume
        self.assertIsNotNone(logic.tint(parameters, lambda _done, _total: True))
        self.delayDisplay("Test passed")
