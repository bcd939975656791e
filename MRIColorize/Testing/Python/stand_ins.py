"""What the module's tests share: made volumes, a pretended engine, the state of the scene."""

from __future__ import annotations

import hashlib
import html
import importlib.util
import sys
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from MRIColorizeLib.provenance import Provenance, without_arrays
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from MRIColorizeLib.volume import ColorVolume

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = REPOSITORY / "Testing" / "data"

# Slicer has no PyTorch before a user agrees to install it.
NEEDS_TORCH = unittest.skipUnless(importlib.util.find_spec("torch"), "needs PyTorch")

# Oblique, left-handed, with three different spacings: nothing falls into place by luck.
OBLIQUE = np.array(
    [
        [-0.8, 0.36, 0.0, 12.5],
        [0.6, 0.48, 0.0, -40.0],
        [0.0, 0.0, -2.5, 7.25],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def clear_scene() -> None:
    """An empty scene with the subject hierarchy that Slicer always has."""
    slicer.mrmlScene.Clear()
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def made_array(shape: tuple[int, int, int] = (5, 6, 7)) -> np.ndarray:
    """A different value in every voxel, int16 (K, J, I), 0 in the first."""
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def add_mri(name: str = "head", shape: tuple[int, int, int] = (5, 6, 7)) -> Any:
    """Put a made MRI with an oblique grid into the scene."""
    return slicer.util.addVolumeFromArray(made_array(shape), OBLIQUE, name)


def add_view(name: str = "Probe") -> Any:
    """Put a slice view's node into the scene; without a layout name it would crash Slicer."""
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSliceNode")
    node.UnRegister(None)
    node.SetName(name)
    node.SetLayoutName(name)
    return slicer.mrmlScene.AddNode(node)


def tip_of(widget: Any) -> str:
    """A widget's tooltip without the paragraph that Slicer 5.13 wraps it into."""
    return html.unescape(widget.toolTip.removeprefix("<p>").removesuffix("</p>"))


def python() -> str:
    """The program that runs Python: in Slicer sys.executable is Slicer itself."""
    beside = Path(slicer.app.slicerHome) / "bin" / "PythonSlicer"
    found = [path for path in (beside, beside.with_suffix(".exe")) if path.is_file()]
    return str(found[0]) if found else sys.executable


def colors_of(array: np.ndarray) -> np.ndarray:
    """The colours StandInEngine gives: uint8 (K, J, I, 3), black where the MRI is 0."""
    scaled = (255 * (array - array.min()) / max(np.ptp(array), 1)).astype(np.uint8)
    rgb = np.stack((scaled, 255 - scaled, scaled // 2), axis=-1)
    return rgb * (array > 0)[..., None].astype(np.uint8)


def tissue_of(array: np.ndarray) -> np.ndarray:
    """The tissues StandInEngine finds: uint8 (K, J, I); the brighter half is fat, else muscle."""
    codes = np.where(array > np.median(array), Tissue.FAT, Tissue.MUSCLE)
    return np.where(array > 0, codes, Tissue.BACKGROUND).astype(np.uint8)


class StandInEngine:
    """Colours in `steps` steps without a network; may fail, or do something, at one of them.

    event() happens where the network would work: it has no business with the scene or the panel.
    """

    def __init__(
        self,
        steps: int = 5,
        at: int | None = None,
        event: Callable[[], None] | None = None,
        palette: np.ndarray = PALETTE_LAB,
    ) -> None:
        self.palette = palette
        self.steps = steps
        self.at = at
        self.event = event
        self.was_closed = False
        self.asked: list[tuple[str | None, str]] = []
        self.options: list[Any] = []

    def __call__(self, model: str | None, device: str) -> StandInEngine:
        """Play the engine factory."""
        self.asked.append((model, device))
        return self

    def start(self, volume: Any, options: Any) -> Any:
        self.options.append(options)
        try:
            for done in range(self.steps + 1):
                if done == self.at and self.event is not None:
                    self.event()
                yield done, self.steps
        except GeneratorExit:
            self.was_closed = True
            raise
        provenance = Provenance(
            *("stand-in", "1.2", "cpu", "float32", options.plane, self.steps, 1.5),
            options=without_arrays(options),
            masked=options.mask is not None,
        )
        body = volume.array > 0
        return ColorVolume(
            colors_of(volume.array),
            body,
            tissue_of(volume.array),
            volume.ijk_to_ras,
            provenance,
            confidence=200 * body.astype(np.uint8) if options.confidence else None,
            mixture=_mixture(volume.array, options.palette) if options.editable else None,
        )


def _mixture(array: np.ndarray, palette: np.ndarray | None) -> Any:
    """What recolouring needs, for a body in which each voxel is one tissue; without torch None."""
    try:
        from MRIColorizeLib.engine.canvas import Finish
        from MRIColorizeLib.engine.recoloring import TissueMixture
    except ModuleNotFoundError:
        return None

    codes = tissue_of(array)[array > 0]
    tissues = np.stack([codes, *[np.zeros_like(codes)] * 3], axis=1)
    weights = np.zeros_like(tissues)
    weights[:, 0] = 255
    palette = PALETTE_LAB if palette is None else palette
    lab = palette[codes].astype(np.float16)
    grey = np.full(codes.size, 0.5, np.float16)
    how = Finish("natural", 1.0, 1.0)
    return TissueMixture(tissues, weights, lab, grey, palette, how, PALETTE_LAB)


class ReadyInstaller:
    """Everything is installed."""

    def ensure(self) -> None:
        pass


def raiser(error: Exception) -> Callable[[], None]:
    """A function that raises `error`."""

    def fail() -> None:
        raise error

    return fail


def scene_nodes() -> list[Any]:
    """All nodes of the scene, in its order."""
    scene = slicer.mrmlScene
    return [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]


def scene_state() -> list[tuple]:
    """All of the scene that a run may touch: nodes, attributes, references, display, voxels."""
    return [_node_state(node) for node in scene_nodes()]


def _node_state(node: Any) -> tuple:
    attributes = tuple((name, node.GetAttribute(name)) for name in sorted(node.GetAttributeNames()))
    return (
        node.GetID(),
        node.GetName(),
        attributes,
        tuple(_references(node)),
        tuple(_window_level(node)),
        _voxels(node),
    )


def _references(node: Any) -> Iterator[tuple[str, str]]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    for role in roles:
        for n in range(node.GetNumberOfNodeReferences(role)):
            yield role, node.GetNthNodeReferenceID(role, n)


def _window_level(node: Any) -> Iterator[float]:
    if node.IsA("vtkMRMLScalarVolumeDisplayNode"):
        yield node.GetAutoWindowLevel()
        yield node.GetWindow()
        yield node.GetLevel()


def _voxels(node: Any) -> str | None:
    image = node.GetImageData() if node.IsA("vtkMRMLVolumeNode") else None
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    array = vtk_to_numpy(image.GetPointData().GetScalars())
    return f"{image.GetDimensions()} {hashlib.sha256(np.ascontiguousarray(array)).hexdigest()}"


def picture_of(view: Any) -> np.ndarray:
    """What a slice or 3D view draws, uint8 (height, width, 3)."""
    view.forceRender()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.renderWindow())
    grab.ReadFrontBufferOff()
    grab.Update()
    return pixels_of(grab.GetOutput())


def pixels_of(image: Any) -> np.ndarray:
    """RGB of a VTK picture, uint8 (height, width, 3)."""
    width, height, _ = image.GetDimensions()
    scalars = vtk_to_numpy(image.GetPointData().GetScalars())
    return scalars.reshape(height, width, -1)[..., :3].copy()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let Slicer work through its events until the condition holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s")
        slicer.app.processEvents()
