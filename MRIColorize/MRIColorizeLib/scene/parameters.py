"""The parameter node: what a person chooses in the panel, saved with the scene.

What belongs to the machine (device, model) is not here but in settings.py.
"""

from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSliceNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from ..options import BACKGROUNDS, MODES, PARAMETERS, PLANES, ColorizeOptions

# Names of the parameters that "Reset to defaults" brings back; nodes and the palette stay.
RESETTABLE = (
    *PARAMETERS,
    *("wholeSequence", "makeTissue"),
    *("opacity3D", "shift3D", "gradient3D", "lighting3D"),
)
# Kept in the node without a widget of its own.
UNBOUND = ("palette",)


@parameterNodeWrapper
class MRIColorizeParameterNode:
    """What a person chooses in the panel; saved with the scene.

    inputVolume: the MRI. outputVolume: receives the colours, None makes a new volume, called
    outputName or after the MRI. maskNode: colour only inside it. wholeSequence: colour every frame
    when the MRI is one frame of a sequence. makeTissue, makeConfidence: further results.
    plane to background: see ColorizeOptions. colorVolume: what the views and the palette are for.
    previewView: whose slice is previewed. The names that end in 3D: see rendering.Look.
    palette: the chosen palette as palette_text writes it, "" for the model's own.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLVectorVolumeNode
    outputName: str = ""
    # Without None in it Slicer can't write a union that has no value yet.
    maskNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
    wholeSequence: bool = False
    plane: Annotated[str, Choice(list(PLANES))] = ColorizeOptions.plane
    mode: Annotated[str, Choice(list(MODES))] = ColorizeOptions.mode
    detail: Annotated[float, WithinRange(0.0, 1.0)] = ColorizeOptions.detail
    saturation: Annotated[float, WithinRange(0.0, 2.0)] = ColorizeOptions.saturation
    blend: Annotated[float, WithinRange(0.0, 1.0)] = ColorizeOptions.blend
    background: Annotated[str, Choice(list(BACKGROUNDS))] = ColorizeOptions.background
    makeTissue: bool = False
    makeConfidence: bool = ColorizeOptions.confidence
    previewView: vtkMRMLSliceNode
    palette: str = ""
    colorVolume: vtkMRMLVectorVolumeNode
    opacity3D: Annotated[float, WithinRange(0.0, 2.0)] = 1.0
    shift3D: Annotated[float, WithinRange(-128.0, 128.0)] = 0.0
    gradient3D: Annotated[float, WithinRange(0.0, 1.0)] = 0.0
    lighting3D: bool = True
