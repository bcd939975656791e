"""MRML in and out: scalar volume node to Volume, ColorVolume to vector volume node."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, TypeGuard

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support
from slicer.i18n import tr as _

from ..errors import InputError, OutputError
from ..provenance import Provenance, provenance_fields
from ..volume import ColorVolume, Volume

# Node attributes that say how a colour volume came to be start with this.
ATTRIBUTE_PREFIX = "MRIColorize."
# Node reference from a colour volume to its MRI; Slicer keeps it right when a scene is loaded into
# another, which it does not for an ID in an attribute.
INPUT_REFERENCE = ATTRIBUTE_PREFIX + "Input"
# Node reference from a colour volume to the RGBA volume that its 3D rendering shows.
RENDERING_REFERENCE = ATTRIBUTE_PREFIX + "Rendering"

# MRML nodes are C++ objects without Python types.
Node = Any


def check_input(node: Node | None) -> None:
    """Raise InputError with one sentence when the node cannot be coloured; reads no voxel."""
    if node is None:
        raise InputError(_("No volume is chosen: choose an MRI volume to colour."))
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(
            _("{name} is not a volume: choose an MRI volume.").format(name=_name(node))
        )
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(
            _("{name} is a label map: choose the MRI it was drawn on.").format(name=_name(node))
        )
    if node.GetAttribute(ATTRIBUTE_PREFIX + "Notice") and not node.IsA("vtkMRMLVectorVolumeNode"):
        raise InputError(
            _("{name} was made by this module: choose the MRI it was made from.").format(
                name=_name(node)
            )
        )
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or not image.GetNumberOfPoints():
        raise InputError(_("{name} has no voxels: load its image first.").format(name=_name(node)))
    components = image.GetNumberOfScalarComponents()
    if components in (3, 4):
        raise InputError(
            _("{name} is already a colour volume: choose the grey MRI.").format(name=_name(node))
        )
    # Tensor volume nodes are the base of vector, diffusion-weighted and diffusion-tensor volumes.
    if components != 1 or node.IsA("vtkMRMLTensorVolumeNode"):
        raise InputError(
            _("{name} has several values in each voxel: choose a volume with one.").format(
                name=_name(node)
            )
        )


def read_volume(node: Node) -> Volume:
    """Copy a scalar volume node: array (K, J, I) float32, ijk_to_ras (4, 4) in mm.

    Parent transforms are not applied: the result gets the same ones. Raises InputError.
    """
    check_input(node)
    image = node.GetImageData()
    shape = tuple(reversed(image.GetDimensions()))
    scalars = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    # The view of the scalars dies with the node, so the array is always a copy.
    array = np.array(scalars.reshape(shape), dtype=np.float32, order="C", copy=True)
    return Volume(array=array, ijk_to_ras=ijk_to_ras(node))


def ijk_to_ras(node: Node) -> np.ndarray:
    """Voxel indices (i, j, k, 1) to RAS mm before parent transforms, float64 (4, 4)."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def moved(point: Any, source: Node | None, target: Node | None) -> Any:
    """A point in RAS mm from below one transform node to below another; None is the world."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    return transform.TransformPoint([float(value) for value in point])


def write_color(
    color: ColorVolume,
    inputNode: Node,
    outputNode: Node | None = None,
    name: str | None = None,
    undoable: bool = True,
) -> Node:
    """Put the colours into the scene, beside the input, and return their vector volume node.

    A new node, called `name` or after the input, is made unless `outputNode` is in the scene.
    undoable: see write_volume. Raises OutputError when the input has left the scene; a failure
    leaves no node behind.
    """
    node = write_volume(
        color.array,
        color.ijk_to_ras,
        beside=inputNode,
        node=outputNode,
        name=name or color_name(inputNode),
        attributes=provenance_attributes(color.provenance, inputNode),
        undoable=undoable,
    )
    node.SetNodeReferenceID(INPUT_REFERENCE, inputNode.GetID())
    return node


def color_name(inputNode: Node | None) -> str:
    """What the colour volume of an MRI is called unless a person names it."""
    return f"{_name(inputNode)}_color"


def write_volume(
    array: np.ndarray,
    matrix: np.ndarray,
    beside: Node,
    node: Node | None,
    name: str,
    attributes: dict[str, str],
    undoable: bool = True,
    hidden: bool = False,
) -> Node:
    """Write uint8 voxels into a volume node, shown as they are: whole or not at all.

    array: (K, J, I) grey or (K, J, I, 3 or 4) colour. matrix: (4, 4) voxel to RAS in mm. The parent
    transform, and for a new node the place in the subject hierarchy, are those of `beside`.
    undoable: one undo of the scene takes it back. hidden: no selector offers the node.
    Raises OutputError.
    """
    check_in_scene(beside)
    # What can run out of memory comes first, while the scene is still untouched.
    image = vtk_image(array)
    if undoable:
        begin_undoable(node)
    with ExitStack() as on_failure:
        if node is None or not in_scene(node):
            kind = "vtkMRMLScalarVolumeNode" if array.ndim == 3 else "vtkMRMLVectorVolumeNode"
            node = add_node(kind, name, beside, hidden)
            on_failure.callback(remove_node, node)
        node.CreateDefaultDisplayNodes()
        join_undo(node)
        modified = node.StartModify()
        try:
            fill_volume(node, image, matrix, beside, attributes)
        finally:
            node.EndModify(modified)
        set_true_color(node)
        on_failure.pop_all()
    return node


def begin_undoable(*changing: Node | None) -> None:
    """What happens from now on is taken back by the scene's next undo, when its undo is on.

    changing: nodes that will be changed. Slicer's nodes take no part in undo unless they are told.
    """
    for node in changing:
        join_undo(node)
    slicer.mrmlScene.SaveStateForUndo()


def join_undo(node: Node | None) -> None:
    """Let a node and its display nodes take part in undo, when the scene's undo is on."""
    if not slicer.mrmlScene.GetUndoFlag() or not in_scene(node):
        return
    displays = []
    if node.IsA("vtkMRMLDisplayableNode"):
        displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    for each in (node, *displays):
        if each is not None:
            each.SetUndoEnabled(True)


