"""Claims about the pictures: right side up, true to scale, the same whatever the axis order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from PIL import Image

from cli.made import made_color
from MRIColorizeLib.files.picture import GAP, TEXT, VIEWS, slice_pair, write_montage, write_preview
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.orientation import in_patient_axes
from MRIColorizeLib.provenance import unusual_choices
from MRIColorizeLib.volume import ColorVolume, Volume

# A body that fills the grid, (S, A, R) = (20, 30, 24) voxels of 3, 1 and 2 mm, with one corner lit.
SHAPE, SPACING = (20, 30, 24), (3.0, 1.0, 2.0)


def lit_corner() -> tuple[Volume, ColorVolume]:
    """Bright where superior, anterior and right meet; ijk_to_ras has i right, j anterior, k up."""
    array = np.full(SHAPE, 100, dtype=np.float32)
    array[10:, 15:, 12:] = 200
    array[0, 0, 0] = 0
    affine = np.diag((SPACING[2], SPACING[1], SPACING[0], 1.0))
    rgb = np.repeat((array / 2).astype(np.uint8)[..., None], 3, axis=3)
    made = made_color(affine=affine).provenance
    color = ColorVolume(rgb, np.ones(SHAPE, dtype=bool), None, affine, made)
    return Volume(array, affine), color


def reordered(volume: Volume, color: ColorVolume, order, flips) -> tuple[Volume, ColorVolume]:
    """The same body on a grid with its axes (K, J, I) in another order and direction."""
    matrix = volume.ijk_to_ras.copy()
    arrays = [volume.array, color.array, color.mask]
    for axis in range(3):
        if flips[axis]:
            arrays = [np.flip(array, axis) for array in arrays]
            matrix[:, 3] += matrix[:, 2 - axis] * (volume.array.shape[axis] - 1)
            matrix[:, 2 - axis] *= -1
    arrays = [array.transpose(*order, *range(3, array.ndim)) for array in arrays]
    columns = [2 - order[2 - column] for column in range(3)]
    matrix = matrix[:, [*columns, 3]]
    turned = replace(color, array=arrays[1], mask=arrays[2], ijk_to_ras=matrix)
    return Volume(arrays[0], matrix), turned


@pytest.mark.parametrize(
    ("plane", "index", "bright"),
    [
        ("axial", 15, (slice(0, 15), slice(0, 12))),  # anterior above, right on the left
        ("coronal", 20, (slice(0, 10), slice(0, 12))),  # superior above, right on the left
        ("sagittal", 18, (slice(0, 10), slice(0, 15))),  # superior above, anterior on the left
    ],
)
def test_slices_are_seen_as_radiologists_see_them(plane, index, bright):
    for tile in slice_pair(*lit_corner(), plane, index):
        grey = tile.pixels if tile.pixels.ndim == 2 else tile.pixels[..., 0]
        expected = np.zeros(grey.shape, dtype=bool)
        expected[bright] = True
        np.testing.assert_array_equal(grey > 75 * (2 - (grey.max() < 150)), expected)


def test_a_tile_has_the_size_of_its_slice_in_millimetres():
    head = lit_corner()
    sizes = {plane: slice_pair(*head, plane, 3)[0].size_mm for plane in VIEWS}
    assert sizes == {"axial": (30, 48), "coronal": (60, 48), "sagittal": (60, 30)}


def test_the_axis_order_and_handedness_of_the_file_do_not_show():
    volume, color = lit_corner()
    for order, flips in product(permutations(range(3)), product((False, True), repeat=3)):
        turned = reordered(volume, color, order, flips)
        array, spacing = in_patient_axes(turned[0].array, turned[0].ijk_to_ras)
        np.testing.assert_array_equal(array, volume.array)
        assert spacing == SPACING


def test_a_montage_shows_six_tiles_and_is_one_png(tmp_path):
    write_montage(*lit_corner(), tmp_path / "montage.png", "head")
    with Image.open(tmp_path / "montage.png") as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("L"))
    assert [path.name for path in tmp_path.iterdir()] == ["montage.png"]
    # Between the MRI above and the colour below runs a line of empty paper, and so between columns.
    rows = (pixels > 40).any(axis=1)
    columns = (pixels > 40)[60:-60].any(axis=0)
    assert np.count_nonzero(np.diff(columns.astype(int)) == 1) == 3
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) >= 4  # title, two rows, footer


def test_what_was_chosen_stands_in_a_line_of_its_own_below_the_picture(tmp_path):
    volume, color = lit_corner()
    chosen = ColorizeOptions(palette_name="Vivid", saturation=1.5, background="white")
    made = replace(color.provenance, options=chosen, masked=True)
    assert unusual_choices(color.provenance) == ""
    assert unusual_choices(made) == "palette Vivid, saturation 1.5, background white, inside a mask"
    write_montage(volume, color, tmp_path / "plain.png", "head")
    write_montage(volume, replace(color, provenance=made), tmp_path / "chosen.png", "head")
    plain, told = (
        np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"))
        for name in ("plain", "chosen")
    )
    assert told.shape == (plain.shape[0] + TEXT, plain.shape[1])
    added = (told[-TEXT - GAP :] > 40).any(axis=0)
    assert np.flatnonzero(added).max() > 400  # a sentence, not a speck


def test_detail_is_told_only_where_it_does_something():
    made = lit_corner()[1].provenance
    fine = ColorizeOptions(detail=0.0)
    assert unusual_choices(replace(made, options=fine)) == "detail 0"
    assert unusual_choices(replace(made, options=replace(fine, mode="structure"))) == ""


def test_a_volume_of_one_slice_has_a_picture_of_that_slice(tmp_path):
    volume, color = lit_corner()
    one = Volume(volume.array[15:16], volume.ijk_to_ras)
    thin = replace(color, array=color.array[15:16], mask=color.mask[15:16])
    write_montage(one, thin, tmp_path / "one.png", "one slice")
    assert (tmp_path / "one.png").is_file()


def test_a_preview_counts_slices_along_the_file_s_own_axis(tmp_path):
    volume, color = lit_corner()
    upside_down = reordered(volume, color, (0, 1, 2), (True, False, False))
    write_preview(volume, color, "axial", 4, tmp_path / "a.png", "x")
    write_preview(*upside_down, "axial", 4, tmp_path / "b.png", "x")
    write_preview(*upside_down, "axial", 15, tmp_path / "c.png", "x")
    pictures = {n: np.asarray(Image.open(tmp_path / f"{n}.png"))[50:-50] for n in "abc"}
    np.testing.assert_array_equal(pictures["a"], pictures["c"])
    assert (pictures["a"] != pictures["b"]).any()
