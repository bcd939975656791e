"""Claims about the rendering: an octant is gone, surfaces keep their colours, sides are right."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from cli.made import made_color
from MRIColorizeLib.files.offscreen import (
    AMBIENT,
    carry_outwards,
    cut_open,
    draw_in_child,
    light,
    write_rendering,
)
from MRIColorizeLib.volume import ColorVolume


def red_ball(n: int = 40) -> ColorVolume:
    """A red ball with a blue core, 1 mm voxels, i right, j anterior, k superior."""
    axis = np.linspace(-1.2, 1.2, n)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2)
    rgb = np.zeros((n, n, n, 3), dtype=np.uint8)
    rgb[radius < 1] = (220, 40, 40)
    rgb[radius < 0.6] = (40, 40, 220)
    return ColorVolume(rgb, radius < 1, None, np.eye(4), made_color().provenance)


def test_the_superior_anterior_left_octant_is_cut_away_and_only_it():
    rgba, spacing = cut_open(red_ball())
    assert spacing == (1, 1, 1)
    quarter = [rgba.shape[0] // 4 + 4, -rgba.shape[0] // 4 - 4]
    solid = {(s, a, r): rgba[s, a, r, 3] > 250 for s in quarter for a in quarter for r in quarter}
    low, high = quarter
    assert not solid.pop((high, high, low))
    assert all(solid.values())


def test_the_section_shows_the_inside():
    rgba, _ = cut_open(red_ball())
    s, a, r = (n // 2 for n in rgba.shape[:3])
    face = rgba[s - 2, a + 4, r - 6]
    assert face[2] > 2 * face[0]


def test_the_surface_has_the_colour_below_it_and_not_the_air_s():
    rgb = np.zeros((12, 12, 12, 3), dtype=np.uint8)
    known = np.zeros((12, 12, 12), dtype=bool)
    known[5:7, 5:7, 5:7] = True
    rgb[known] = (200, 100, 50)
    grown = carry_outwards(rgb, known, rounds=3)
    filled = grown.any(axis=-1)
    assert filled.sum() > known.sum()
    np.testing.assert_array_equal(np.unique(grown[filled], axis=0), [[200, 100, 50]])
    # Three layers along an axis, no further.
    assert filled[2, 5, 5]
    assert not filled[1, 5, 5]


def test_faces_towards_the_lamps_are_brighter():
    solid = np.zeros((20, 20, 20), dtype=np.float32)
    solid[5:15, 5:15, 5:15] = 1
    shade = np.full(solid.shape, AMBIENT, dtype=np.float32)
    surface, brightness = light(solid, (1.0, 1.0, 1.0))
    shade.reshape(-1)[surface] = brightness
    top, front, left = shade[14, 10, 10], shade[10, 14, 10], shade[10, 10, 5]
    assert top > front > left > shade[5, 10, 10]


def test_a_large_volume_is_thinned_out_at_its_true_proportions():
    shape = (300, 4, 4)
    color = ColorVolume(
        np.full((*shape, 3), 90, np.uint8),
        np.ones(shape, bool),
        None,
        np.eye(4),
        made_color().provenance,
    )
    rgba, spacing = cut_open(color)
    assert rgba.shape == (150 + 6, 4 + 6, 4 + 6, 4)
    assert spacing == (2, 1, 1)


def test_a_rendering_shows_both_the_surface_and_the_section(tmp_path):
    write_rendering(red_ball(), tmp_path / "ball.png")
    pixels = np.asarray(Image.open(tmp_path / "ball.png")).astype(int)
    red = (pixels[..., 0] > 2 * pixels[..., 2]) & (pixels[..., 0] > 60)
    blue = (pixels[..., 2] > 2 * pixels[..., 0]) & (pixels[..., 2] > 60)
    assert red.mean() > 0.2
    assert blue.mean() > 0.02


def test_the_patient_s_left_is_on_the_viewer_s_right():
    rgba = np.zeros((40, 40, 40, 4), dtype=np.uint8)
    rgba[4:36, 4:36, 4:20] = (0, 220, 0, 255)  # left half green
    rgba[4:36, 4:36, 20:36] = (220, 0, 0, 255)
    picture = Image.open(io.BytesIO(draw_in_child(rgba, (1.0, 1.0, 1.0)))).convert("RGB")
    pixels = np.asarray(picture).astype(int)
    green, red = (np.nonzero(pixels[..., channel] > 120)[1].mean() for channel in (1, 0))
    assert green > red
