"""Smooth closed surfaces of masks: one tissue of a head in a fifth of a second.

Slicer's own conversion takes 35 s for the sample that ships, because it smooths and decimates after
it has made triangles of the voxels' steps. Surface nets (Frisken, "SurfaceNets for Multi-Label
Segmentations with Preservation of Sharp Boundaries", JCGT 2022) are smooth from the beginning, and
binning leaves a fifth of the triangles.
"""

from __future__ import annotations

import numpy as np
import vtk

from .nodes import vtk_image, vtk_matrix

# Voxels along each edge of a bin, whose points become one.
BIN = 2


def closed_surface(mask: np.ndarray, matrix: np.ndarray) -> vtk.vtkPolyData:
    """The surface around what is True in a mask, with normals that look outwards, in mm.

    mask: bool (K, J, I), not all False. matrix: (4, 4) voxel (i, j, k) to mm.
    """
    box, first = _bounding_box(mask)
    # The border of the volume closes it, too.
    image = vtk_image(_without_specks(np.pad(box.astype(np.uint8), 1)))
    nets = vtk.vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetValue(0, 1)
    nets.SetOutputMeshTypeToTriangles()
    bins = vtk.vtkBinnedDecimation()
    bins.SetInputConnection(nets.GetOutputPort())
    bins.SetNumberOfDivisions(*(max(size // BIN, 2) for size in image.GetDimensions()))
    bins.SetPointGenerationModeToBinAverages()
    bins.ProduceCellDataOff()
    bins.ProducePointDataOff()
    place = np.array(matrix, dtype=float)
    place[:3, 3] += place[:3, :3] @ (first[::-1] - 1)
    transform = vtk.vtkTransform()
    transform.SetMatrix(vtk_matrix(place))
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetInputConnection(bins.GetOutputPort())
    placed.SetTransform(transform)
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(placed.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.SetFlipNormals(bool(np.linalg.det(place[:3, :3]) < 0))
    normals.Update()
    return normals.GetOutput()


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """What most of the 27 voxels around each say, uint8; the mask itself where nothing remains.

    Single voxels and torn sheets would become dust with normals to all sides.
    """
    total = mask.copy()
    for axis in range(3):
        inner = [slice(None)] * 3
        before, after = total.copy(), total.copy()
        inner[axis] = slice(1, None)
        shifted = [slice(None)] * 3
        shifted[axis] = slice(None, -1)
        before[tuple(inner)] = total[tuple(shifted)]
        after[tuple(shifted)] = total[tuple(inner)]
        total = total + before + after
    kept = (total > 13).astype(np.uint8)
    return kept if kept.any() else mask


def _bounding_box(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of a mask that is not empty, and where it begins, (k, j, i)."""
    places = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    part = mask[tuple(slice(each[0], each[-1] + 1) for each in places)]
    return part, np.array([each[0] for each in places])
