"""The Slicer module: panel, parameter node, logic for the console, sample data and self-test."""

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from MRIColorizeLib import rendering, scene
from MRIColorizeLib.errors import Cancelled, DependencyError, InputError, MRIColorizeError
from MRIColorizeLib.options import DEVICES, MODES, PLANES, ColorizeOptions
from MRIColorizeLib.run import Run

SAMPLE_NAME = "MRIColorizeHead"
SAMPLE_FILE = "head_t1_seg3d_defaced.nii.gz"
SAMPLE_SHA256 = "56ac78228a4744aff9e3124977e4f35a3813a8ccd8719449321b8d1ef3b7e03a"


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


def registerSampleData() -> None:
    """Offer the head that ships with the module in the Sample Data module; nothing is fetched."""
    import SampleData  # type: ignore[import-not-found]  # one of Slicer's modules

    resources = Path(__file__).resolve().parent / "Resources"
    if hasattr(SampleData.SampleDataLogic, "registerCustomSampleDataCategory"):  # newer only
        SampleData.SampleDataLogic.registerCustomSampleDataCategory(
            "MRIColorize", title=_("MRI Colorize")
        )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MRIColorize",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(resources / "Icons" / "MRIColorize.png"),
        uris=(resources / "Sample" / SAMPLE_FILE).as_uri(),
        fileNames=SAMPLE_FILE,
        checksums=f"SHA256:{SAMPLE_SHA256}",
        nodeNames=SAMPLE_NAME,
    )


