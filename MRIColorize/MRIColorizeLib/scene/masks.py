"""Where to colour: a segmentation or a label map as a mask on the MRI's grid."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import InputError
from .nodes import Node, same_grid


def read_mask(maskNode: Node, inputNode: Node) -> np.ndarray:
    """Mask of the input's voxels that a segmentation's visible segments or a label map cover.

    Returns bool (K, J, I) on the input's grid. Nothing is added to the scene. Raises InputError
    when the mask is empty, or when a label map lies on another grid.
    """
    read = _segments if maskNode.IsA("vtkMRMLSegmentationNode") else _labels
    mask = read(maskNode, inputNode)
    if not mask.any():
        raise InputError(
            _("{name} covers nothing of {input}: draw or choose another mask.").format(
                name=maskNode.GetName(), input=inputNode.GetName()
            )
        )
    return mask


def _segments(node: Node, inputNode: Node) -> np.ndarray:
    """Union of the segments that are shown; resampled and transformed to the input's grid."""
    reference = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(
        inputNode, node.GetParentTransformNode()
    )
    reference.UnRegister(None)  # it comes with a reference of its own, for C++ to give up
    segments = _shown_segments(node)
    node = _with_labels(node, reference)
    merged = slicer.vtkOrientedImageData()
    shape = tuple(reversed(inputNode.GetImageData().GetDimensions()))
    if not segments.GetNumberOfValues() or not node.GenerateMergedLabelmapForAllSegments(
        merged, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY, reference, segments
    ):
        return np.zeros(shape, dtype=bool)
    scalars = merged.GetPointData().GetScalars()
    return vtk_to_numpy(scalars).reshape(shape) > 0


def _with_labels(node: Node, geometry: Node) -> Node:
    """The node, or a copy whose segments were turned from surfaces into label maps."""
    converter = slicer.vtkSegmentationConverter
    labels = converter.GetSegmentationBinaryLabelmapRepresentationName()
    if node.GetSegmentation().ContainsRepresentation(labels):
        return node
    copy = slicer.vtkMRMLSegmentationNode()
    segmentation = copy.GetSegmentation()
    segmentation.DeepCopy(node.GetSegmentation())
    segmentation.SetConversionParameter(
        converter.GetReferenceImageGeometryParameterName(),
        converter.SerializeImageGeometry(geometry),
    )
    if segmentation.GetNumberOfSegments() and not segmentation.CreateRepresentation(labels):
        raise InputError(
            _("{name} cannot be made a label map: create one in the Segmentations module.").format(
                name=node.GetName()
            )
        )
    return copy


def _shown_segments(node: Node) -> vtk.vtkStringArray:
    display = node.GetDisplayNode()
    shown = vtk.vtkStringArray()
    for identity in node.GetSegmentation().GetSegmentIDs():
        if display is None or display.GetSegmentVisibility(identity):
            shown.InsertNextValue(identity)
    return shown


def _labels(node: Node, inputNode: Node) -> np.ndarray:
    image = node.GetImageData()
    same = (
        image is not None
        and same_grid(node, inputNode)
        and node.GetTransformNodeID() == inputNode.GetTransformNodeID()
    )
    if not same:
        raise InputError(
            _("{name} lies on another grid than {input}: convert it to a segmentation.").format(
                name=node.GetName(), input=inputNode.GetName()
            )
        )
    return slicer.util.arrayFromVolume(node) > 0
