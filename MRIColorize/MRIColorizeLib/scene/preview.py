"""One slice coloured in a second: which one a slice view shows, and its colours in that view."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..provenance import NOTICE
from ..volume import PLANE_NORMAL, ColorVolume, nearest_axes
from .nodes import ATTRIBUTE_PREFIX, Node, ijk_to_ras, in_scene, moved, read_volume, write_volume
from .request import EngineSource, Request, computed, options_for
from .views import composite_of

# Attributes of the preview's node: that it is one, and what its view showed before.
PREVIEW = ATTRIBUTE_PREFIX + "Preview"
BEFORE = ATTRIBUTE_PREFIX + "PreviewBefore"
BEFORE_OPACITY = ATTRIBUTE_PREFIX + "PreviewBeforeOpacity"
BEFORE_BACKGROUND = ATTRIBUTE_PREFIX + "PreviewBeforeBackground"


def shown_slice(sliceNode: Node, volumeNode: Node) -> tuple[str, int]:
    """Plane and index, from 0, of the volume's slice that is nearest to what a view shows.

    An oblique view takes the plane that it is least tilted from. Parent transforms are followed.
    Raises InputError when the view lies beside the volume.
    """
    to_ras = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())
    center, ahead = to_ras[:3, 3], to_ras[:3, 3] + to_ras[:3, 2]
    matrix = ijk_to_ras(volumeNode)
    to_ijk = np.linalg.inv(matrix)
    parent = volumeNode.GetParentTransformNode()
    start, end = (to_ijk @ [*moved(point, None, parent), 1.0] for point in (center, ahead))
    steps = (end - start)[:3] * np.linalg.norm(matrix[:3, :3], axis=0)  # mm along i, j, k
    axis = 2 - int(np.argmax(np.abs(steps)))  # of the array: K, J, I
    axes = nearest_axes(matrix)
    plane = next(name for name, normal in PLANE_NORMAL.items() if axes[normal] == axis)
    index = round(float(start[2 - axis]))
    if not 0 <= index < volumeNode.GetImageData().GetDimensions()[2 - axis]:
        raise InputError(
            _("The {view} view shows nothing of {name}: scroll to it first.").format(
                view=sliceNode.GetName(), name=volumeNode.GetName()
            )
        )
    return plane, index


def preview_steps(
    request: Request, sliceNode: Node, engines: EngineSource
) -> Generator[tuple[int, int], None, Node]:
    """Colour the slice that a view shows and show it there: returns the preview's node."""
    plane, index = shown_slice(sliceNode, request.inputVolume)
    options = replace(
        options_for(request), plane=plane, slice_index=index, editable=False, confidence=False
    )
    volume = read_volume(request.inputVolume)
    _engine, color, _recolorable = yield from computed(engines, request, volume, options)
    return _show(color, plane, index, request.inputVolume, sliceNode)


def remove_preview() -> None:
    """Take the preview away and show again what its view showed before."""
    node = preview_node()
    if node is None:
        return
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == node.GetID():
            before = slicer.mrmlScene.GetNodeByID(node.GetAttribute(BEFORE) or "")
            composite.SetForegroundVolumeID(before.GetID() if before is not None else None)
            composite.SetForegroundOpacity(float(node.GetAttribute(BEFORE_OPACITY) or 1))
            under = slicer.mrmlScene.GetNodeByID(node.GetAttribute(BEFORE_BACKGROUND) or "")
            composite.SetBackgroundVolumeID(under.GetID() if under is not None else None)
    display = node.GetDisplayNode()
    slicer.mrmlScene.RemoveNode(node)
    if in_scene(display):
        slicer.mrmlScene.RemoveNode(display)


def preview_node() -> Node | None:
    """The preview in the scene, None when there is none."""
    nodes = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    return next((node for node in nodes if node.GetAttribute(PREVIEW)), None)


def _show(color: ColorVolume, plane: str, index: int, inputNode: Node, sliceNode: Node) -> Node:
    remove_preview()
    array, matrix = _cut(color, plane, index)
    node = write_volume(
        array,
        matrix,
        beside=inputNode,
        node=None,
        name=f"{inputNode.GetName()}_preview",
        attributes={"Notice": NOTICE},
        undoable=False,
    )
    node.SetAttribute(PREVIEW, plane)
    node.SetSaveWithScene(False)
    node.GetDisplayNode().SetSaveWithScene(False)
    node.SetHideFromEditors(True)
    composite = composite_of(sliceNode)
    if composite is not None:
        node.SetAttribute(BEFORE, composite.GetForegroundVolumeID() or "")
        node.SetAttribute(BEFORE_OPACITY, str(composite.GetForegroundOpacity()))
        node.SetAttribute(BEFORE_BACKGROUND, composite.GetBackgroundVolumeID() or "")
        composite.SetBackgroundVolumeID(inputNode.GetID())
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(1.0)
    _snap(sliceNode, node, plane)
    return node


def _snap(sliceNode: Node, node: Node, plane: str) -> None:
    """Move the view onto the preview, by half a voxel at most: between slices it sees nothing."""
    matrix = ijk_to_ras(node)
    center = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())[:3, 3]
    ijk = np.linalg.inv(matrix) @ [*moved(center, None, node.GetParentTransformNode()), 1.0]
    ijk[2 - nearest_axes(matrix)[PLANE_NORMAL[plane]]] = 0
    onto = moved((matrix @ ijk)[:3], node.GetParentTransformNode(), None)
    sliceNode.JumpSliceByOffsetting(*onto)


def _cut(color: ColorVolume, plane: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    """The one slice that was coloured, uint8 (K, J, I, 3) with one size 1, and its geometry."""
    axis = nearest_axes(color.ijk_to_ras)[PLANE_NORMAL[plane]]
    array = np.take(color.array, [index], axis=axis)
    matrix = color.ijk_to_ras.copy()
    matrix[:3, 3] += index * matrix[:3, 2 - axis]
    return array, matrix
