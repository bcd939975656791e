"""The camera of the 3D views: it frames what a rendering shows, and turns unless a person did."""

from __future__ import annotations

import itertools

import numpy as np
import slicer

from ..volume import bounding_box
from .nodes import ATTRIBUTE_PREFIX, Node, ijk_to_ras, moved

# Attribute of a camera: where it was put last. A camera that stands elsewhere was moved since.
PLACED = ATTRIBUTE_PREFIX + "Placed"
SUPERIOR = (0.0, 0.0, 1.0)
# Free border around what is framed, as a factor on its size.
MARGIN = 1.08


def seen_corners(volumeNode: Node) -> np.ndarray:
    """Corners in world mm, float64 (8, 3), of the box of voxels that a rendering shows.

    Of an RGBA volume those that are not transparent, else all.
    """
    array = slicer.util.arrayFromVolume(volumeNode)
    shown = array[..., 3] > 0 if array.shape[3:] == (4,) else np.ones(array.shape[:3], bool)
    box = [(part.start - 0.5, part.stop - 0.5) for part in bounding_box(shown, (0, 0, 0))]
    kji = np.array(list(itertools.product(*box)))
    ras = (ijk_to_ras(volumeNode) @ np.c_[kji[:, ::-1], np.ones(8)].T).T[:, :3]
    parent = volumeNode.GetParentTransformNode()
    return np.array([moved(point, parent, None) for point in ras])


def frame(corners: np.ndarray, towards: tuple[float, float, float] | None = None) -> None:
    """Have all 3D views show a box (its corners in world mm, (8, 3)) as large as they can.

    towards: where the camera goes to, as seen from the middle of the box (RAS), head up; None
    leaves its direction.
    """
    for camera, aspect in _cameras():
        if towards is None:
            direction, up = _direction(camera), np.array(camera.GetViewUp())
        else:
            direction, up = np.array(towards, float) / np.linalg.norm(towards), np.array(SUPERIOR)
        _place(camera, corners, direction, up, aspect)


def turn(corners: np.ndarray, towards: tuple[float, float, float]) -> None:
    """The same for views whose camera stands where it was put: a person's own view stays."""
    if not any(was_moved(camera) for camera, _aspect in _cameras()):
        frame(corners, towards)


def towards_viewer() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (RAS) from what the first 3D view looks at to its camera, and up in the view."""
    camera = next((camera for camera, _aspect in _cameras()), None)
    if camera is None:
        return np.array([0.0, 1.0, 0.0]), np.array(SUPERIOR)
    direction = _direction(camera)
    up = np.array(camera.GetViewUp())
    up = up - (up @ direction) * direction
    return direction, up / np.linalg.norm(up)


def was_moved(camera: Node) -> bool:
    """Whether a camera node that was put somewhere here stands elsewhere now."""
    placed = camera.GetAttribute(PLACED)
    return placed is not None and placed != _state(camera)


def _cameras() -> list[tuple[Node, float]]:
    """Camera node of each 3D view, and the view's width as a share of its height."""
    module = getattr(slicer.modules, "cameras", None)
    if module is None:
        return []
    found = []
    for view in slicer.util.getNodesByClass("vtkMRMLViewNode"):
        camera = module.logic().GetViewActiveCameraNode(view)
        if camera is not None:
            found.append((camera, _aspect(view)))
    return found


def _aspect(viewNode: Node) -> float:
    manager = slicer.app.layoutManager()
    for index in range(manager.threeDViewCount if manager is not None else 0):
        view = manager.threeDWidget(index).threeDView()
        if view.mrmlViewNode() is viewNode:
            width, height = view.renderWindow().GetSize()
            return float(width / height) if width and height else 1.0
    return 1.0


def _direction(camera: Node) -> np.ndarray:
    away = np.array(camera.GetPosition()) - np.array(camera.GetFocalPoint())
    return away / max(float(np.linalg.norm(away)), 1e-9)


def _place(
    camera: Node, corners: np.ndarray, direction: np.ndarray, up: np.ndarray, aspect: float
) -> None:
    """Look at the middle of the corners from `direction`, as near as all of them are seen."""
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    right = np.cross(up, direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    ahead, across, high = ((corners - middle) @ axis for axis in (direction, right, up))
    half = np.maximum(np.abs(high), np.abs(across) / aspect) * MARGIN
    slope = np.tan(np.radians(camera.GetViewAngle()) / 2)
    distance = float((half / slope + ahead).max())
    modified = camera.StartModify()
    camera.SetFocalPoint(*middle)
    camera.SetPosition(*(middle + distance * direction))
    camera.SetViewUp(*up)
    camera.SetParallelScale(float(half.max()))
    camera.EndModify(modified)
    camera.ResetClippingRange()
    camera.SetAttribute(PLACED, _state(camera))


def _state(camera: Node) -> str:
    """Where a camera stands, to a hundredth of a mm: a scene that is read gives it back so."""
    numbers = (*camera.GetPosition(), *camera.GetFocalPoint(), *camera.GetViewUp())
    return " ".join(f"{number:.2f}" for number in numbers)
