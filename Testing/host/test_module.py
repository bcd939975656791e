"""Claims about opening an unmodified scripted module and pressing its buttons."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer

from . import Host


@pytest.fixture
def module(host, volume, sample_path):
    """The sample module, opened on a scene with one volume."""
    return host.load_module(sample_path)


def node_ids(scene):
    return [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())]


def test_apply_is_off_and_says_why_until_there_is_a_volume(host, sample_path):
    opened = host.load_module(sample_path)
    assert not opened.ui.applyButton.enabled
    with pytest.raises(RuntimeError, match="Choose a volume"):
        host.click(opened.ui.applyButton)


def test_apply_makes_a_real_vector_volume_on_the_same_grid(host, module, volume):
    import slicer

    host.click(module.ui.applyButton)
    node = module.ui.outputSelector.currentNode()
    assert node.IsA("vtkMRMLVectorVolumeNode")
    assert node.GetSpacing() == volume.GetSpacing()
    array = slicer.util.arrayFromVolume(node)
    assert array.shape == (*slicer.util.arrayFromVolume(volume).shape, 3)
    assert tuple(array[7, 9, 8]) == (255, 127, 127)  # the core, warm, at half strength


def test_what_is_set_in_the_panel_reaches_the_result(host, module):
    import slicer

    module.ui.tintBox.currentIndex = 1
    module.ui.strengthSlider.value = 1.0
    host.click(module.ui.applyButton)
    array = slicer.util.arrayFromVolume(module.ui.outputSelector.currentNode())
    assert tuple(array[7, 9, 8]) == (0, 0, 255)


def test_cancel_during_a_run_leaves_the_scene_as_it_was(host, module):
    before = node_ids(host.scene)
    host.later(module.ui.cancelButton.click)
    host.click(module.ui.applyButton)
    assert module.widget.cancelled
    assert node_ids(host.scene) == before


def test_an_error_in_a_slot_is_raised_by_the_click(host, module):
    module.ui.strengthSlider.value = 0.0
    with pytest.raises(ValueError, match="tints nothing"):
        host.click(module.ui.applyButton)


def test_an_error_nobody_asked_for_is_raised_at_the_end(sample_path):
    def run():
        with Host(layout=False) as host:
            host.later(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run()


def test_message_boxes_are_logged_not_opened(host):
    import slicer

    slicer.util.errorDisplay("no model")
    slicer.util.confirmOkCancelDisplay("really?")
    assert (logging.ERROR, "no model") in [(m.level, m.text) for m in host.messages]


def test_the_panel_follows_a_closed_scene(host, module):
    host.scene.Clear()
    host.process_events()
    assert not module.ui.applyButton.enabled


def test_the_modules_of_slicer_are_found(host, module):
    import slicer

    found = slicer.modules.tintsample
    assert found.widgetRepresentation().self() is module.widget
    assert slicer.util.getModuleWidget("TintSample") is module.widget
    assert slicer.util.getModuleLogic("TintSample") is module.logic
    assert found.title == "Tint Sample"
    assert slicer.modules.volumes.logic().IsA("vtkSlicerVolumesLogic")


def test_reload_builds_the_panel_anew(host, module):
    import slicer

    module.widget.onReload()
    renewed = slicer.modules.TintSampleWidget
    assert renewed is not module.widget
    renewed.enter()
    host.process_events()
    host.click(renewed.ui.applyButton)
    assert renewed.ui.outputSelector.currentNode() is not None


def test_the_self_test_runs(host, module):
    import slicer

    slicer.selfTests["TintSample"]()
    assert "Test passed" in [message.text for message in host.messages]


def test_sample_data_is_registered_at_start_up_and_never_downloaded(host, module):
    import SampleData  # type: ignore[import-not-found]

    with pytest.raises(RuntimeError, match="downloads nothing"):
        SampleData.SampleDataLogic().downloadSample("Tint1")


def test_sample_data_on_this_machine_is_loaded(host, volume, tmp_path):
    import SampleData
    import slicer

    path = tmp_path / "made.nrrd"
    assert slicer.util.saveNode(volume, str(path))
    (node,) = SampleData.SampleDataLogic().downloadFromURL(uris=path.as_uri(), nodeNames="Again")
    assert node.GetName() == "Again"
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(volume)
    )


def test_packages_are_asked_for_and_not_installed(host):
    import slicer.packaging

    slicer.packaging.pip_ensure("no-such-package>=1", requester="Tint")
    (request,) = host.package_requests
    assert (request.requirements, request.requester) == (("no-such-package>=1",), "Tint")


def test_a_module_opens_without_views_and_main_window(sample_path):
    with Host(layout=False) as host:
        import slicer

        opened = host.load_module(sample_path)
        assert slicer.app.layoutManager() is None
        assert slicer.util.mainWindow() is None
        assert opened.ui.applyButton.text == "Apply"


def test_sessions_do_not_see_each_other(sample_path):
    import slicer

    with Host(layout=False) as first:
        slicer.app.userSettings().setValue("Tint/device", "cpu")
        slicer.util.addVolumeFromArray(np.ones((2, 2, 2)))
        assert first.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    with Host(layout=False) as second:
        assert slicer.app.userSettings().value("Tint/device") is None
        assert second.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_what_crashes_slicer_is_refused(host):
    host.scene.AddNewNodeByClass("vtkMRMLSliceNode", "Probe")
    with pytest.raises(RuntimeError, match="without layout name"):
        host.raise_errors()


def test_slicer_itself_is_no_python_but_one_comes_with_it(host):
    beside = Path(slicer.app.slicerHome) / "bin" / "PythonSlicer"
    answers = [
        subprocess.run([program, "-c", "print(6 * 7)"], capture_output=True, text=True, check=False)
        for program in (sys.executable, beside)
    ]
    assert [answer.returncode for answer in answers] == [1, 0]
    assert answers[1].stdout.strip() == "42"


def test_volumes_take_no_part_in_undo_until_they_are_told(host, volume):
    assert not volume.GetUndoEnabled()


def test_name_that_was_used_stays_used_until_the_scene_is_closed(host):
    names = []
    for _ in range(2):
        node = host.scene.AddNewNodeByClass("vtkMRMLTextNode", host.scene.GenerateUniqueName("x"))
        names.append(node.GetName())
        host.scene.RemoveNode(node)
    host.scene.Clear()
    assert [*names, host.scene.GenerateUniqueName("x")] == ["x", "x_1", "x"]
