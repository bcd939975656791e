"""MRI and colours side by side in two slice views that scroll and zoom together, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import slicer
import vtk

from .nodes import Node, set_true_color
from .views import ViewsState, composite_of, remember_views, restore_views

# The slice views of Slicer's Side-by-side layout.
LEFT, RIGHT = "Red", "Yellow"


@dataclass(frozen=True)
class Comparison:
    """What the views were before.

    links: composite node's ID, whether it was linked and whether at once. right: the right view's
    place, as a (4, 4) matrix to RAS, with its field of view and origin in mm.
    """

    views: ViewsState
    links: tuple[tuple[str, int, int], ...]
    right: tuple[vtk.vtkMatrix4x4, tuple[float, ...], tuple[float, ...]]


def side_by_side(colorNode: Node, mriNode: Node) -> Comparison:
    """Show the MRI on the left and the colours on the right, linked; returns the way back.

    The right view shows the plane and the place that the left one does. Needs a layout manager.
    """
    manager = slicer.app.layoutManager()
    left, right = (_view(name) for name in (LEFT, RIGHT))
    # Slicer makes both nodes of a view together.
    composites = [c for c in map(composite_of, (left, right)) if c is not None]
    before = Comparison(
        replace(remember_views(), layout=int(manager.layout)),
        tuple((c.GetID(), c.GetLinkedControl(), c.GetHotLinkedControl()) for c in composites),
        _place(right),
    )
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    set_true_color(colorNode)
    for composite, node in zip(composites, (mriNode, colorNode), strict=True):
        composite.SetBackgroundVolumeID(node.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
    _put(right, _place(left))
    for composite in composites:
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
    return before


def end_comparison(before: Comparison) -> None:
    """Bring back layout, volumes, links and the right view's plane."""
    for identity, linked, hot in before.links:
        composite = slicer.mrmlScene.GetNodeByID(identity)
        if composite is not None:
            composite.SetLinkedControl(linked)
            composite.SetHotLinkedControl(hot)
    _put(_view(RIGHT), before.right)
    restore_views(before.views)


def _view(name: str) -> Node:
    views = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    return next(view for view in views if view.GetLayoutName() == name)


def _place(
    view: Node,
) -> tuple[vtk.vtkMatrix4x4, tuple[float, ...], tuple[float, ...]]:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(view.GetSliceToRAS())
    return matrix, tuple(view.GetFieldOfView()), tuple(view.GetXYZOrigin())


def _put(view: Node, place: tuple[vtk.vtkMatrix4x4, tuple[float, ...], tuple[float, ...]]) -> None:
    matrix, field, origin = place
    modified = view.StartModify()
    view.GetSliceToRAS().DeepCopy(matrix)
    view.SetFieldOfView(*field)
    view.SetXYZOrigin(*origin)
    view.UpdateMatrices()
    view.EndModify(modified)