def check_in_scene(inputNode: Node) -> None:
    """Raise OutputError when the input of a run has left the scene meanwhile."""
    if not in_scene(inputNode):
        raise OutputError(
            _("The input volume was removed from the scene meanwhile: nothing was written.")
        )


def input_of(colorNode: Node) -> Node | None:
    """The MRI that a colour volume was made from, None when it is gone or has changed its grid."""
    node = colorNode.GetNodeReference(INPUT_REFERENCE)
    return node if _could_be_input(node, colorNode) else None


def input_or(colorNode: Node, candidate: Node | None) -> Node | None:
    """The same; for colours that know no MRI, as from a file, the candidate if it lies there too.

    There: on the same grid and under the same parent transform.
    """
    known = input_of(colorNode)
    if known is not None or not _could_be_input(candidate, colorNode):
        return known
    together = candidate.GetTransformNodeID() == colorNode.GetTransformNodeID()
    return candidate if together else None


def _could_be_input(node: Node | None, colorNode: Node) -> TypeGuard[Node]:
    try:
        check_input(node)
    except InputError:
        return False
    # A node that has left the scene can still be referred to for a moment.
    return in_scene(node) and colorNode.GetImageData() is not None and same_grid(node, colorNode)


def same_grid(one: Node, other: Node) -> bool:
    """Whether two volumes with voxels have the same size and place, before parent transforms."""
    return one.GetImageData().GetDimensions() == other.GetImageData().GetDimensions() and bool(
        np.allclose(ijk_to_ras(one), ijk_to_ras(other), atol=1e-3)
    )


def set_true_color(node: Node) -> None:
    """Show the voxels' own colours: automatic window/level would stretch and falsify them."""
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, 255)


def in_scene(node: Node | None) -> TypeGuard[Node]:
    """Whether the node is (still) in Slicer's scene."""
    return node is not None and node.GetScene() is not None and slicer.mrmlScene.IsNodePresent(node)


def remove_node(node: Node) -> None:
    """Take a displayable node and its display nodes out of the scene.

    The node goes first: a slice view gives a volume that it shows a new display node at once.
    """
    displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    for gone in (node, *displays):
        if in_scene(gone):
            slicer.mrmlScene.RemoveNode(gone)


def _name(node: Node | None) -> str:
    return (node.GetName() if node is not None else None) or _("The volume")


def vtk_image(array: np.ndarray) -> vtk.vtkImageData:
    """Copy uint8 (K, J, I) or (K, J, I, C) into VTK image data with 1 or C components."""
    components = array.shape[3] if array.ndim == 4 else 1
    scalars = vtk.util.numpy_support.numpy_to_vtk(
        np.ascontiguousarray(array).reshape(-1, components), deep=True
    )
    scalars.SetName("ImageScalars")
    image = vtk.vtkImageData()
    image.SetDimensions(array.shape[2], array.shape[1], array.shape[0])
    image.GetPointData().SetScalars(scalars)
    return image


def add_node(kind: str, name: str, beside: Node, hidden: bool = False) -> Node:
    """Add a node of class `kind` with a unique name, next to another in the subject hierarchy.

    hidden: it stays out of selectors and of the hierarchy.
    """
    node = slicer.mrmlScene.CreateNodeByClass(kind)
    node.UnRegister(None)  # it comes with a reference of its own, for C++ to give up
    node.SetName(slicer.mrmlScene.GenerateUniqueName(name))
    node.SetHideFromEditors(hidden)
    node = slicer.mrmlScene.AddNode(node)
    join_undo(node)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is not None:
        # Items are 0 where no application keeps the hierarchy in step with the scene.
        item, brother = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(beside)
        if item and brother:
            hierarchy.SetItemParent(item, hierarchy.GetItemParent(brother))
    return node


def vtk_matrix(matrix: np.ndarray) -> vtk.vtkMatrix4x4:
    """A (4, 4) array as VTK's matrix."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=np.float64).ravel())
    return result


def fill_volume(
    node: Node, image: vtk.vtkImageData, matrix: np.ndarray, beside: Node, attributes: dict
) -> None:
    """Put image, (4, 4) geometry, parent transform of `beside` and our attributes on a node."""
    node.SetIJKToRASMatrix(vtk_matrix(matrix))
    node.SetAndObserveImageData(image)
    # Without this, files say "vector" and are loaded as such.
    kind = {
        3: slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGB,
        4: slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGBA,
    }.get(image.GetNumberOfScalarComponents())
    if kind is not None:
        node.SetVoxelVectorType(kind)
    node.SetAndObserveTransformNodeID(beside.GetTransformNodeID())
    for key, value in attributes.items():
        node.SetAttribute(ATTRIBUTE_PREFIX + key, value)


def provenance_attributes(provenance: Provenance, inputNode: Node) -> dict[str, str]:
    """How a volume came to be, as node attributes without their prefix."""
    return {
        **provenance_fields(provenance),
        "Slices": str(provenance.slices),
        "Seconds": f"{provenance.seconds:.1f}",
        "InputNodeName": inputNode.GetName() or "",
    }
