"""Claims about files: what every format gives, and colour that keeps the input's geometry."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_color, made_head, oblique
from MRIColorizeLib.errors import OutputError
from MRIColorizeLib.files import colors as output
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.files.kinds import stem, suffix
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.options import ColorizeOptions

LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


def itk_affine(path: Path) -> np.ndarray:
    """ijk_to_ras as SimpleITK understands a file."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


def itk_image(array: np.ndarray, affine: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing)
    image.SetDirection((lps[:3, :3] / spacing).ravel())
    image.SetOrigin(lps[:3, 3])
    return image


@pytest.mark.parametrize("left_handed", [True, False])
@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz", "head.mgz"])
def test_nibabel_formats_are_read_with_their_geometry(tmp_path, name, left_handed):
    affine, array = oblique(left_handed), made_head()
    kind = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    nibabel.save(kind(array.T, affine), tmp_path / name)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=2e-5)


@pytest.mark.parametrize("left_handed", [True, False])
@pytest.mark.parametrize("name", ["head.nrrd", "head.nhdr", "head.mha", "head.mhd"])
def test_itk_formats_are_read_with_their_geometry(tmp_path, name, left_handed):
    affine, array = oblique(left_handed), made_head().astype(np.float32) / 7
    sitk.WriteImage(itk_image(array, affine), str(tmp_path / name))
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-6)


def test_a_metaimage_may_be_named_in_capitals(tmp_path):
    sitk.WriteImage(itk_image(made_head(), oblique()), str(tmp_path / "head.mha"))
    path = (tmp_path / "head.mha").rename(tmp_path / "HEAD.MHA")
    np.testing.assert_array_equal(read_volume(path).array, made_head())


@pytest.mark.parametrize("name", ["head.nrrd", "head.mha"])
@pytest.mark.parametrize("text", ["T1 für Übung", "Ångström, Œuvre", "頭部"])
def test_headers_may_hold_text_of_any_language(tmp_path, name, text):
    image = sitk.GetImageFromArray(made_head())
    image.SetMetaData("0008|103e", text)
    sitk.WriteImage(image, str(tmp_path / name))
    assert text.encode() in (tmp_path / name).read_bytes()
    np.testing.assert_array_equal(read_volume(tmp_path / name).array, made_head())


def test_long_numbers_of_metaimage_have_four_bytes(tmp_path):
    array = made_head().astype("<i4")
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / "head.mha"))
    head = (tmp_path / "head.mha").read_bytes()
    assert b"MET_INT" in head
    (tmp_path / "head.mha").write_bytes(head.replace(b"MET_INT", b"MET_LONG"))
    np.testing.assert_array_equal(read_volume(tmp_path / "head.mha").array, array)


def test_a_sheared_nifti_keeps_its_shear(tmp_path):
    affine = np.eye(4)
    affine[0, 1] = 0.4
    nibabel.save(nibabel.Nifti1Image(made_head().T, affine), tmp_path / "sheared.nii.gz")
    volume = read_volume(tmp_path / "sheared.nii.gz")
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-6)
    color = made_color(affine=volume.ijk_to_ras)
    write_color(color, tmp_path / "color.nrrd")
    directions = nrrd.read_header(str(tmp_path / "color.nrrd"))["space directions"]
    np.testing.assert_allclose(LPS[:3, :3] @ directions[1:].T, affine[:3, :3], atol=1e-6)


def test_scaled_integers_come_out_scaled(tmp_path):
    image = nibabel.Nifti1Image(made_head().T, np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "scaled.nii.gz")
    stored = nibabel.load(tmp_path / "scaled.nii.gz").get_fdata().T
    np.testing.assert_allclose(read_volume(tmp_path / "scaled.nii.gz").array, stored, rtol=1e-6)


