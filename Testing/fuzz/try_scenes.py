"""A generated volume in the scene of Slicer, on any grid that can be inverted, coloured there."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.choices import Seeded
from fuzz.outcome import Outcome, require, sentence_of
from fuzz.try_volumes import engine
from fuzz.volumes import VolumeCase, array_of, choose_volume, mask_of, matrix_of
from MRIColorizeLib.errors import MRIColorizeError

# What VTK's scalars may be; the others are given as the nearest of these.
VTK_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


@cache
def _host() -> Any:
    """Slicer's scene, for as long as this process lives."""
    from host import Host

    host = Host(layout=False)
    host.__enter__()
    return host


def scene_trial(job: tuple[int, Path]) -> Outcome:
    """The trial of a seed with a model's folder. Raises BrokenPromise."""
    seed, model = job
    return in_scene(choose_volume(Seeded(seed), orthonormal=False), model)


def in_scene(case: VolumeCase, model: Path) -> Outcome:
    """Colour a node by the module's logic. Raises BrokenPromise."""
    _host()
    import slicer

    from MRIColorizeLib.scene.logic import MRIColorizeLogic
    from MRIColorizeLib.scene.nodes import ijk_to_ras, vtk_matrix

    slicer.mrmlScene.Clear()
    array, matrix = array_of(case), matrix_of(case)
    if case.dtype not in VTK_TYPES:
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    # Without a display node: Slicer's own histograms end the process at the ranges made here.
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "made")
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(vtk_matrix(matrix))
    before = slicer.mrmlScene.GetNumberOfNodes()
    logic = MRIColorizeLogic(lambda _model, _device: engine(model))
    choices: dict[str, Any] = {"plane": case.plane, "mode": case.mode, "mask": mask_of(case)}
    choices |= {"background": case.background, "confidence": case.confidence}
    refusal = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = logic.colorize(node, **choices)
        except MRIColorizeError as error:
            refusal = sentence_of(str(error))
            require(slicer.mrmlScene.GetNumberOfNodes() == before, "refused, and left a node")
        else:
            colors = slicer.util.arrayFromVolume(result)
            require(colors.dtype == np.uint8, f"colours are {colors.dtype}")
            require(colors.shape == (*case.shape, 3), f"colours are {colors.shape}")
            found = ijk_to_ras(result)
            # MRML keeps spacing and directions apart: their product is rounded anew in each node.
            same = np.allclose(found, ijk_to_ras(node), rtol=1e-15, atol=0)
            require(same, "the result lies elsewhere")
            require(np.allclose(found, matrix, rtol=1e-9, atol=1e-6), "another grid than was given")
    kept = slicer.util.arrayFromVolume(node)
    require(np.array_equal(kept, array, equal_nan=array.dtype.kind == "f"), "input changed")
    return Outcome(f"scene: {case.content}", refusal)
