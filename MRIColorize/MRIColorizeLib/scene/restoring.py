"""What nodes hold before a run overwrites them, to be put back when the run fails in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import slicer

from .nodes import INPUT_REFERENCE, Node, ijk_to_ras, in_scene, vtk_matrix


def keep_volume(node: Node) -> Callable[[], None]:
    """Remember voxels, place, look and attributes of a volume node; returns what puts them back.

    The voxels are kept by reference: whoever overwrites them gives the node a new image.
    """
    image, matrix = node.GetImageData(), vtk_matrix(ijk_to_ras(node))
    displays, mri = _displays(node), node.GetNodeReferenceID(INPUT_REFERENCE)
    colors = node.IsA("vtkMRMLVectorVolumeNode") and node.GetVoxelVectorType()
    look = [
        (display, display.GetAutoWindowLevel(), display.GetWindow(), display.GetLevel())
        for display in displays
    ]
    restore_rest = _keep_rest(node)

    def restore() -> None:
        with _changing(node):
            node.SetIJKToRASMatrix(matrix)
            node.SetAndObserveImageData(image)
            if colors is not False:
                node.SetVoxelVectorType(colors)
            node.SetNodeReferenceID(INPUT_REFERENCE, mri)
            restore_rest()
        for display, automatic, window, level in look:
            display.SetAutoWindowLevel(automatic)
            display.SetWindowLevel(window, level)
        for display in _displays(node):
            if display not in displays:
                slicer.mrmlScene.RemoveNode(display)

    return restore


def keep_segmentation(node: Node) -> Callable[[], None]:
    """Remember segments, place and attributes of a segmentation node; returns what restores them.

    The segments are copied: removing one empties it in the label image that they share.
    """
    kept = slicer.vtkSegmentation()
    kept.DeepCopy(node.GetSegmentation())
    role = node.GetReferenceImageGeometryReferenceRole()
    reference, restore_rest = node.GetNodeReferenceID(role), _keep_rest(node)

    def restore() -> None:
        with _changing(node):
            node.GetSegmentation().DeepCopy(kept)
            node.SetNodeReferenceID(role, reference)
            restore_rest()

    return restore


def _keep_rest(node: Node) -> Callable[[], None]:
    """Remember what every node of ours has: its attributes and its parent transform."""
    attributes = {name: node.GetAttribute(name) for name in node.GetAttributeNames()}
    transform = node.GetTransformNodeID()

    def restore() -> None:
        node.SetAndObserveTransformNodeID(transform)
        for name in {*node.GetAttributeNames(), *attributes}:
            node.SetAttribute(name, attributes.get(name))  # None removes it

    return restore


def _displays(node: Node) -> list[Node]:
    found = (node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes()))
    return [display for display in found if in_scene(display)]


@contextmanager
def _changing(node: Node) -> Iterator[None]:
    """Tell of all changes at once."""
    modified = node.StartModify()
    try:
        yield
    finally:
        node.EndModify(modified)
