"""One session's MRML side: a real scene, the real application logic and the real module logics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

# Volume rendering needs its presets file, and for 8-bit volumes this name in it; Slicer's own
# transfer functions are not here: a plain ramp stands in for them.
_PRESETS = """<MRML version="Slicer4.4.0" userTags="">
<VolumeProperty id="vtkMRMLVolumePropertyNode1" name="US-Fetal" interpolation="1" shade="1"
 scalarOpacity="6 0 0 20 0 255 0.8" gradientOpacity="4 0 1 255 1"
 colorTransfer="8 0 0 0 0 255 1 1 1" />
</MRML>
"""

#: slicer.modules.<name> -> (name in the application logic, class of the real logic)
_LOGICS = {
    "cameras": ("Cameras", "vtkSlicerCamerasModuleLogic"),
    "subjecthierarchy": ("SubjectHierarchy", "vtkSlicerSubjectHierarchyModuleLogic"),
    "transforms": ("Transforms", "vtkSlicerTransformLogic"),
    "markups": ("Markups", "vtkSlicerMarkupsLogic"),
    "segmentations": ("Segmentations", "vtkSlicerSegmentationsModuleLogic"),
    "sequences": ("Sequences", "vtkSlicerSequencesLogic"),
    "volumes": ("Volumes", "vtkSlicerVolumesLogic"),
    "volumerendering": ("VolumeRendering", "vtkSlicerVolumeRenderingLogic"),
    "cropvolume": ("CropVolume", "vtkSlicerCropVolumeLogic"),
}


class Session:
    """A scene with its logics, and a four-up layout with its slice logics unless `layout=False`."""

    def __init__(self, folder: Path, layout: bool) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetTemporaryPath(str(folder))
        self.application_logic.SetHomeDirectory(str(folder))
        self.application_logic.SetShareDirectory("share")
        (folder / "share" / "ColorFiles").mkdir(parents=True)
        self.application_logic.SetSliceLogics(vtk.vtkCollection())
        self.application_logic.SetViewLogics(vtk.vtkCollection())
        self.logics: dict[str, Any] = {}
        self._add_logic("colors", "Colors", slicer.vtkSlicerColorLogic(), folder)
        self.application_logic.SetColorLogic(self.logics["colors"])
        self.application_logic.SetMRMLScene(self.scene)
        self._add_file_access(folder / "cache")
        for module, (name, class_name) in _LOGICS.items():
            self._add_logic(module, name, getattr(slicer, class_name)(), folder)
        # As in Slicer: it says over which slice view the mouse is.
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetName("Crosshair")
        crosshair.SetSingletonTag("default")
        self.scene.AddNode(crosshair)
        self.layout_logic: Any = None
        if layout:
            self._add_layout()

    def _add_logic(self, module: str, name: str, logic: Any, folder: Path) -> None:
        if module == "volumerendering":
            (folder / "presets.xml").write_text(_PRESETS, encoding="utf-8")
            logic.SetModuleShareDirectory(str(folder))
        logic.SetMRMLApplicationLogic(self.application_logic)
        logic.SetMRMLScene(self.scene)
        self.application_logic.SetModuleLogic(name, logic)
        self.logics[module] = logic

    def _add_file_access(self, cache: Path) -> None:
        """Connect the managers of data files, without which no .mrb is read."""
        cache.mkdir()
        self._remote = slicer.vtkMRMLRemoteIOLogic()
        self._remote.GetCacheManager().SetRemoteCacheDirectory(str(cache))
        self._data = slicer.vtkDataIOManagerLogic()
        self._data.SetMRMLApplicationLogic(self.application_logic)
        self._data.SetAndObserveDataIOManager(self._remote.GetDataIOManager())
        self.application_logic.SetMRMLSceneDataIO(self.scene, self._remote, self._data)

    def _add_layout(self) -> None:
        self.layout_logic = slicer.vtkMRMLLayoutLogic()
        self.layout_logic.SetMRMLScene(self.scene)
        layout = slicer.vtkMRMLLayoutNode
        self.layout_logic.GetLayoutNode().SetViewArrangement(layout.SlicerLayoutFourUpView)
        for name in ("Red", "Yellow", "Green"):
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self.application_logic)
            logic.SetMRMLScene(self.scene)
            node = self.scene.GetNodeByID("vtkMRMLSliceNode" + name)
            node.SetDimensions(256, 256, 1)
            logic.SetSliceNode(node)
            self.application_logic.GetSliceLogics().AddItem(logic)

    def close(self) -> None:
        """Let go of everything in the order that leaves no observer behind."""
        for index in range(self.application_logic.GetSliceLogics().GetNumberOfItems()):
            logic = self.application_logic.GetSliceLogics().GetItemAsObject(index)
            logic.SetMRMLScene(None)
        self.application_logic.GetSliceLogics().RemoveAllItems()
        for logic in reversed(self.logics.values()):
            logic.SetMRMLScene(None)
        if self.layout_logic is not None:
            self.layout_logic.SetMRMLScene(None)
        self.application_logic.SetMRMLScene(None)
        self.scene.Clear(True)
