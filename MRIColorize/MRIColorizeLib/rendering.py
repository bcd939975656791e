"""Showing a colour volume: true colour in the slice views, every layer in the 3D views."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from .errors import OutputError
from .opacity import alpha
from .scene import (
    ATTRIBUTE_PREFIX,
    NOTICE,
    Node,
    ijk_to_ras,
    in_scene,
    input_of,
    read_volume,
    remove_node,
    set_true_color,
    write_vector,
)
from .volume import Volume

# Node reference from a colour volume to the RGBA volume that its 3D rendering shows.
RENDERING_REFERENCE = ATTRIBUTE_PREFIX + "Rendering"

# Stored alpha (0 to 255) to opacity for each mm of tissue. The body's darkest voxels have an alpha
# of 64: a millimetre of them is a veil, a layer of them is seen. What is below 40 is the blur of
# the body's border into the air.
OPACITY_CURVE = ((0, 0.0), (40, 0.0), (64, 0.15), (128, 0.35), (192, 0.7), (255, 0.95))


def show_slices(colorNode: Node, mriNode: Node | None = None, opacity: float = 1.0) -> None:
    """Show the colours in every slice view, over the MRI when there is one, and fit the views.

    opacity: 0 shows the MRI alone, 1 the colours alone; the views' own slider fades between them.
    """
    set_true_color(colorNode)
    if in_scene(mriNode):
        slicer.util.setSliceViewerLayers(
            background=mriNode, foreground=colorNode, foregroundOpacity=opacity, fit=True
        )
    else:
        slicer.util.setSliceViewerLayers(background=colorNode, foreground=None, fit=True)


def show_volume(colorNode: Node, mriNode: Node | None = None) -> Node:
    """Render the colours in the 3D views; returns the volume rendering display node.

    An RGB volume would take its luminance as opacity, and dark muscle would vanish; so an RGBA
    volume, with alpha from the MRI, is made beside the colours (once; later calls renew it).
    mriNode: the MRI; None finds the one the colours were made from. Raises OutputError.
    """
    module = getattr(slicer.modules, "volumerendering", None)
    if module is None:
        raise OutputError(
            _("3D needs Slicer's Volume Rendering module: enable it in the application settings.")
        )
    isNew = not in_scene(colorNode.GetNodeReference(RENDERING_REFERENCE))
    rgbaNode = write_rgba(colorNode, mriNode)
    display = module.logic().CreateDefaultVolumeRenderingNodes(rgbaNode)
    if display is None or display.GetVolumePropertyNode() is None:
        if isNew:
            remove_node(rgbaNode)
        raise OutputError(_("The 3D view could not be set up: nothing was added."))
    _set_property(display.GetVolumePropertyNode())
    display.SetVisibility(True)
    if slicer.app.layoutManager() is not None:
        slicer.util.resetThreeDViews()
    return display


def write_rgba(
    colorNode: Node, mriNode: Node | None = None, mask: np.ndarray | None = None
) -> Node:
    """Make or renew the RGBA volume node for rendering; colours are the same, alpha is the MRI's.

    mask: bool (K, J, I), the body; None takes the voxels that are not black. Without an MRI on
    the same grid (`mriNode`, or the input that the colours name) alpha follows the luminance.
    """
    image = colorNode.GetImageData()
    if image is None or image.GetNumberOfScalarComponents() != 3:
        raise OutputError(_("Only a colour volume can be shown in 3D: colour an MRI first."))
    rgb = slicer.util.arrayFromVolume(colorNode)  # (K, J, I, 3)
    body = rgb.any(axis=-1) if mask is None else mask
    rgba = np.empty((*rgb.shape[:3], 4), dtype=np.uint8)
    rgba[..., :3] = rgb
    rgba[..., 3] = alpha(_intensity(colorNode, mriNode or input_of(colorNode), rgb), body)
    node = write_vector(
        rgba,
        ijk_to_ras(colorNode),
        beside=colorNode,
        node=colorNode.GetNodeReference(RENDERING_REFERENCE),
        name=f"{colorNode.GetName()}_3d",
        attributes={"Notice": NOTICE},
    )
    colorNode.SetNodeReferenceID(RENDERING_REFERENCE, node.GetID())
    return node


def _intensity(colorNode: Node, mriNode: Node | None, rgb: np.ndarray) -> Volume:
    """The MRI on the colours' grid, or their luminance where there is none."""
    mri = read_volume(mriNode) if mriNode is not None else None
    if mri is not None and mri.array.shape == rgb.shape[:3]:
        return mri
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return Volume(array=luminance.astype(np.float32), ijk_to_ras=ijk_to_ras(colorNode))


def _set_property(propertyNode: Any) -> None:
    """Give the volume its own colours and OPACITY_CURVE, softly lit."""
    curve = vtk.vtkPiecewiseFunction()
    for stored, opacity in OPACITY_CURVE:
        curve.AddPoint(stored, opacity)
    flat = vtk.vtkPiecewiseFunction()
    flat.AddPoint(0, 1.0)
    flat.AddPoint(255, 1.0)
    look = propertyNode.GetVolumeProperty()
    look.SetIndependentComponents(False)  # four components are one colour with its alpha
    look.SetScalarOpacity(curve)
    look.SetGradientOpacity(flat)
    look.SetInterpolationTypeToLinear()
    look.ShadeOn()
    # VTK takes normals from the red channel, which is rough inside: mostly ambient light keeps the
    # colours of a section true.
    look.SetAmbient(0.6)
    look.SetDiffuse(0.45)
    look.SetSpecular(0.0)
    propertyNode.Modified()
