"""The slice and 3D views as a person had them: remembered, faded, previewed in, given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from .rendering import rendering_of
from .scene import Node


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
    """All slice views at one moment."""

    layers: tuple[Layers, ...]


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
    display = rendering_of(colorNode)
    if display is not None:
        display.SetVisibility(False)


def fade(opacity: float) -> None:
    """Opacity of the upper layer in every slice view: 0 the MRI, 1 the colours."""
    slicer.util.setSliceViewerLayers(foregroundOpacity=opacity)


def faded() -> float:
    """Opacity of the upper layer in the first slice view, 1 where there is no view."""
    return next((composite.GetForegroundOpacity() for composite in _composites()), 1.0)


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
