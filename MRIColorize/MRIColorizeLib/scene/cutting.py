"""A rendering cut open: Slicer's own cropping, by a box that a person can drag."""

from __future__ import annotations

import numpy as np
import slicer

from .nodes import ATTRIBUTE_PREFIX, Node, remove_node

# Which shares of the volume's extent are kept along R, A and S, (low, high) each.
Kept = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
LOWER_HALF: Kept = ((0.0, 1.0), (0.0, 1.0), (0.0, 0.5))
# Attribute of the boxes that are ours; reference from a rendering to the box it had before.
OURS = ATTRIBUTE_PREFIX + "Cut"
BEFORE_REFERENCE = ATTRIBUTE_PREFIX + "BoxBefore"


def cut(display: Node, kept: Kept = LOWER_HALF) -> Node:
    """Show only a box of a rendered volume and return the box, a markups ROI with handles.

    display: a volume rendering display node. A second call fits the same box again; a box that
    somebody else gave the rendering is laid aside until `mend`.
    """
    volume, box = display.GetVolumeNode(), box_of(display)
    if box is None:
        box = _add_box(f"{volume.GetName()}_cut")
        before = display.GetROINode()
        display.SetNodeReferenceID(BEFORE_REFERENCE, before.GetID() if before is not None else None)
        display.SetAndObserveROINodeID(box.GetID())
    bounds = np.zeros(6)
    volume.GetRASBounds(bounds)  # parent transforms are in it
    low, high = bounds[0::2], bounds[1::2]
    start, end = (low + share * (high - low) for share in np.array(kept, dtype=float).T)
    box.SetSize(*(end - start))
    box.SetCenter(*((start + end) / 2))
    display.SetCroppingEnabled(True)
    show_box(display, bool(display.GetVisibility()))
    return box


def mend(display: Node) -> None:
    """Take the cut back: the whole volume is rendered and the box is gone."""
    box = box_of(display)
    if box is None:
        return
    display.SetCroppingEnabled(False)
    display.SetAndObserveROINodeID(display.GetNodeReferenceID(BEFORE_REFERENCE))
    display.SetNodeReferenceID(BEFORE_REFERENCE, None)
    remove_node(box)


def is_cut(display: Node | None) -> bool:
    """Whether a rendering is cut open by a box of ours."""
    return (
        display is not None and box_of(display) is not None and bool(display.GetCroppingEnabled())
    )


def show_box(display: Node, shown: bool) -> None:
    """Show or hide the box of a cut; without its rendering it would stand around nothing."""
    box = box_of(display)
    if box is not None:
        box.SetDisplayVisibility(shown)


def box_of(display: Node | None) -> Node | None:
    """The box that cuts a rendering open, None for one that is not ours."""
    box = display.GetMarkupsROINode() if display is not None else None
    return box if box is not None and box.GetAttribute(OURS) else None


def _add_box(name: str) -> Node:
    """A box that hides nothing of the colours: an outline with handles, in 3D alone."""
    box = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLMarkupsROINode", slicer.mrmlScene.GenerateUniqueName(name)
    )
    box.SetAttribute(OURS, "1")
    box.CreateDefaultDisplayNodes()
    shown = box.GetDisplayNode()
    shown.SetHandlesInteractive(True)
    shown.SetFillVisibility(False)
    shown.SetPropertiesLabelVisibility(False)
    shown.SetVisibility2D(False)
    return box
