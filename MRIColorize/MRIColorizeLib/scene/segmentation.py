"""The tissue map as a segmentation: named segments, standard terminology, the palette's colours."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support
from slicer.i18n import tr as _

from ..provenance import NOTICE
from ..terminology import TERMS, tissue_terms
from ..tissue import CLASSES, HEAD_CLASSES, Tissue
from .nodes import (
    ATTRIBUTE_PREFIX,
    Node,
    add_node,
    check_in_scene,
    in_scene,
    join_undo,
    remove_node,
    vtk_matrix,
)

_CONTEXT = "Segmentation category and type - DICOM master list"
_REGIONS = "Anatomic codes - DICOM master list"


def tissue_names() -> dict[Tissue, str]:
    """What a person reads for each tissue."""
    return {
        Tissue.BACKGROUND: _("Background"),
        Tissue.SKIN: _("Skin"),
        Tissue.FAT: _("Fat"),
        Tissue.MUSCLE: _("Muscle"),
        Tissue.BONE: _("Cortical bone"),
        Tissue.MARROW: _("Red marrow"),
        Tissue.GREY_MATTER: _("Grey matter"),
        Tissue.WHITE_MATTER: _("White matter"),
        Tissue.CSF: _("Clear fluid"),
        Tissue.AIR: _("Air"),
        Tissue.LUNG: _("Lung"),
        Tissue.BLOOD: _("Blood"),
        Tissue.OTHER: _("Other tissue"),
        Tissue.HEART: _("Heart muscle"),
        Tissue.LIVER: _("Liver"),
        Tissue.KIDNEY: _("Kidney"),
        Tissue.SPLEEN: _("Spleen"),
        Tissue.BOWEL: _("Stomach and bowel"),
        Tissue.CARTILAGE: _("Cartilage and tendon"),
        Tissue.GLAND: _("Gland"),
    }


def terminology(tissue: Tissue, classes: int = CLASSES) -> str:
    """A tissue's entry in the form that Slicer's Terminologies module reads."""
    codes = "~".join("^".join(("SCT", *code)) for code in tissue_terms(tissue, classes))
    return f"{_CONTEXT}~{codes}~^^~{_REGIONS}~^^~^^"


def write_tissue(
    codes: np.ndarray,
    matrix: np.ndarray,
    palette_rgb: np.ndarray,
    beside: Node,
    node: Node | None,
    name: str,
    classes: int = CLASSES,
) -> Node:
    """Write a tissue map into a segmentation node: whole or not at all.

    codes: uint8 (K, J, I) of Tissue. matrix: (4, 4) voxel to RAS in mm. palette_rgb: (20, 3) in
    [0, 1]. The parent transform and the place in the hierarchy are those of `beside`. Only tissues
    that are there become segments; their IDs are the names in Tissue. A new node is hidden. Raises
    OutputError.
    """
    check_in_scene(beside)
    image = _label_image(codes, matrix)
    with ExitStack() as on_failure:
        if node is None or not in_scene(node):
            node = add_node("vtkMRMLSegmentationNode", name, beside)
            on_failure.callback(remove_node, node)
            _hide(node)
            join_undo(node)
        modified = node.StartModify()
        try:
            _fill(node, image, np.unique(codes), palette_rgb, classes)
            node.SetReferenceImageGeometryParameterFromVolumeNode(beside)
            node.SetAndObserveTransformNodeID(beside.GetTransformNodeID())
            node.SetAttribute(ATTRIBUTE_PREFIX + "Notice", NOTICE)
        finally:
            node.EndModify(modified)
        on_failure.pop_all()
    return node


def color_segments(node: Node, palette_rgb: np.ndarray) -> None:
    """Give the segments of a tissue map other colours, (20, 3) in [0, 1]."""
    for tissue in TERMS:
        segment = node.GetSegmentation().GetSegment(tissue.name)
        if segment is not None:
            segment.SetColor(*map(float, palette_rgb[tissue]))


def mask_of(segment: vtk.vtkObject) -> tuple[np.ndarray, np.ndarray]:
    """Where a segment is, bool (K, J, I), and the (4, 4) matrix from its voxels to mm."""
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    image = segment.GetRepresentation(name)
    first = np.array(image.GetExtent()[::2], dtype=float)
    scalars = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    to_mm = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(to_mm)
    matrix = slicer.util.arrayFromVTKMatrix(to_mm)
    matrix[:3, 3] += matrix[:3, :3] @ first
    mask = scalars.reshape(image.GetDimensions()[::-1]) == segment.GetLabelValue()
    return mask, matrix


def _hide(node: Node) -> None:
    """Show nothing of a new node: its outlines would cover the colours, which a person wants."""
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility(False)
    node.GetDisplayNode().SetVisibility2DFill(False)  # outlines, when it is shown


def _fill(
    node: Node, image: vtk.vtkImageData, present: np.ndarray, rgb: np.ndarray, classes: int
) -> None:
    """Replace all segments; they share one label image."""
    segmentation = node.GetSegmentation()
    segmentation.RemoveAllSegments()
    names = tissue_names()
    if classes == HEAD_CLASSES:
        names[Tissue.BLOOD] = _("Organ or blood")
    for tissue in TERMS:
        if tissue not in present:
            continue
        segment = slicer.vtkSegment()
        segment.SetName(names[tissue])
        segment.SetColor(*map(float, rgb[tissue]))
        segment.SetLabelValue(int(tissue))
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terminology(tissue, classes))
        segment.AddRepresentation(
            slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName(), image
        )
        segmentation.AddSegment(segment, tissue.name)


def _label_image(codes: np.ndarray, matrix: np.ndarray) -> vtk.vtkImageData:
    """Copy uint8 (K, J, I) into the oriented image that segments share."""
    scalars = vtk.util.numpy_support.numpy_to_vtk(
        np.ascontiguousarray(codes, dtype=np.uint8).reshape(-1, 1), deep=True
    )
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(codes.shape[2], codes.shape[1], codes.shape[0])
    image.GetPointData().SetScalars(scalars)
    image.SetImageToWorldMatrix(vtk_matrix(matrix))
    return image
