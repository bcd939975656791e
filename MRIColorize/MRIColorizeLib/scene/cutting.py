"""A rendering cut open towards the viewer: by Slicer's own cropping and clipping with a box."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import slicer

from .camera import seen_corners, towards_viewer, turn
from .nodes import (
    ATTRIBUTE_PREFIX,
    RENDERING_REFERENCE,
    Node,
    add_node,
    in_scene,
    remove_node,
)

# Which shares of what is seen are kept along R, A and S, (low, high) each.
Kept = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
WHOLE, LOW, HIGH = (0.0, 1.0), (0.0, 0.5), (0.5, 1.0)
WHOLE_BOX: Kept = (WHOLE, WHOLE, WHOLE)


@dataclass(frozen=True)
class Cut:
    """One way to cut: a box in shares along R, A and S, and where the viewer stands (RAS).

    removed: the box is taken out; otherwise it is what stays.
    """

    box: Kept
    viewer: tuple[float, float, float]
    removed: bool = False


FACING = "facing"  # half of it, open to where the viewer stands now
CUTS = MappingProxyType(
    {
        "top": Cut((WHOLE, WHOLE, LOW), (0.0, 0.6, 1.0)),
        "front": Cut((WHOLE, LOW, WHOLE), (0.25, 1.0, 0.2)),
        "left": Cut((HIGH, WHOLE, WHOLE), (-1.0, 0.25, 0.2)),
        "right": Cut((LOW, WHOLE, WHOLE), (1.0, 0.25, 0.2)),
        "corner": Cut((LOW, HIGH, HIGH), (-0.8, 1.0, 0.7), removed=True),
    }
)
# Attribute of the boxes that are ours: which cut it is, "" for one by other shares.
OURS = ATTRIBUTE_PREFIX + "Cut"
# References from a rendering to the box and the clipping that it had before.
BEFORE_REFERENCE = ATTRIBUTE_PREFIX + "BoxBefore"
CLIP_BEFORE_REFERENCE = ATTRIBUTE_PREFIX + "ClipBefore"


def cut_open(display: Node, name: str) -> Node:
    """Cut a rendered volume open and return the box, a markups ROI with handles.

    display: a volume rendering display node. name: one of CUTS, whose viewer's place the 3D views
    then take unless a person has moved their camera; or FACING.
    """
    if name == FACING:
        return _fit(display, *_behind(seen_corners(display.GetVolumeNode())), name=FACING)
    chosen = CUTS[name]
    box = _fit(display, *_shares(display, chosen.box), name=name, removed=chosen.removed)
    kept = WHOLE_BOX if chosen.removed else chosen.box
    turn(_corners(*_shares(display, kept)[:2]), chosen.viewer)
    return box


def cut(display: Node, kept: Kept = CUTS["top"].box) -> Node:
    """Show only a box of a rendered volume and return the box; the camera stays.

    kept: shares of what is seen of the volume. A second call fits the same box again; a box that
    somebody else gave the rendering is laid aside until `mend`.
    """
    return _fit(display, *_shares(display, kept))


def mend(display: Node) -> None:
    """Take the cut back: the whole volume is rendered and the box is gone."""
    box = box_of(display)
    if box is None:
        return
    display.SetCroppingEnabled(False)
    _unclip(display)
    display.SetAndObserveROINodeID(display.GetNodeReferenceID(BEFORE_REFERENCE))
    display.SetNodeReferenceID(BEFORE_REFERENCE, None)
    remove_node(box)


def cut_of(display: Node | None) -> str | None:
    """Which of CUTS, or FACING, a rendering is cut by; "" for other shares, None when whole."""
    box = box_of(display)
    if display is None or box is None or not (display.GetCroppingEnabled() or _clip_of(display)):
        return None
    name = str(box.GetAttribute(OURS))
    return name if name in (*CUTS, FACING) else ""


def is_cut(display: Node | None) -> bool:
    """Whether a rendering is cut open by a box of ours."""
    return cut_of(display) is not None


def show_box(display: Node, shown: bool) -> None:
    """Show or hide the box of a cut; without its rendering it would stand around nothing."""
    box = box_of(display)
    if box is not None:
        box.SetDisplayVisibility(shown)


def box_of(display: Node | None) -> Node | None:
    """The box that cuts a rendering open, None for one that is not ours."""
    box = display.GetMarkupsROINode() if display is not None else None
    return box if box is not None and box.GetAttribute(OURS) is not None else None


def _shares(display: Node, shares: Kept) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A box in shares of what is seen along R, A and S: center and size in mm, axes (3, 3)."""
    corners = seen_corners(display.GetVolumeNode())
    low, high = corners.min(axis=0), corners.max(axis=0)
    start, end = (low + share * (high - low) for share in np.array(shares, dtype=float).T)
    return (start + end) / 2, end - start, np.eye(3)


