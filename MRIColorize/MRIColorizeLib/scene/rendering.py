"""Showing a colour volume: true colour in the slice views, every layer in the 3D views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import OutputError
from ..provenance import NOTICE
from ..volume import Volume
from .camera import frame, seen_corners
from .cutting import mend, show_box
from .nodes import (
    ATTRIBUTE_PREFIX,
    RENDERING_REFERENCE,
    Node,
    ijk_to_ras,
    in_scene,
    input_of,
    read_volume,
    remove_node,
    set_true_color,
    vtk_image,
    write_volume,
)

# Stored alpha (0 to 255) to opacity for each mm of tissue. The body's darkest voxels have an alpha
# of 64: a millimetre of them is a veil, a layer of them is seen. What is below 40 is the blur of
# the body's border into the air.
OPACITY_CURVE = ((0, 0.0), (40, 0.0), (64, 0.15), (128, 0.35), (192, 0.7), (255, 0.95))
# Change of alpha over a voxel that counts as a full border.
FULL_GRADIENT = 60.0


@dataclass(frozen=True)
class Look:
    """How the rendering looks.

    opacity: 0 to 2, factor on the density; 0 shows nothing, 1 is OPACITY_CURVE.
    shift: -128 to 128, how far the curve is moved; higher values hide what is dim in the MRI.
    gradient: 0 to 1, how much the inside of tissues fades, so that their borders remain.
    lighting: shaded surfaces; without it the colours are those of the voxels.
    """

    opacity: float = 1.0
    shift: float = 0.0
    gradient: float = 0.0
    lighting: bool = True


def show_slices(colorNode: Node, mriNode: Node | None = None, opacity: float = 1.0) -> None:
    """Show the colours in every slice view, over the MRI when there is one.

    The views are fitted unless they show the MRI already: a person's place and zoom stay.
    opacity: 0 shows the MRI alone, 1 the colours alone; the views' own slider fades between them.
    """
    set_true_color(colorNode)
    if in_scene(mriNode):
        slicer.util.setSliceViewerLayers(
            background=mriNode,
            foreground=colorNode,
            foregroundOpacity=opacity,
            fit=not _is_background(mriNode),
        )
    else:
        fit = not _is_background(colorNode)
        slicer.util.setSliceViewerLayers(background=colorNode, foreground=None, fit=fit)


def _is_background(node: Node) -> bool:
    """Whether a slice view shows the volume under all others."""
    views = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return any(view.GetBackgroundVolumeID() == node.GetID() for view in views)


def show_volume(colorNode: Node, mriNode: Node | None = None, look: Look | None = None) -> Node:
    """Render the colours in the 3D views; returns the volume rendering display node.

    An RGB volume would take its luminance as opacity, and dark muscle would vanish; so an RGBA
    volume, with alpha from the MRI, is made beside the colours (once; later calls renew it). The
    camera frames what was not shown before.
    mriNode: the MRI; None finds the one the colours were made from. Raises OutputError.
    """
    module = getattr(slicer.modules, "volumerendering", None)
    if module is None:
        raise OutputError(
            _("3D needs Slicer's Volume Rendering module: enable it in the application settings.")
        )
    isNew = not in_scene(colorNode.GetNodeReference(RENDERING_REFERENCE))
    rgbaNode = write_rgba(colorNode, mriNode)
    hasLook = module.logic().GetFirstVolumeRenderingDisplayNode(rgbaNode) is not None
    display = module.logic().CreateDefaultVolumeRenderingNodes(rgbaNode)
    if display is None or display.GetVolumePropertyNode() is None:
        if isNew:
            remove_node(rgbaNode)
        raise OutputError(_("The 3D view could not be set up: nothing was added."))
    if not hasLook:  # it has the name of Slicer's preset, "US-Fetal"
        display.GetVolumePropertyNode().SetName(f"{rgbaNode.GetName()}_look")
    set_look(display, look or Look())
    wasShown = bool(display.GetVisibility()) and hasLook
    display.SetVisibility(True)
    show_box(display, True)
    if not wasShown:
        frame(seen_corners(rgbaNode))
    return display


def rendering_of(colorNode: Node | None) -> Node | None:
    """The volume rendering display node of a colour volume, None while it has none."""
    rgbaNode = colorNode.GetNodeReference(RENDERING_REFERENCE) if in_scene(colorNode) else None
    module = getattr(slicer.modules, "volumerendering", None)
    if rgbaNode is None or module is None:
        return None
    return module.logic().GetFirstVolumeRenderingDisplayNode(rgbaNode)


def hide_volume(colorNode: Node | None) -> None:
    """Hide the rendering of a colour volume, if there is one, with the box of its cut."""
    display = rendering_of(colorNode)
    if display is not None:
        display.SetVisibility(False)
        show_box(display, False)


def remove_rendering(identity: str) -> None:
    """Take away what rendered a colour volume that has left the scene, unless another one uses it.

    identity: that of the RGBA volume. A copy of the colours, as the Data module makes them, refers
    to the same rendering. Not for use while Slicer itself removes nodes, as a whole branch of them.
    """
    rgbaNode = slicer.mrmlScene.GetNodeByID(identity)
    if rgbaNode is None:
        return
    volumes = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    if any(other.GetNodeReferenceID(RENDERING_REFERENCE) == identity for other in volumes):
        return
    kind = "vtkMRMLVolumeRenderingDisplayNode"
    displays = [rgbaNode.GetNthDisplayNode(n) for n in range(rgbaNode.GetNumberOfDisplayNodes())]
    properties = []
    for display in [display for display in displays if display is not None and display.IsA(kind)]:
        mend(display)
        properties.append(display.GetVolumePropertyNode())
    remove_node(rgbaNode)
    used = [display.GetVolumePropertyNode() for display in slicer.util.getNodesByClass(kind)]
    for propertyNode in properties:
        if in_scene(propertyNode) and propertyNode not in used:
            slicer.mrmlScene.RemoveNode(propertyNode)


def refresh_rgba(colorNode: Node) -> None:
    """Bring changed colours into the RGBA volume of a rendering, if there is one; alpha stays."""
    rgbaNode = colorNode.GetNodeReference(RENDERING_REFERENCE)
    if not in_scene(rgbaNode):
        return
    rgb, rgba = slicer.util.arrayFromVolume(colorNode), slicer.util.arrayFromVolume(rgbaNode)
    if rgba.shape[:3] == rgb.shape[:3]:
        rgba = rgba.copy()
        rgba[..., :3] = rgb
        # A new image, because undo keeps the old one by reference.
        rgbaNode.SetAndObserveImageData(vtk_image(rgba))


def write_rgba(
    colorNode: Node, mriNode: Node | None = None, mask: np.ndarray | None = None
) -> Node:
    """Make or renew the RGBA volume node for rendering; colours are the same, alpha is the MRI's.

    mask: bool (K, J, I), the body; None finds it. Without an MRI on the same grid (`mriNode`, or
    the input that the colours name) alpha follows the luminance.
    """
    image = colorNode.GetImageData() if colorNode is not None else None
    if image is None or image.GetNumberOfScalarComponents() != 3:
        raise OutputError(_("Only a colour volume can be shown in 3D: colour an MRI first."))
    rgb = slicer.util.arrayFromVolume(colorNode)  # (K, J, I, 3)
    intensity = _intensity(colorNode, mriNode or input_of(colorNode), rgb)
    body = body_of(colorNode, rgb, intensity) if mask is None else mask
    rgba = np.empty((*rgb.shape[:3], 4), dtype=np.uint8)
    rgba[..., :3] = rgb
    rgba[..., 3] = alpha(intensity, body)
    node = write_volume(
        rgba,
        ijk_to_ras(colorNode),
        beside=colorNode,
        node=colorNode.GetNodeReference(RENDERING_REFERENCE),
        name=f"{colorNode.GetName()}_3d",
        attributes={"Notice": NOTICE},
        undoable=False,
        hidden=True,  # a copy for the rendering alone, which nobody shall choose or overwrite
    )
    node.SetHideFromEditors(True)  # scenes of earlier versions hold it unhidden
    colorNode.SetNodeReferenceID(RENDERING_REFERENCE, node.GetID())
    return node


def alpha(volume: Volume, mask: np.ndarray, floor: float = 0.25) -> np.ndarray:
    """Alpha from MRI intensity inside the body, uint8 (K, J, I).

    Luminance as opacity would make dark tissue (muscle) vanish, so every body voxel gets at least
    `floor`; the MRI's intensity, scaled by the body's 1st and 99th percentiles, adds the rest.
    Voxels outside `mask` (bool (K, J, I)) are transparent.
    """
    body = volume.array[mask]
    result = np.zeros(volume.array.shape, dtype=np.uint8)
    if body.size:
        low, high = np.percentile(body, (1, 99))
        scaled = np.clip((body - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
        result[mask] = np.rint(255 * (floor + (1 - floor) * scaled)).astype(np.uint8)
    return result


def _intensity(colorNode: Node, mriNode: Node | None, rgb: np.ndarray) -> Volume:
    """The MRI on the colours' grid, or their luminance where there is none."""
    mri = read_volume(mriNode) if mriNode is not None else None
    if mri is not None and mri.array.shape == rgb.shape[:3]:
        return mri
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return Volume(array=luminance.astype(np.float32), ijk_to_ras=ijk_to_ras(colorNode))