@parameterNodeWrapper
class MRIColorizeParameterNode:
    """What a person chooses in the panel; saved with the scene.

    inputVolume: the MRI. outputVolume: receives the colours, None makes a new volume.
    plane, device, mode: see ColorizeOptions and Colorizer.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLVectorVolumeNode
    plane: Annotated[str, Choice(list(PLANES))] = "auto"
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    mode: Annotated[str, Choice(list(MODES))] = "natural"


class DependencyInstaller:
    """Gets PyTorch through its own extension and safetensors through pip, after asking once."""

    PACKAGES = ("torch", "safetensors")

    def missing(self) -> list[str]:
        """Names of the packages that are not installed; imports none of them."""
        importlib.invalidate_caches()
        return [name for name in self.PACKAGES if importlib.util.find_spec(name) is None]

    def ensure(self) -> None:
        """Return when all is there; ask and install what is missing. Raises DependencyError."""
        missing = self.missing()
        if not missing:
            return
        names = ", ".join(missing)
        # Under test every dialog answers "OK" by itself: that is nobody's consent.
        if self.isTesting():
            raise DependencyError(
                _("Colouring needs {packages}; tests install nothing.").format(packages=names)
            )
        torchUtils = self._torchUtils() if "torch" in missing else None
        if not self._isAgreed(names):
            raise DependencyError(
                _("Colouring needs {packages}: press Colorize again to install.").format(
                    packages=names
                )
            )
        self._install(missing, torchUtils)
        if still := self.missing():
            raise DependencyError(
                _("{packages} could not be installed: restart Slicer and try again.").format(
                    packages=", ".join(still)
                )
            )

    def _isAgreed(self, names: str) -> bool:
        question = _(
            "Colouring needs Python packages that are not installed: {packages}.\n\n"
            "They are downloaded and installed into Slicer's Python, which may take minutes "
            "(PyTorch: up to 3 GB). Continue?"
        ).format(packages=names)
        return slicer.util.confirmOkCancelDisplay(question, windowTitle=_("MRI Colorize"))

    def _install(self, missing: list[str], torchUtils: Any) -> None:
        try:
            if torchUtils is not None:
                torchUtils.PyTorchUtilsLogic().installTorch(
                    askConfirmation=False, torchVersionRequirement=">=2.5"
                )
            if "safetensors" in missing:
                self._pipInstall("safetensors>=0.4")
        except Exception as error:  # the installers' failures have no common class
            raise DependencyError(
                _(
                    "Installing failed ({reason}): check the internet connection and try again."
                ).format(reason=error)
            ) from error

    def isTesting(self) -> bool:
        """Whether Slicer runs its tests."""
        return bool(slicer.app.testingEnabled())

    def _torchUtils(self) -> Any:
        try:
            return importlib.import_module("PyTorchUtils")
        except ModuleNotFoundError as error:
            raise DependencyError(
                _(
                    "Colouring needs PyTorch: install the PyTorch extension in the Extensions "
                    "Manager, restart Slicer and press Colorize again."
                )
            ) from error

    def _pipInstall(self, requirement: str) -> None:
        try:
            from slicer.packaging import pip_ensure
        except ImportError:  # Slicer 5.10
            slicer.util.pip_install(requirement)
        else:
            pip_ensure(requirement, requester="MRIColorize", prompt_install=False)


def createEngine(model: str | None, device: str) -> Any:
    """Load a model, by name or folder, and put it on a device; imports torch.

    Raises ModelError, DependencyError or DeviceError.
    """
    from MRIColorizeLib.model import load_model

    loaded = load_model(model)  # says in a sentence when torch is not there
    from MRIColorizeLib.colorizer import Colorizer

    return Colorizer(loaded, device=device)


class MRIColorizeLogic(ScriptedLoadableModuleLogic):
    """Colours volume nodes; from the console, scripts and the panel alike.

    engineFactory(model, device) makes what has `start(volume, options)`, like Colorizer.
    """

    def __init__(self, engineFactory: Callable[[str | None, str], Any] = createEngine) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._engineFactory = engineFactory

    def getParameterNode(self) -> MRIColorizeParameterNode:
        node = super().getParameterNode()
        return MRIColorizeParameterNode(node)  # type: ignore[call-arg]  # made by the wrapper

    def colorize(
        self,
        inputVolume: vtkMRMLScalarVolumeNode,
        outputVolume: vtkMRMLVectorVolumeNode | None = None,
        plane: str = "auto",
        mode: str = "natural",
        device: str = "auto",
        model: str | None = None,
        progress: Callable[[int, int], bool | None] | None = None,
    ) -> vtkMRMLVectorVolumeNode:
        """Colour an MRI and return the vector volume node, when it is done.

        outputVolume: is overwritten; None makes a new volume. model: name or folder.
        progress(done, total) slices: when it returns False the run ends with Cancelled.
        Raises MRIColorizeError with a sentence; then nothing in the scene has changed.
        """
        run = self.start(inputVolume, outputVolume, plane, mode, device, model)
        while run.advance():
            if progress is not None and progress(run.done, run.total) is False:
                run.cancel()
        for note in run.notes:
            logging.warning(note)
        return run.result()

    def start(
        self,
        inputVolume: vtkMRMLScalarVolumeNode,
        outputVolume: vtkMRMLVectorVolumeNode | None = None,
        plane: str = "auto",
        mode: str = "natural",
        device: str = "auto",
        model: str | None = None,
        **callbacks: Callable[..., object],
    ) -> Run:
        """The same, stepwise: call the run's `advance()` until it returns False.

        callbacks: onProgress, onFinished, onError, onCancelled of Run. Raises InputError at once
        for a node that cannot be coloured.
        """
        scene.check_input(inputVolume)
        options = ColorizeOptions(plane=plane, mode=mode)
        return Run(self._steps(inputVolume, outputVolume, options, device, model), **callbacks)

    def show(self, colorVolume: vtkMRMLVectorVolumeNode, inputVolume: Any = None) -> None:
        """Show the colours in the slice views, over the MRI, in their true colour."""
        rendering.show_slices(colorVolume, inputVolume)

    def showIn3D(self, colorVolume: vtkMRMLVectorVolumeNode, inputVolume: Any = None) -> Any:
        """Render the colours in the 3D views; returns the volume rendering display node."""
        return rendering.show_volume(colorVolume, inputVolume)

    def _steps(
        self, inputVolume: Any, outputVolume: Any, options: ColorizeOptions, device: str, model: Any
    ) -> Any:
        volume = scene.read_volume(inputVolume)
        yield 0, 0  # the panel can paint before the model is loaded
        engine = self._engineFactory(model, device)
        color = yield from engine.start(volume, options)
        return scene.write_color(color, inputVolume, outputVolume)


def likelyInput() -> Any:
    """The MRI a person most likely means: the active volume, else the first that can be used."""
    selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    active = selection.GetActiveVolumeID() if selection is not None else None
    candidates = [slicer.mrmlScene.GetNodeByID(active)] if active else []
    candidates += slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    for node in candidates:
        try:
            scene.check_input(node)
        except InputError:
            continue
        return node
    return None


def forgetLibrary() -> None:
    """Let the next import read the library's files again, all of them and in the right order.

    Reloading them one by one would leave old and new error classes side by side.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "MRIColorizeLib"]:
        del sys.modules[name]


class MRIColorizeWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: choices, a button that starts and cancels, progress and a status line."""

    def __init__(
        self,
        parent: Any = None,
        logic: MRIColorizeLogic | None = None,
        installer: DependencyInstaller | None = None,
    ) -> None:
        # Without a parent the base class calls setup(), which needs these.
        self.logic = logic or MRIColorizeLogic()
        self._installer = installer or DependencyInstaller()
        self._parameterNode: Any = None
        self._parameterNodeGuiTag: Any = None
        self._run: Run | None = None
        self._timer: Any = None
        self._isOpen = True
        self._watchedInput: Any = None
        VTKObservationMixin.__init__(self)
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MRIColorize.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.progressBar.visible = False
        self.ui.colorizeButton.connect("clicked(bool)", self.onColorizeButton)
        # One batch a tick: between two of them Slicer handles clicks and paints.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(5)
        self._timer.connect("timeout()", self._onTick)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when Slicer closes and when the module is reloaded."""
        self._cancel()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called when the module is opened."""
        self._isOpen = True
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called when another module is opened; a run goes on."""
        self._isOpen = False
        self.setParameterNode(None)

    def onReload(self) -> None:
        """Reload the library too; a run is cancelled by cleanup()."""
        forgetLibrary()
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller: Any = None, event: Any = None) -> None:
        self._cancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller: Any = None, event: Any = None) -> None:
        if self._isOpen:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Take up the scene's parameter node; without a choice yet, choose the MRI on view."""
        parameterNode = self.logic.getParameterNode()
        # Before the selector is bound: it would take the first volume of the scene.
        if parameterNode.inputVolume is None:
            parameterNode.inputVolume = likelyInput()
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
        if parameterNode is not None:
            self._parameterNodeGuiTag = parameterNode.connectGui(self.ui)
            self._nameChoices()
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._updatePanel)
            self._updatePanel()
        self._watchInput()

    def onColorizeButton(self, checked: bool = False) -> None:
        """Start, or cancel what is running."""
        if self._run is not None:
            self._cancel()
            return
        try:
            self._installer.ensure()
            chosen = self._parameterNode
            self._run = self.logic.start(
                chosen.inputVolume,
                chosen.outputVolume,
                plane=chosen.plane,
                mode=chosen.mode,
                device=chosen.device,
                onProgress=self._onProgress,
                onFinished=self._onFinished,
                onError=self._onError,
                onCancelled=self._onCancelled,
            )
        except MRIColorizeError as error:
            self._onError(error)
            return
        self._setRunning(True)
        self.ui.statusLabel.text = _("Loading the model...")
        self._timer.start()

    def _onTick(self) -> None:
        if self._run is not None and self._run.advance():
            self._timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self._run is not None:
            self._run.cancel()

    def _onProgress(self, done: int, total: int) -> None:
        self.ui.progressBar.maximum = total  # 0 shows a busy bar
        self.ui.progressBar.value = done
        if self._run is None or self._run.seconds_left is None:
            return
        self.ui.statusLabel.text = _(
            "{done} of {total} slices, {pace:.1f} slices/s, {left:.0f} s left"
        ).format(done=done, total=total, pace=self._run.slices_per_second,
                 left=self._run.seconds_left)  # fmt: skip

    def _onFinished(self, colorVolume: Any) -> None:
        notes = self._run.notes if self._run is not None else []
        self._setRunning(False)
        self.logic.show(colorVolume, scene.input_of(colorVolume))
        attribute = lambda name: colorVolume.GetAttribute(scene.ATTRIBUTE_PREFIX + name)  # noqa: E731
        done = _(
            "{name}: {slices} slices in {seconds} s on {device}, model {model} {version}."
        ).format(
            name=colorVolume.GetName(),
            slices=attribute("Slices"),
            seconds=attribute("Seconds"),
            device=attribute("Device"),
            model=attribute("Model"),
            version=attribute("ModelVersion"),
        )
        self.ui.statusLabel.text = "\n".join((done, *notes))

    def _onCancelled(self) -> None:
        self._setRunning(False)
        self.ui.statusLabel.text = _("Cancelled: nothing was changed.")

    def _onError(self, error: Exception) -> None:
        self._setRunning(False)
        if isinstance(error, MRIColorizeError):
            text = str(error)
        else:
            logging.error("Colouring failed", exc_info=error)
            text = _("Colouring failed ({error}): nothing was changed.").format(
                error=f"{type(error).__name__}: {error}"
            )
        self.ui.statusLabel.text = text
        slicer.util.errorDisplay(text, windowTitle=_("MRI Colorize"))

    def _setRunning(self, running: bool) -> None:
        if not running:
            self._run = None
        self.ui.colorizeButton.text = _("Cancel") if running else _("Colorize")
        self.ui.progressBar.visible = running
        self.ui.progressBar.maximum = 0
        self.ui.volumesCollapsibleButton.enabled = not running
        self.ui.settingsCollapsibleButton.enabled = not running
        self._updatePanel()

    def _updatePanel(self, caller: Any = None, event: Any = None) -> None:
        """Enable the button, or say in the status line and its tooltip why it is off."""
        self._watchInput()
        if self._run is not None:
            self.ui.colorizeButton.enabled = True
            self.ui.colorizeButton.toolTip = _("Stop; the scene stays as it was.")
            return
        reason = self._whyNot()
        self.ui.colorizeButton.enabled = not reason
        self.ui.colorizeButton.toolTip = reason or _("Give the MRI the colours of tissue.")
        self.ui.statusLabel.text = reason or _("Ready.")

    def _watchInput(self) -> None:
        """A volume may be chosen before it gets its voxels: follow its image."""
        chosen = self._parameterNode.inputVolume if self._parameterNode is not None else None
        if chosen is self._watchedInput:
            return
        event = slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent
        if self._watchedInput is not None:
            self.removeObserver(self._watchedInput, event, self._updatePanel)
        self._watchedInput = chosen
        if chosen is not None:
            self.addObserver(chosen, event, self._updatePanel)

    def _whyNot(self) -> str:
        if self._parameterNode is None:
            return _("The panel has no scene.")
        try:
            scene.check_input(self._parameterNode.inputVolume)
        except InputError as error:
            return str(error)
        return ""

    def _nameChoices(self) -> None:
        """Show words for the choices; the parameter node keeps their short names."""
        words = {
            "auto": _("Automatic"),
            "axial": _("Axial"),
            "sagittal": _("Sagittal"),
            "coronal": _("Coronal"),
            "natural": _("Natural"),
            "structure": _("Structure (lightness of the MRI)"),
            "cuda": _("NVIDIA graphics card (CUDA)"),
            "mps": _("Apple graphics (MPS)"),
            "cpu": _("Processor (CPU)"),
        }
        for comboBox, choices in (
            (self.ui.planeComboBox, PLANES),
            (self.ui.modeComboBox, MODES),
            (self.ui.deviceComboBox, DEVICES),
        ):
            for index, choice in enumerate(choices):
                comboBox.setItemText(index, words.get(choice, choice))


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