def _behind(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The half of a box that is farther from the viewer, in a box that stands square to him."""
    direction, up = towards_viewer()
    axes = np.stack([np.cross(up, direction), up, direction], axis=1)
    along = corners @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    high[2] = (low[2] + high[2]) / 2
    return axes @ ((low + high) / 2), high - low, axes


def _corners(center: np.ndarray, size: np.ndarray) -> np.ndarray:
    signs = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3)).reshape(3, 8).T
    return center + signs * size


def _fit(
    display: Node,
    center: np.ndarray,
    size: np.ndarray,
    axes: np.ndarray,
    name: str = "",
    removed: bool = False,
) -> Node:
    """Give a rendering our box, at this place, and let the box stay or take it out."""
    box = box_of(display)
    if box is None:
        box = _add_box(display.GetVolumeNode())
        before = display.GetROINode()
        display.SetNodeReferenceID(BEFORE_REFERENCE, before.GetID() if before is not None else None)
        display.SetAndObserveROINodeID(box.GetID())
    box.SetAttribute(OURS, name)
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = axes, center
    box.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(place))
    box.SetSize(*size)
    box.SetCenter(*center)
    display.SetCroppingEnabled(not removed)
    if removed:
        _clip(display, box)
    else:
        _unclip(display)
    show_box(display, bool(display.GetVisibility()))
    return box


def _clip(display: Node, box: Node) -> None:
    """Take a box out of a rendering: cropping can only keep one."""
    clip = _clip_of(display)
    if clip is None:
        clip = slicer.mrmlScene.AddNewNodeByClass(
            "vtkMRMLClipNode", slicer.mrmlScene.GenerateUniqueName(f"{box.GetName()}_clip")
        )
        clip.SetAttribute(OURS, "")
        before = display.GetClipNode()
        used = before.GetID() if before is not None and display.GetClipping() else None
        display.SetNodeReferenceID(CLIP_BEFORE_REFERENCE, used)
        clip.AddAndObserveClippingNodeID(box.GetID())
        display.SetAndObserveClipNodeID(clip.GetID())
    clip.SetClippingNodeState(box.GetID(), slicer.vtkMRMLClipNode.ClipPositiveSpace)
    display.SetClipping(True)
    # Slicer's own guess of a voxel that shows nothing is opaque for RGBA.
    display.SetAutoClippingBlankVoxelValue(False)
    display.SetClippingBlankVoxelValue(0)


def _unclip(display: Node) -> None:
    clip = _clip_of(display)
    if clip is None:
        return
    before = display.GetNodeReferenceID(CLIP_BEFORE_REFERENCE)
    display.SetClipping(before is not None)
    display.SetAutoClippingBlankVoxelValue(True)
    display.SetAndObserveClipNodeID(before)
    display.SetNodeReferenceID(CLIP_BEFORE_REFERENCE, None)
    slicer.mrmlScene.RemoveNode(clip)


def _clip_of(display: Node) -> Node | None:
    """The clipping of a rendering, None for one that is not ours."""
    clip = display.GetClipNode()
    return clip if in_scene(clip) and clip.GetAttribute(OURS) is not None else None


def _add_box(volume: Node) -> Node:
    """A box that hides nothing of the colours: an outline with handles, in 3D alone."""
    box = add_node("vtkMRMLMarkupsROINode", f"{volume.GetName()}_cut", _beside(volume))
    box.SetAttribute(OURS, "")
    box.CreateDefaultDisplayNodes()
    shown = box.GetDisplayNode()
    shown.SetHandlesInteractive(True)
    shown.SetFillVisibility(False)
    shown.SetPropertiesLabelVisibility(False)
    shown.SetVisibility2D(False)
    return box


def _beside(volume: Node) -> Node:
    """The volume itself, or the colours that it renders: a hidden node has no place in a study."""
    volumes = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    colors = (one for one in volumes if one.GetNodeReference(RENDERING_REFERENCE) is volume)
    return next(colors, volume)