def body_of(colorNode: Node, rgb: np.ndarray, intensity: Volume) -> np.ndarray:
    """Where tissue is, bool (K, J, I): what is not background, or is body in the MRI."""
    background = colorNode.GetAttribute(ATTRIBUTE_PREFIX + "Background") or _likely_background(rgb)
    if background != "mri":
        air = 255 if background == "white" else 0
        return np.asarray((rgb != air).any(axis=-1))
    from ..engine.body import find_body  # imports SimpleITK, which takes a moment

    return find_body(intensity.array)


def _likely_background(rgb: np.ndarray) -> str:
    """What lies outside the body of colours that do not say so, by the corners of their volume.

    rgb: uint8 (K, J, I, 3). Corners in colour are body; the grey ones tell.
    """
    corners = rgb[np.ix_((0, -1), (0, -1), (0, -1))].reshape(-1, 3)
    grey = corners[np.ptp(corners, axis=1) == 0, 0]
    if (grey == 0).all():
        return "black"
    return "white" if (grey == 255).all() else "mri"


def set_look(display: Node, look: Look) -> None:
    """Give a rendering its transfer functions and light; the colours are the volume's own."""
    curve = vtk.vtkPiecewiseFunction()
    curve.AddPoint(0, 0.0)
    for stored, opacity in OPACITY_CURVE[1:]:
        curve.AddPoint(max(stored + look.shift, 1.0), 1 - (1 - opacity) ** look.opacity)
    gradient = vtk.vtkPiecewiseFunction()
    gradient.AddPoint(0, 1.0 - look.gradient)
    gradient.AddPoint(FULL_GRADIENT, 1.0)
    property_node = display.GetVolumePropertyNode()
    properties = property_node.GetVolumeProperty()
    properties.SetIndependentComponents(False)  # four components are one colour with its alpha
    properties.SetScalarOpacity(curve)
    properties.SetGradientOpacity(gradient)
    properties.SetInterpolationTypeToLinear()
    properties.SetShade(look.lighting)
    # VTK takes normals from the red channel, which is rough inside: mostly ambient light keeps the
    # colours of a section true.
    properties.SetAmbient(0.6)
    properties.SetDiffuse(0.45)
    properties.SetSpecular(0.0)
    property_node.Modified()
