"""The slice and 3D views as a person had them: remembered, faded, previewed in, given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from .nodes import Node
from .rendering import hide_volume


@dataclass(frozen=True)
class Layers:
    """What one slice view shows: IDs of its volumes (None for none) and the upper one's opacity."""

    composite: str
    background: str | None
    foreground: str | None
    label: str | None
    opacity: float


@dataclass(frozen=True)
class ViewsState:
    """All slice views at one moment.

    layout: the arrangement of the views that is to come back, None when it was not changed.
    """

    layers: tuple[Layers, ...]
    layout: int | None = None


def remember_views() -> ViewsState:
    """What the slice views show now."""
    return ViewsState(
        tuple(
            Layers(
                composite.GetID(),
                composite.GetBackgroundVolumeID(),
                composite.GetForegroundVolumeID(),
                composite.GetLabelVolumeID(),
                composite.GetForegroundOpacity(),
            )
            for composite in _composites()
        )
    )


def restore_views(state: ViewsState, colorNode: Node | None = None) -> None:
    """Show again what the views showed, as far as it is still there; hide the 3D rendering."""
    for layers in state.layers:
        composite = slicer.mrmlScene.GetNodeByID(layers.composite)
        if composite is None:
            continue
        composite.SetBackgroundVolumeID(_present(layers.background))
        composite.SetForegroundVolumeID(_present(layers.foreground))
        composite.SetLabelVolumeID(_present(layers.label))
        composite.SetForegroundOpacity(layers.opacity)
    hide_volume(colorNode)
    if state.layout is not None and slicer.app.layoutManager() is not None:
        slicer.app.layoutManager().setLayout(state.layout)


def ensure_3d_view() -> int | None:
    """Go to Four-Up when the layout shows no 3D view; returns the layout before, None if it stays.

    Slicer keeps the 3D view while a layout leaves it out, so counting views does not tell.
    """
    manager = slicer.app.layoutManager()
    views = slicer.util.getNodesByClass("vtkMRMLViewNode")
    if manager is None or any(view.IsMappedInLayout() for view in views):
        return None
    before = int(manager.layout)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    return before


def fade(opacity: float) -> None:
    """Opacity of the upper layer in every slice view: 0 the MRI, 1 the colours."""
    slicer.util.setSliceViewerLayers(foregroundOpacity=opacity)


def faded() -> float:
    """Opacity of the upper layer in the first slice view, 1 where there is no view."""
    return next((composite.GetForegroundOpacity() for composite in _composites()), 1.0)


def is_on_top(node: Node) -> bool:
    """Whether a slice view shows the volume over another, so that fading does something."""
    return any(
        composite.GetForegroundVolumeID() == node.GetID() and composite.GetBackgroundVolumeID()
        for composite in _composites()
    )


def composite_of(sliceNode: Node) -> Node | None:
    """The node that says which volumes a slice view shows."""
    return next(
        (c for c in _composites() if c.GetLayoutName() == sliceNode.GetLayoutName()),
        None,
    )


def _composites() -> list[Any]:
    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))


def _present(identity: str | None) -> str | None:
    return identity if identity and slicer.mrmlScene.GetNodeByID(identity) else None