def test_a_fourth_dimension_of_one_is_no_obstacle(tmp_path):
    nibabel.save(nibabel.Nifti1Image(made_head().T[..., None], np.eye(4)), tmp_path / "one.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "one.nii.gz").array, made_head())


@pytest.mark.parametrize("left_handed", [True, False])
@pytest.mark.parametrize("name", ["color.nrrd", "color.nii.gz", "color.nii"])
def test_colour_is_written_voxel_for_voxel_with_its_geometry(tmp_path, name, left_handed):
    color = made_color(affine=oblique(left_handed))
    write_color(color, tmp_path / name)
    stored = sitk.ReadImage(str(tmp_path / name))
    assert stored.GetPixelIDTypeAsString() == "vector of 8-bit unsigned integer"
    np.testing.assert_array_equal(sitk.GetArrayFromImage(stored), color.array)
    np.testing.assert_allclose(itk_affine(tmp_path / name), color.ijk_to_ras, atol=1e-5)


def test_nrrd_says_that_it_is_colour_and_not_a_vector(tmp_path):
    write_color(made_color(), tmp_path / "color.nrrd")
    header = nrrd.read_header(str(tmp_path / "color.nrrd"))
    assert header["kinds"] == ["RGB-color", "domain", "domain", "domain"]
    assert header["space"] == "left-posterior-superior"
    assert list(header["sizes"]) == [3, 16, 18, 14]
    assert header["encoding"] == "gzip"
    assert "not for diagnosis" in header["MRIColorize.Notice"]
    assert header["MRIColorize.Model"] == "made"


CHOSEN = ColorizeOptions(
    palette_name="Vivid", detail=0.25, saturation=1.5, blend=0.75, background="white"
)
TOLD = {
    "Palette": "Vivid",
    "Detail": "0.25",
    "Saturation": "1.5",
    "Blend": "0.75",
    "Background": "white",
    "Mask": "yes",
}


def chosen_color(options: ColorizeOptions = CHOSEN):
    color = made_color()
    made = replace(color.provenance, options=options, masked=True)
    return replace(color, provenance=made)


def test_nrrd_says_how_it_was_coloured(tmp_path):
    write_color(chosen_color(), tmp_path / "color.nrrd")
    header = nrrd.read_header(str(tmp_path / "color.nrrd"))
    assert {key: header[f"MRIColorize.{key}"] for key in TOLD} == TOLD
    write_color(made_color(), tmp_path / "plain.nrrd")
    header = nrrd.read_header(str(tmp_path / "plain.nrrd"))
    assert (header["MRIColorize.Palette"], header["MRIColorize.Mask"]) == ("", "no")


def test_nifti_says_how_it_was_coloured_in_a_comment(tmp_path):
    write_color(chosen_color(), tmp_path / "color.nii.gz")
    (comment,) = nibabel.load(tmp_path / "color.nii.gz").header.extensions
    assert comment.get_code() == 6  # NIFTI_ECODE_COMMENT
    lines = comment.get_content().decode().rstrip("\0").splitlines()
    assert {f"MRIColorize.{key}: {text}" for key, text in TOLD.items()} <= set(lines)
    assert "MRIColorize.Model: made" in lines


def test_a_model_of_any_name_is_written(tmp_path):
    color = made_color()
    made = replace(color.provenance, model_name="modèle")
    for ending in (".nrrd", ".nii.gz"):
        write_color(replace(color, provenance=made), tmp_path / f"color{ending}")
        stored = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"color{ending}")))
        np.testing.assert_array_equal(stored, color.array)


@pytest.mark.parametrize("name", ["two\nlines", "Köpfe ☃", "a:=b", "\udcff"])
def test_palette_of_any_name_leaves_the_header_whole(tmp_path, name):
    for ending in (".nrrd", ".nii.gz"):
        write_color(chosen_color(ColorizeOptions(palette_name=name)), tmp_path / f"color{ending}")
        stored = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"color{ending}")))
        np.testing.assert_array_equal(stored, made_color().array)
    header = nrrd.read_header(str(tmp_path / "color.nrrd"))
    assert header["MRIColorize.Palette"]
    assert header["MRIColorize.Detail"] == "0.5"


def test_nifti_says_that_it_is_rgb_and_where_it_lies_twice(tmp_path):
    color = made_color()
    write_color(color, tmp_path / "color.nii.gz")
    header = nibabel.load(tmp_path / "color.nii.gz").header
    assert header["datatype"] == 128  # NIFTI_TYPE_RGB24
    for matrix, code in (header.get_sform(coded=True), header.get_qform(coded=True)):
        assert code == 1
        np.testing.assert_allclose(matrix, color.ijk_to_ras, atol=1e-5)


class FarFuture(datetime.datetime):
    """A clock for pynrrd, which writes the time into its files."""

    @classmethod
    def now(cls, tz=None):
        return cls(2096, 10, 1, tzinfo=tz)

    @classmethod
    def utcnow(cls):
        return cls(2096, 10, 1)


def test_the_same_colour_gives_the_same_file_at_any_time(tmp_path, monkeypatch):
    for ending in (".nrrd", ".nii.gz"):
        for name in ("a", "b"):
            write_color(made_color(), tmp_path / f"{name}{ending}")
            monkeypatch.setattr("nrrd.writer.datetime", FarFuture)
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_a_format_without_colour_is_refused(tmp_path):
    with pytest.raises(OutputError, match="nrrd"):
        write_color(made_color(), tmp_path / "color.mha")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch):
    path = tmp_path / "color.nrrd"
    path.write_text("the older result")

    def interrupted(_array, file, _level):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "write_gzipped", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_color(made_color(), path)
    assert path.read_text() == "the older result"
    assert list(tmp_path.iterdir()) == [path]


def test_names_lose_their_whole_ending():
    assert stem(Path("a/head.t1.nii.gz")) == "head.t1"
    assert stem(Path("a/Head.NRRD")) == "Head"
    assert stem(Path("a/series.1")) == "series.1"
    assert suffix(Path("a/x.NII.GZ")) == ".nii.gz"


def test_the_unusual_axis_order_of_real_data_is_kept(data):
    path = data / "neck_t2_crop.nii.gz"
    volume = read_volume(path)
    assert nibabel.aff2axcodes(volume.ijk_to_ras) == ("P", "S", "R")
    np.testing.assert_allclose(volume.ijk_to_ras, nibabel.load(path).affine, atol=1e-5)
