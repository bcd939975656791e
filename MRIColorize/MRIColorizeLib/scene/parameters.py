"""The parameter node: what a person chooses in the panel, saved with the scene.

What belongs to the machine (device, model) is not here but in settings.py.
"""

from typing import Annotated, Any, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSliceNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from ..options import OPTIONS, PARAMETERS, Option

# Names of the parameters that "Reset to defaults" brings back; nodes and the palette stay.
RESETTABLE = (
    *PARAMETERS,
    *("wholeSequence", "makeTissue"),
    *("opacity3D", "shift3D", "gradient3D", "lighting3D"),
)
# Kept in the node without a widget of its own.
UNBOUND = ("palette",)


def _with_options(kind: type) -> type:
    """Give a class a parameter for each option that the panel offers as it is."""
    for parameter, name in PARAMETERS.items():
        kind.__annotations__[parameter] = _annotation(OPTIONS[name])
        setattr(kind, parameter, OPTIONS[name].default)
    return kind


def _annotation(option: Option) -> Any:
    """The type of a parameter, with what Slicer shall refuse."""
    if option.words:
        return Annotated[str, Choice(list(option.words))]
    if option.high is not None:
        return Annotated[float, WithinRange(option.low, option.high)]
    return type(option.default)


@parameterNodeWrapper
@_with_options
class MRIColorizeParameterNode:
    """What a person chooses in the panel; saved with the scene.

    inputVolume: the MRI. outputVolume: receives the colours, None makes a new volume, called
    outputName or after the MRI. maskNode: colour only inside it. wholeSequence: colour every frame
    when the MRI is one frame of a sequence. makeTissue: also make the tissue map. colorVolume: what
    the views and the palette are for. previewView: whose slice is previewed. The names that end in
    3D: see rendering.Look. palette: the chosen palette as palette_text writes it, "" for the
    model's own. The others, as plane and makeConfidence, are those of options.PARAMETERS.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLVectorVolumeNode
    outputName: str = ""
    # Without None in it Slicer can't write a union that has no value yet.
    maskNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
    wholeSequence: bool = False
    makeTissue: bool = False
    previewView: vtkMRMLSliceNode
    palette: str = ""
    colorVolume: vtkMRMLVectorVolumeNode
    opacity3D: Annotated[float, WithinRange(0.0, 2.0)] = 1.0
    shift3D: Annotated[float, WithinRange(-128.0, 128.0)] = 0.0
    gradient3D: Annotated[float, WithinRange(0.0, 1.0)] = 0.0
    lighting3D: bool = True
