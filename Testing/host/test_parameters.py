"""Claims about `parameterNodeWrapper`: what is kept, refused, saved and shown."""

from enum import Enum
from typing import Annotated, Union

import pytest

from .installation import install

install()

import qt  # noqa: E402  # only there once installed
import slicer  # noqa: E402
from slicer.parameterNodeWrapper import (  # noqa: E402
    Choice,
    Default,
    Minimum,
    WithinRange,
    parameterNodeWrapper,
)


class Tint(Enum):
    WARM = 1
    COLD = 2


@parameterNodeWrapper
class Parameters:
    source: slicer.vtkMRMLScalarVolumeNode
    strength: Annotated[float, WithinRange(0, 1)] = 0.5
    count: Annotated[int, Minimum(1), Default(3)]
    plane: Annotated[str, Choice(["axial", "sagittal"])] = "axial"
    tint: Tint = Tint.COLD
    title: str
    fast: bool = True


@parameterNodeWrapper
class Either:
    mask: Union[slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLModelNode, None]  # noqa: UP007


def wrap(node=None):
    kind = "vtkMRMLScriptedModuleNode"
    node = node or slicer.mrmlScene.AddNewNodeByClass(kind, "kept")
    return Parameters(node)  # type: ignore[call-arg]  # the decorator's __init__


def test_a_new_node_starts_with_the_defaults(host):
    made = wrap()
    assert (made.strength, made.count, made.plane, made.tint) == (0.5, 3, "axial", Tint.COLD)
    assert (made.title, made.fast, made.source) == ("", True, None)


def test_values_are_kept_in_the_node_as_slicer_writes_them(host, volume):
    made = wrap()
    made.strength, made.tint, made.fast, made.source = 0.25, Tint.WARM, False, volume
    node = made.parameterNode
    stored = [node.GetParameter(name) for name in ("strength", "tint", "fast")]
    assert stored == ["0.25", "WARM", "False"]
    assert node.GetNodeReferenceID("source") == volume.GetID()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("strength", 1.5, ValueError),
        ("count", 0, ValueError),
        ("plane", "oblique", ValueError),
        ("title", None, ValueError),
        ("count", "3", TypeError),
        ("source", "vtkMRMLScalarVolumeNode1", TypeError),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(host, name, value, error):
    made = wrap()
    before = made.getValue(name)
    with pytest.raises(error):
        setattr(made, name, value)
    assert made.getValue(name) == before


@pytest.mark.parametrize("suffix", ["mrml", "mrb"])
def test_a_saved_scene_brings_everything_back(host, volume, tmp_path, suffix):
    made = wrap()
    made.strength, made.count, made.plane, made.tint = 0.125, 9, "sagittal", Tint.WARM
    made.title, made.fast, made.source = "ä & <b>", False, volume
    path = str(tmp_path / f"scene.{suffix}")
    assert slicer.util.saveScene(path)
    host.scene.Clear()
    slicer.util.loadScene(path)
    back = wrap(slicer.util.getNode("kept"))
    assert (back.strength, back.count, back.plane, back.tint) == (0.125, 9, "sagittal", Tint.WARM)
    assert (back.title, back.fast) == ("ä & <b>", False)
    assert back.source.GetName() == volume.GetName()


def bound(made, **widgets):
    for name, widget in widgets.items():
        widget.setProperty("SlicerParameterName", name)
    gui = type("Gui", (), {})()
    vars(gui).update(widgets)
    return made.connectGui(gui)


def test_panel_and_node_follow_each_other_until_disconnected(host):
    made, box, spin, plane = wrap(), qt.QCheckBox(), qt.QSpinBox(), qt.QComboBox()
    tag = bound(made, fast=box, count=spin, plane=plane)
    assert (box.checked, spin.value, spin.minimum, plane.currentText) == (True, 3, 1, "axial")
    plane.currentIndex = 1
    made.count = 12
    assert (made.plane, spin.value) == ("sagittal", 12)
    made.disconnectGui(tag)
    spin.value = 5
    made.fast = False
    assert (made.count, box.checked) == (12, True)


@pytest.mark.parametrize(("name", "kind"), [("title", "QComboBox"), ("count", "QSlider")])
def test_pairs_that_slicer_refuses_are_refused(host, name, kind):
    with pytest.raises(RuntimeError):
        bound(wrap(), **{name: getattr(qt, kind)()})


def test_a_node_removed_from_the_scene_leaves_none(host, volume):
    made = wrap()
    made.source = volume
    host.scene.RemoveNode(volume)
    assert made.source is None


def test_a_union_takes_any_of_its_node_types_and_no_other(host, volume):
    either = Either(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    selector = slicer.qMRMLNodeComboBox()
    selector.noneEnabled = True
    selector.setMRMLScene(host.scene)
    either.connectParametersToGui({"mask": selector})
    assert selector.nodeTypes == ["vtkMRMLSegmentationNode", "vtkMRMLModelNode"]
    model = host.scene.AddNewNodeByClass("vtkMRMLModelNode")
    selector.setCurrentNode(model)
    assert either.mask is model
    with pytest.raises(TypeError):
        either.mask = volume
    either.mask = None
    assert either.mask is None


def test_a_union_that_lacks_none_cannot_be_written_without_a_value(host):
    @parameterNodeWrapper
    class Strict:
        mask: Union[slicer.vtkMRMLSegmentationNode, slicer.vtkMRMLModelNode]  # noqa: UP007

    with pytest.raises(TypeError, match="Unable to write value 'None'"):
        Strict(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
