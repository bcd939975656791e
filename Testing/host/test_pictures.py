"""Claims about the pictures: they show what is in the scene, in its true colours."""

import numpy as np
import pytest

COLOR = (200, 120, 60)


@pytest.fixture
def color_volume(host):
    """An RGB volume node: a box of one colour within black, displayed without window and level."""
    array = np.zeros((16, 16, 16, 3), np.uint8)
    array[4:12, 4:12, 4:12] = COLOR
    return add_color(array)


def add_color(array):
    import slicer

    kind = "vtkMRMLVectorVolumeNode"
    node = slicer.util.addVolumeFromArray(array, np.eye(4), "color", nodeClassName=kind)
    node.SetVoxelVectorType(slicer.vtkMRMLVolumeNode.VoxelVectorTypeColorRGB)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    return node


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_three_slices_show_the_voxels_in_their_exact_colours(host, color_volume, tmp_path):
    path = tmp_path / "slices.png"
    pixels = host.render_slices(path, background=color_volume, size=200)
    assert is_png(path)
    assert pixels.shape == (200, 600, 3)
    for view in np.split(pixels, 3, axis=1):
        assert tuple(view[100, 100]) == COLOR
        assert tuple(view[2, 2]) == (0, 0, 0)
        share = np.all(view == COLOR, axis=-1).mean()
        assert 0.15 < share < 0.25  # half as wide as the volume, which fills most of the view


def test_automatic_window_and_level_falsify_colours(host, color_volume, tmp_path):
    color_volume.GetDisplayNode().SetAutoWindowLevel(True)
    pixels = host.render_slices(tmp_path / "s.png", background=color_volume, size=200)
    assert tuple(pixels[100, 100]) != COLOR


def test_a_foreground_fades_over_the_background(host, volume, tmp_path):
    import slicer

    color = add_color(np.full((*slicer.util.arrayFromVolume(volume).shape, 3), COLOR, np.uint8))
    color.CopyOrientation(volume)
    path = tmp_path / "slices.png"
    layers = {"background": volume, "foreground": color}
    gray = host.render_slices(path, **layers, opacity=0.0, size=100)
    half = host.render_slices(path, opacity=0.5, size=100)
    warmth = [int(picture[50, 50, 0]) - int(picture[50, 50, 2]) for picture in (gray, half)]
    assert warmth[0] == 0
    assert warmth[1] > 30


def test_a_volume_rendering_shows_the_volume(host, color_volume, tmp_path):
    path = tmp_path / "volume.png"
    shown = host.render_volume(path, color_volume, size=160).astype(int)
    assert is_png(path)
    color_volume.GetDisplayNode().SetVisibility(False)
    display = color_volume.GetNthDisplayNode(1)
    assert display.IsA("vtkMRMLVolumeRenderingDisplayNode")
    display.SetVisibility(False)
    hidden = host.render_volume(path, size=160).astype(int)
    changed = np.abs(shown - hidden).max(axis=-1) > 30
    assert 0.02 < changed.mean() < 0.9
    red, _green, blue = shown[changed].mean(axis=0)
    assert red > blue  # the box is orange, the background of the view is blue


def test_a_panel_is_drawn_with_its_text(host, volume, sample_path, tmp_path):
    module = host.load_module(sample_path)
    path = tmp_path / "panel.png"
    pixels = host.screenshot(module.panel, path)
    assert is_png(path)
    assert pixels.shape[1] == 460
    assert pixels.shape[0] > 200
    assert (pixels.max(axis=-1) < 90).mean() > 0.005  # ink
    assert (pixels.min(axis=-1) > 200).mean() > 0.5  # paper


def test_nothing_in_the_panel_is_squeezed(host, volume, sample_path, tmp_path):
    module = host.load_module(sample_path)
    host.screenshot(module.panel, tmp_path / "panel.png")
    for widget in (module.ui.inputSelector, module.ui.strengthSlider, module.ui.slabBox):
        assert widget.height >= widget.minimumSizeHint.height()


def test_the_window_shows_panel_and_views(host, volume, sample_path, tmp_path):
    module = host.load_module(sample_path)
    host.click(module.ui.applyButton)
    pixels = host.window(tmp_path / "window.png", module, size=120)
    assert pixels.shape == (max(pixels.shape[0], 240), 460 + 240, 3)
    red, green, _blue = pixels[60, 520].astype(int)  # in the middle of the Red view
    assert red > green + 50  # the tinted volume


def test_the_camera_stays_when_the_3d_view_looks_at_another_middle(host, color_volume, tmp_path):
    import slicer

    host.render_volume(tmp_path / "volume.png", color_volume, size=64)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    camera = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCameraNode")
    camera.SetPosition(900, 20, 30)
    view.resetFocalPoint()
    assert camera.GetPosition() == (900, 20, 30)
    assert np.allclose(camera.GetFocalPoint(), 7.5, atol=4)  # the box in the middle of 16 voxels
    view.resetCamera()
    assert np.linalg.norm(np.subtract(camera.GetPosition(), camera.GetFocalPoint())) < 200


def test_the_scene_has_the_crosshair_that_knows_the_view_under_the_mouse(host):
    import slicer

    crosshair = slicer.util.getNode("Crosshair")
    assert crosshair.GetCursorPositionXYZ([0, 0, 0]) is None
    view = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceNode")
    crosshair.SetCursorPositionXYZ([1, 2, 0], view)
    assert crosshair.GetCursorPositionXYZ([0, 0, 0]) is view
