"""The tissue map of a colour volume as a person handles it: shown, faded, measured, as surfaces."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..tissue import Tissue
from .nodes import Node, ijk_to_ras
from .results import TISSUE_REFERENCE, tissue_of
from .segmentation import TERMS, mask_of, write_tissue
from .surfaces import closed_surface

# Of a new surface; what lies outside lets through what lies inside.
OPACITIES = {Tissue.SKIN: 0.15, Tissue.FAT: 0.25, Tissue.OTHER: 0.25}


def make_tissue_map(colorNode: Node, codes: np.ndarray, rgb: np.ndarray, classes: int) -> Node:
    """Give a colour volume the tissue map that it lacks; the other arguments are write_tissue's."""
    node = write_tissue(
        *(codes, ijk_to_ras(colorNode), rgb, colorNode, None),
        name=f"{colorNode.GetName()}_tissue",
        classes=classes,
    )
    colorNode.SetNodeReferenceID(TISSUE_REFERENCE, node.GetID())
    return node


def tissues_in(colorNode: Node | None) -> list[Tissue]:
    """The tissues that the map of a colour volume has segments of, in their order."""
    node = tissue_of(colorNode) if colorNode is not None else None
    if node is None:
        return []
    return [each for each in TERMS if node.GetSegmentation().GetSegment(each.name) is not None]


def map_state(colorNode: Node) -> tuple[object, ...]:
    """What becomes another one when the tissues' voxels do."""
    node = tissue_of(colorNode)
    if node is None:
        return ()
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segments = (node.GetSegmentation().GetSegment(each.name) for each in tissues_in(colorNode))
    return node.GetID(), *(each.GetRepresentation(name).GetMTime() for each in segments)


def milliliters(colorNode: Node) -> dict[Tissue, float]:
    """Volume of each tissue of the map in ml, before parent transforms."""
    node, found = _map_of(colorNode), {}
    for tissue in tissues_in(colorNode):
        mask, matrix = mask_of(node.GetSegmentation().GetSegment(tissue.name))
        voxel = abs(float(np.linalg.det(matrix[:3, :3])))
        found[tissue] = int(mask.sum()) * voxel / 1000
    return found


def shown_tissues(colorNode: Node) -> set[Tissue]:
    """The tissues whose eye is on."""
    display = _display(colorNode)
    return {each for each in tissues_in(colorNode) if display.GetSegmentVisibility(each.name)}


def show_tissues(colorNode: Node, shown: Iterable[Tissue]) -> None:
    """Show these tissues of the map and no others, in the slices and, where surfaces are, in 3D."""
    wanted, display = set(shown), _display(colorNode)
    changing = display.StartModify()
    for tissue in tissues_in(colorNode):
        display.SetSegmentVisibility(tissue.name, tissue in wanted)
    display.SetVisibility(True)
    display.EndModify(changing)


def opacity_of(colorNode: Node, tissue: Tissue) -> float:
    """How opaque a tissue is shown, 0 to 1."""
    return float(_display(colorNode).GetSegmentOpacity3D(tissue.name))


def set_opacity(colorNode: Node, tissues: Iterable[Tissue], opacity: float) -> None:
    """Show tissues more or less opaque, 0 to 1."""
    display = _display(colorNode)
    changing = display.StartModify()
    for tissue in tissues:
        display.SetSegmentOpacity(tissue.name, opacity)
    display.EndModify(changing)


def show_surfaces(colorNode: Node) -> None:
    """Show the map in 3D as smooth closed surfaces in its segments' colours; made when needed.

    A map that was hidden stays so in the slices, where its outlines would cover the colours.
    """
    node, display = _map_of(colorNode), _display(colorNode)
    segmentation, kind = node.GetSegmentation(), _surface()
    if not segmentation.ContainsRepresentation(kind):
        for tissue in tissues_in(colorNode):
            segment = segmentation.GetSegment(tissue.name)
            segment.AddRepresentation(kind, closed_surface(*mask_of(segment)))
        for tissue, opacity in OPACITIES.items():
            if tissue in tissues_in(colorNode):
                display.SetSegmentOpacity3D(tissue.name, opacity)
    display.SetPreferredDisplayRepresentationName3D(kind)
    if not display.GetVisibility():
        display.SetVisibility2D(False)
    display.SetVisibility3D(True)
    display.SetVisibility(True)


def hide_surfaces(colorNode: Node) -> None:
    """Show the map in 3D no longer; the surfaces are kept, and the slices are as they were."""
    if tissue_of(colorNode) is None:
        return
    display = _display(colorNode)
    display.SetVisibility3D(False)
    if not display.GetVisibility2D():
        display.SetVisibility(False)
        display.SetVisibility2D(True)


def are_surfaces_shown(colorNode: Node | None) -> bool:
    """Whether the map of a colour volume is shown in 3D."""
    if colorNode is None or tissue_of(colorNode) is None:
        return False
    display = _display(colorNode)
    return bool(
        display.GetVisibility()
        and display.GetVisibility3D()
        and _map_of(colorNode).GetSegmentation().ContainsRepresentation(_surface())
    )


def _map_of(colorNode: Node) -> Node:
    node = tissue_of(colorNode)
    if node is None:
        raise InputError(_("{name} has no tissue map.").format(name=colorNode.GetName()))
    return node


def _display(colorNode: Node) -> Node:
    node = _map_of(colorNode)
    node.CreateDefaultDisplayNodes()
    return node.GetDisplayNode()


def _surface() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
