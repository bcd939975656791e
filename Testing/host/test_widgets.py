"""Claims about .ui files, the scene's wiring, and the selectors of nodes."""

import shutil

import pytest

from .uiloader import UiError


@pytest.fixture
def ui_file(sample_path, tmp_path):
    """A copy of the sample module to spoil; returns the .ui file and the module's file."""
    shutil.copytree(sample_path.parent, tmp_path / "copy")
    folder = tmp_path / "copy"
    return folder / "Resources" / "UI" / "TintSample.ui", folder / sample_path.name


def spoil(path, old, new, count=1):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def load(path):
    import slicer

    panel = slicer.util.loadUI(str(path))
    panel.setMRMLScene(slicer.mrmlScene)
    return panel, slicer.util.childWidgetVariables(panel)


def test_the_connections_of_the_file_hand_the_scene_on(host, ui_file):
    _panel, ui = load(ui_file[0])
    assert ui.inputSelector.mrmlScene() is host.scene
    assert ui.outputSelector.mrmlScene() is host.scene


def test_a_forgotten_connection_leaves_the_selector_without_a_scene(host, ui_file, volume):
    spoil(ui_file[0], "<receiver>inputSelector</receiver>", "<receiver>outputSelector</receiver>")
    _panel, ui = load(ui_file[0])
    ui.inputSelector.setCurrentNode(volume)
    assert ui.inputSelector.currentNode() is None
    assert not ui.inputSelector.enabled


def test_a_module_with_a_forgotten_connection_cannot_be_run(host, ui_file):
    import numpy as np
    import slicer

    spoil(ui_file[0], "<receiver>inputSelector</receiver>", "<receiver>outputSelector</receiver>")
    module = host.load_module(ui_file[1])
    node = slicer.util.addVolumeFromArray(np.ones((2, 3, 4), np.int16))
    module.ui.inputSelector.setCurrentNode(node)
    with pytest.raises(RuntimeError, match="disabled"):
        host.click(module.ui.applyButton)


def test_properties_and_dynamic_properties_come_from_the_file(host, ui_file):
    panel, ui = load(ui_file[0])
    assert ui.inputSelector.nodeTypes == ["vtkMRMLScalarVolumeNode"]
    assert not ui.inputSelector.addEnabled
    assert ui.strengthSlider.property("SlicerParameterName") == "strength"
    assert type(panel).__name__ == "qMRMLWidget"


def test_children_are_not_attributes_of_the_loaded_widget(host, ui_file):
    panel, _ui = load(ui_file[0])
    assert not hasattr(panel, "inputSelector")


def test_a_class_without_a_stand_in_is_refused(host, ui_file):
    spoil(ui_file[0], 'class="ctkSliderWidget"', 'class="ctkWondrousWidget"')
    with pytest.raises(UiError, match="ctkWondrousWidget"):
        load(ui_file[0])


def test_a_connection_to_a_widget_that_is_not_there_is_refused(host, ui_file):
    spoil(ui_file[0], "<receiver>inputSelector</receiver>", "<receiver>inputSelektor</receiver>")
    with pytest.raises(UiError, match="inputSelektor"):
        load(ui_file[0])


@pytest.fixture
def selector(host):
    import slicer

    made = slicer.qMRMLNodeComboBox()
    made.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    made.addEnabled = made.removeEnabled = False
    made.setMRMLScene(host.scene)
    return made


def test_a_selector_follows_the_scene(host, selector):
    first, second = (host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode") for _ in range(2))
    assert selector.currentNode() is first
    assert selector.nodeCount() == 2
    host.scene.RemoveNode(first)
    assert selector.currentNodeID == second.GetID()


def test_a_selector_offers_only_its_types_and_nothing_hidden(host, selector):
    host.scene.AddNewNodeByClass("vtkMRMLTextNode")
    vector = host.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    assert selector.nodes() == [vector]
    selector.showChildNodeTypes = False
    assert selector.nodes() == []
    hidden = host.scene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
    hidden.UnRegister(None)
    hidden.SetHideFromEditors(True)
    host.scene.AddNode(hidden)
    assert selector.nodes() == []


def test_a_selector_tells_once_of_a_change(host, selector):
    seen: list[object] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    node = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    selector.setCurrentNode(node)
    selector.setCurrentNode(None)
    assert seen == [node, None]


def test_a_folded_section_hides_its_contents(host, ui_file):
    panel, ui = load(ui_file[0])
    panel.show()
    seen: list[object] = []
    ui.inputsButton.connect("contentsCollapsed(bool)", seen.append)
    ui.inputsButton.collapsed = True
    assert seen == [True]
    assert not ui.inputSelector.visible
    ui.inputsButton.collapsed = False
    assert ui.inputSelector.visible


def test_a_section_folded_in_the_file_opens_folded(host, ui_file):
    spoil(
        ui_file[0],
        '<widget class="ctkCollapsibleButton" name="inputsButton">',
        '<widget class="ctkCollapsibleButton" name="inputsButton">'
        '<property name="collapsed"><bool>true</bool></property>',
    )
    panel, ui = load(ui_file[0])
    panel.show()
    assert not ui.inputSelector.visible


def test_a_section_takes_the_width_that_its_contents_like_when_it_is_opened(host):
    import ctk
    from PySide6 import QtWidgets

    panel, section = QtWidgets.QWidget(), ctk.ctkCollapsibleButton("Section")
    QtWidgets.QVBoxLayout(panel).addWidget(section)
    box = QtWidgets.QComboBox()
    box.addItem("an entry that is far longer than what the panel of Slicer has room for, as it is")
    QtWidgets.QVBoxLayout(section).addWidget(box)
    panel.show()
    section.collapsed = True
    host.process_events()
    folded = panel.layout().totalMinimumSize().width()
    section.collapsed = False
    host.process_events()
    assert panel.layout().totalMinimumSize().width() > 400 > folded
