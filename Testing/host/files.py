"""`slicer.app.coreIOManager()`: volumes and scenes, through the real storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import vtk

_READ_OPTIONS = {"labelmap": 0x1, "center": 0x2, "singleFile": 0x4, "discardOrientation": 0x10}


class CoreIOManager:
    """What `slicer.util.loadVolume`, `loadScene`, `saveNode` and `saveScene` call."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def fileType(self, filename: str) -> str:
        suffix = Path(filename).suffix.lower()
        return "SceneFile" if suffix in (".mrml", ".mrb") else "VolumeFile"

    def fileWriterFileType(self, node: Any) -> str:
        return "SceneFile" if node.IsA("vtkMRMLScene") else "VolumeFile"

    def loadNodes(
        self, filetype: str, properties: dict[str, Any], loaded: Any, messages: Any
    ) -> bool:
        """Load a file into the scene; False, with a message, when it cannot be read."""
        path = Path(properties["fileName"])
        if not path.is_file():
            messages.AddMessage(vtk.vtkCommand.ErrorEvent, f"no such file: {path}")
            return False
        if filetype == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)))
        if filetype != "VolumeFile":
            messages.AddMessage(vtk.vtkCommand.ErrorEvent, f"the host cannot load a {filetype}")
            return False
        options = sum(bit for key, bit in _READ_OPTIONS.items() if properties.get(key))
        options |= 0x8 if properties.get("autoWindowLevel") else 0
        name = properties.get("name") or path.name.split(".")[0]
        node = self._session.logics["volumes"].AddArchetypeVolume(str(path), name, options)
        if node is None:
            return False
        loaded.AddItem(node)
        if properties.get("show", True):
            label = node.IsA("vtkMRMLLabelMapVolumeNode")
            selection = self._session.application_logic.GetSelectionNode()
            if label:
                selection.SetActiveLabelVolumeID(node.GetID())
            else:
                selection.SetActiveVolumeID(node.GetID())
            self._session.application_logic.PropagateVolumeSelection()
        return True

    def _load_scene(self, path: Path, clear: bool) -> bool:
        scene = self._session.scene
        if path.suffix.lower() == ".mrb":
            return bool(scene.ReadFromMRB(str(path), clear))
        scene.SetURL(str(path))
        return bool(scene.Connect() if clear else scene.Import())

    def saveNodes(self, filetype: str, properties: dict[str, Any], messages: Any) -> bool:
        path = str(properties["fileName"])
        scene = self._session.scene
        if filetype == "SceneFile":
            if path.lower().endswith(".mrb"):
                return bool(scene.WriteToMRB(path))
            scene.SetURL(path)
            scene.SetRootDirectory(str(Path(path).parent))
            return bool(scene.Commit(path))
        node = scene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        storage.SetUseCompression(bool(properties.get("useCompression", True)))
        return bool(storage.WriteData(node))
