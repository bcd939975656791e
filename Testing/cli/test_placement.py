"""Claims about where a NIfTI or Analyze lies: the standard's rule, told doubts, colours on top."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_color, made_head, oblique, write_nifti
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.files.nifti_place import NiftiVolume
from MRIColorizeLib.files.reading import read_volume

SHAPE = (16, 18, 14)  # I, J, K of made_head()
GEOMETRY = (
    *("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
UNKNOWN = "does not say where it lies"


def header_of(path: Path):
    """The header as it is stored, nothing repaired."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return nibabel.Nifti1Header(raw[:348], check=False)


def changed(path: Path, **fields) -> Path:
    """Overwrite fields of a plain NIfTI's header on the disk."""
    header, raw = header_of(path), path.read_bytes()
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.binaryblock + raw[348:])
    return path


def formed(path: Path, sform=None, s_code=0, qform=None, q_code=0, **fields) -> Path:
    """A NIfTI whose forms are given one by one; a form that is None has the code 0."""
    first = sform if sform is not None else qform if qform is not None else np.eye(4)
    image = nibabel.Nifti1Image(made_head().T, first)
    image.set_sform(first if sform is None else sform, s_code)
    image.set_qform(first if qform is None else qform, q_code)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return changed(path, **fields)


def shifted(by: tuple[float, float, float]) -> np.ndarray:
    affine = oblique()
    affine[:3, 3] += by
    return affine


def mirrored() -> np.ndarray:
    return np.diag((-1.0, 1, 1, 1)) @ oblique()


# Name: how the file is made, and what a warning has to say ("" for none).
CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "both alike": (lambda p: formed(p, oblique(), 1, oblique(), 1), ""),
    "sform alone": (lambda p: formed(p, sform=oblique(), s_code=4), ""),
    "qform alone": (lambda p: formed(p, qform=oblique(), q_code=1), ""),
    "half a voxel apart": (lambda p: formed(p, oblique(), 2, shifted((0.44, 0, 0)), 1), ""),
    "more than half a voxel": (
        lambda p: formed(p, oblique(), 1, shifted((0, 0.46, 0)), 1),
        "up to 0.5 mm apart",
    ),
    "shifted": (lambda p: formed(p, oblique(), 1, shifted((3, 0, -4)), 1), "up to 5.0 mm apart"),
    "to a template": (
        lambda p: formed(p, np.diag((2.0, 2.1, 2.2, 1)), 4, oblique(), 1),
        "mm apart",
    ),
    "aligned": (lambda p: formed(p, np.eye(4), 2, oblique(), 1), "mm apart"),
    "mirrored": (lambda p: formed(p, mirrored(), 2, oblique(), 1), "mm apart"),
    "pixdim says another size": (
        lambda p: formed(p, np.diag((4.0, 4, 4, 1)), 1, pixdim=[1, 1, 1, 1, 0, 0, 0, 0]),
        "",
    ),
    "the qform has another size": (
        # 3 mm a voxel more: 15, 17 and 13 voxels on from the first, the root of 683 times 3.
        lambda p: formed(
            *(p, np.diag((4.0, 4, 4, 1)), 1, np.diag((4.0, 4, 4, 1)), 1),
            pixdim=[1, 1, 1, 1, 0, 0, 0, 0],
        ),
        "up to 78.4 mm apart",
    ),
    "no form": (lambda p: formed(p), UNKNOWN),
    "no form, other sizes": (lambda p: formed(p, pixdim=[1, 0.9, 1.1, 2, 1, 1, 1, 1]), UNKNOWN),
    "an sform of zeros": (
        lambda p: formed(
            *(p, oblique(), 1, oblique(), 1), srow_x=[0] * 4, srow_y=[0] * 4, srow_z=[0] * 4
        ),
        "its sform is damaged (zero, not finite or flat); its qform is taken",
    ),
    "a flat sform": (
        lambda p: formed(p, oblique(), 1, oblique(), 1, srow_z=[0, 0, 0, 1]),
        "its sform is damaged",
    ),
    "a sform of NaN alone": (lambda p: formed(p, oblique(), 1, srow_x=[np.nan] * 4), UNKNOWN),
    "a quaternion too long": (
        lambda p: formed(p, oblique(), 1, oblique(), 1, quatern_b=0.9, quatern_c=0.9),
        "its qform is damaged (zero, not finite or flat); its sform is taken",
    ),
    "metres": (lambda p: formed(p, np.diag((1e-3, 1e-3, 2e-3, 1)), 1, xyzt_units=1), ""),
    "micrometres": (
        lambda p: formed(p, qform=np.diag((1e3, 1e3, 2e3, 1)), q_code=1, xyzt_units=3),
        "",
    ),
    "a negative size": (
        lambda p: formed(p, qform=np.eye(4), q_code=1, pixdim=[1, -1, 1, 1, 0, 0, 0, 0]),
        "has a negative voxel size, taken as positive",
    ),
    "a size of zero": (
        lambda p: formed(p, qform=np.eye(4), q_code=1, pixdim=[1, 1, 1, 0, 0, 0, 0, 0]),
        "has a voxel size of 0, taken as 1 mm",
    ),
    "no qfac": (
        lambda p: formed(p, qform=np.eye(4), q_code=1, pixdim=[0, 1, 1, 1, 0, 0, 0, 0]),
        "",
    ),
    "an unknown code": (lambda p: formed(p, oblique(), 1, oblique(), 1, sform_code=9), ""),
    "sheared": (lambda p: formed(p, oblique() @ (np.eye(4) + 0.3 * np.eye(4, k=1)), 1), ""),
}


def itk_place(path: Path) -> np.ndarray | None:
    """The corners of a file's volume as ITK lays them, or None where it refuses."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError:
        return None
    last = [n - 1 for n in image.GetSize()[:3]]
    ends = [(i, j, k) for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])]
    return np.array([image.TransformContinuousIndexToPhysicalPoint(end) for end in ends])


def read_told(path: Path) -> tuple[NiftiVolume, str]:
    """The volume, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = read_volume(path)
    assert isinstance(volume, NiftiVolume)
    return volume, " ".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize("name", CASES)
def test_place_is_the_standard_s_and_doubts_are_told_once(tmp_path, name):
    make, words = CASES[name]
    path = make(tmp_path / "head.nii")
    volume, told = read_told(path)
    affine = nibabel.load(path).affine
    if "sform is damaged" in told and UNKNOWN not in told:
        affine = nibabel.load(path).header.get_qform()
    elif UNKNOWN in told:
        affine = nibabel.load(path).header.get_base_affine()
    scale = {"metres": 1000, "micrometres": 0.001}.get(name, 1)
    np.testing.assert_allclose(volume.ijk_to_ras[:3], affine[:3] * scale, atol=1e-6)
    np.testing.assert_array_equal(volume.array, made_head())
    assert (words in told) if words else not told
    assert told.count(str(path)) == bool(words)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_nifti_of_the_colours_states_the_same_forms_to_the_byte(tmp_path, name, ending):
    path = CASES[name][0](tmp_path / "head.nii")
    volume, _ = read_told(path)
    out = tmp_path / f"color{ending}"
    write_color(made_color(affine=volume.ijk_to_ras), out, volume.forms)
    before, after = header_of(path), header_of(out)
    for field in GEOMETRY:
        assert before[field].tobytes() == after[field].tobytes(), field
    assert before["pixdim"][:4].tobytes() == after["pixdim"][:4].tobytes()
    assert int(before["xyzt_units"]) & 7 == int(after["xyzt_units"]) & 7
    np.testing.assert_array_equal(nibabel.load(path).affine, nibabel.load(out).affine)
    places = itk_place(path), itk_place(out)
    if places[0] is None:  # sheared: ITK refuses both
        assert places[1] is None
    else:
        np.testing.assert_allclose(places[0], places[1], atol=1e-4)
    stored = np.asarray(nibabel.load(out).dataobj)
    rgb = np.stack([stored[channel] for channel in "RGB"], axis=-1)
    np.testing.assert_array_equal(rgb.transpose(2, 1, 0, 3), made_color().array)


def test_the_command_writes_both_forms_and_warns(tmp_path, command):
    path = CASES["mirrored"][0](tmp_path / "head.nii")
    answer = command(path, "--format", "nii.gz", "--quiet")
    assert answer.code == 0
    assert answer.err.count("Warning: ") == 1
    assert "mm apart" in answer.err
    out = nibabel.load(tmp_path / "head_color.nii.gz")
    np.testing.assert_allclose(out.header.get_sform(), mirrored(), atol=1e-5)
    np.testing.assert_allclose(out.header.get_qform(), oblique(), atol=1e-5)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
def test_forms_of_both_versions_and_byte_orders_are_kept(tmp_path, version, endian):
    kind = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = kind(made_head().T, oblique(), kind.header_class(endianness=endian))
    image.set_sform(mirrored(), 2)
    image.set_qform(oblique(), 1)
    nibabel.save(image, tmp_path / "head.nii")
    volume, told = read_told(tmp_path / "head.nii")
    assert "mm apart" in told
    write_color(made_color(affine=volume.ijk_to_ras), tmp_path / "color.nii", volume.forms)
    out = nibabel.load(tmp_path / "color.nii")
    for name in ("get_sform", "get_qform"):
        matrix, code = getattr(image.header, name)(coded=True)
        written, written_code = getattr(out.header, name)(coded=True)
        assert code == written_code
        np.testing.assert_allclose(matrix, written, atol=1e-5)


@pytest.mark.parametrize("name", ["mirrored", "aligned", "no form", "an sform of zeros"])
def test_a_mask_is_laid_by_the_rule_of_its_image(tmp_path, command, name):
    """A mask in the image's own header marks the voxels that it was drawn on."""
    path = CASES[name][0](tmp_path / "head.nii")
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[4:9, 5:11, 3:8] = 1
    image = nibabel.load(path)
    mask = nibabel.Nifti1Image(drawn, None, image.header)
    mask.header.set_data_dtype(np.uint8)
    nibabel.save(mask, tmp_path / "mask.nii")
    answer = command(path, "--mask", tmp_path / "mask.nii", "--quiet", "--background", "black")
    assert answer.code == 0
    color = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "head_color.nrrd")))
    colored = color.any(axis=-1).T
    assert not colored[drawn == 0].any()
    assert colored[drawn == 1].mean() > 0.9


def test_with_its_only_form_damaged_a_file_is_refused(tmp_path):
    fields = {"quatern_b": 0.9, "quatern_c": 0.9, "srow_x": [np.nan] * 4}
    path = formed(tmp_path / "a.nii", np.eye(4), 1, np.eye(4), 1, **fields)
    with pytest.raises(InputError, match="damaged qform and no usable sform"):
        read_volume(path)


def spm(folder: Path, affine: np.ndarray) -> Path:
    """An Analyze file with SPM's .mat."""
    nibabel.save(nibabel.Spm99AnalyzeImage(made_head().T, affine), folder / "head.img")
    return folder / "head.img"


@pytest.mark.parametrize("ending", [".img", ".hdr"])
def test_analyze_with_spm_s_mat_lies_where_the_mat_says(tmp_path, ending):
    path = spm(tmp_path, oblique()).with_suffix(ending)
    volume, told = read_told(path)
    assert not told
    np.testing.assert_allclose(volume.ijk_to_ras, oblique(), atol=1e-5)
    np.testing.assert_array_equal(volume.array, made_head())
    write_color(made_color(affine=volume.ijk_to_ras), tmp_path / "color.nii", volume.forms)
    np.testing.assert_allclose(nibabel.load(tmp_path / "color.nii").affine, oblique(), atol=1e-5)
    np.testing.assert_allclose(
        nibabel.load(tmp_path / "color.nii").header.get_qform(), oblique(), atol=1e-5
    )


def test_analyze_with_an_origin_alone_keeps_the_origin_and_is_told(tmp_path):
    path = spm(tmp_path, np.diag((2.0, 2, 2, 1)))
    path.with_suffix(".mat").unlink()
    header = path.with_suffix(".hdr").read_bytes()
    origin = np.array((6, 7, 5), "<i2").tobytes()  # the voxel of the origin, counted from 1
    path.with_suffix(".hdr").write_bytes(header[:253] + origin + header[259:])
    volume, told = read_told(path)
    assert "is an Analyze file, which does not say how it lies" in told
    affine = np.diag((-2.0, 2, 2, 1))
    affine[:3, 3] = (10, -12, -8)
    np.testing.assert_allclose(volume.ijk_to_ras, affine)
    write_color(made_color(affine=volume.ijk_to_ras), tmp_path / "color.nii", volume.forms)
    out = nibabel.load(tmp_path / "color.nii")
    np.testing.assert_allclose(out.affine, affine)
    assert int(out.header["sform_code"]) == 2  # aligned to another image, not the scanner's


def test_analyze_without_any_place_is_told_and_written_as_unknown(tmp_path):
    image = nibabel.AnalyzeImage(made_head().T, None)
    image.header.set_zooms((2, 3, 4))
    nibabel.save(image, tmp_path / "head.img")
    volume, told = read_told(tmp_path / "head.img")
    assert "check left and right" in told
    write_color(made_color(affine=volume.ijk_to_ras), tmp_path / "color.nii", volume.forms)
    out = nibabel.load(tmp_path / "color.nii")
    assert (int(out.header["sform_code"]), int(out.header["qform_code"])) == (0, 0)
    np.testing.assert_allclose(out.affine, nibabel.load(tmp_path / "head.img").affine)
    np.testing.assert_allclose(out.affine, volume.ijk_to_ras)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"mat": np.eye(3)}, "head.mat is damaged"),
        ({"mat": np.vstack((np.eye(4)[:3], np.ones(4)))}, "head.mat holds no affine"),
        ({"mat": np.full((4, 4), np.nan)}, "head.mat holds no affine"),
        ({"mat": np.eye(4)[:3]}, "head.mat holds no affine"),
        ({"mat": "words"}, "head.mat"),
        ({"other": np.eye(4)}, "head.mat is damaged"),
        (None, "head.mat is damaged"),
    ],
)
def test_a_mat_that_is_no_affine_is_named(tmp_path, content, words):
    from scipy.io import savemat

    path = spm(tmp_path, oblique())
    if content is None:
        path.with_suffix(".mat").write_bytes(b"no matrix at all" * 9)
    else:
        savemat(path.with_suffix(".mat"), content, format="5")
    with pytest.raises(InputError, match=words):
        read_volume(path)


def test_a_mat_without_scipy_is_told(tmp_path, monkeypatch):
    from MRIColorizeLib.errors import DependencyError
    from MRIColorizeLib.files import nifti

    def missing(packages):
        raise DependencyError(f"install {' '.join(packages)}.")

    monkeypatch.setattr(nifti, "require", missing)
    with pytest.raises(DependencyError, match="scipy"):
        read_volume(spm(tmp_path, oblique()))


def test_an_mgh_whose_geometry_was_never_set_is_told(tmp_path):
    nibabel.save(nibabel.MGHImage(made_head().T, oblique()), tmp_path / "head.mgh")
    raw = bytearray((tmp_path / "head.mgh").read_bytes())
    raw[28:30] = bytes(2)  # goodRASFlag
    (tmp_path / "head.mgh").write_bytes(raw)
    with pytest.warns(UserWarning, match="taken as coronal slices of 1 mm"):
        volume = read_volume(tmp_path / "head.mgh")
    np.testing.assert_allclose(volume.ijk_to_ras, nibabel.load(tmp_path / "head.mgh").affine)


@pytest.mark.parametrize("version", [1, 2])
def test_an_offset_of_0_means_that_the_voxels_follow_the_header(tmp_path, version):
    kind = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    nibabel.save(kind(made_head().T, np.eye(4)), tmp_path / "head.nii")
    raw = bytearray((tmp_path / "head.nii").read_bytes())
    place, size = (108, 4) if version == 1 else (168, 8)
    assert raw[place : place + size] != bytes(size)
    raw[place : place + size] = bytes(size)
    (tmp_path / "head.nii").write_bytes(raw)
    np.testing.assert_array_equal(read_volume(tmp_path / "head.nii").array, made_head())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("head.nii", "head.nii.gz"),
        ("head.nii.gz", "head.nii"),
        ("head.nii", "head"),
        ("head.mgh", "head.mgz"),
        ("head.mgz", "head.mgh"),
    ],
)
def test_what_is_compressed_is_told_from_the_content(tmp_path, given, name):
    if "mg" in given:
        nibabel.save(nibabel.MGHImage(made_head().T, oblique()), tmp_path / given)
    else:
        write_nifti(tmp_path / given, affine=oblique())
    path = (tmp_path / given).rename(tmp_path / name)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, made_head())
    np.testing.assert_allclose(volume.ijk_to_ras, oblique(), atol=2e-5)


def test_a_compressed_pair_is_read_by_the_same_rule(tmp_path):
    image = nibabel.Nifti1Pair(made_head().T, mirrored())
    image.set_sform(mirrored(), 2)
    image.set_qform(oblique(), 1)
    nibabel.save(image, tmp_path / "head.img.gz")
    for ending in (".img.gz", ".hdr.gz"):
        volume, told = read_told(tmp_path / f"head{ending}")
        assert "mm apart" in told
        np.testing.assert_array_equal(volume.array, made_head())
        np.testing.assert_allclose(volume.ijk_to_ras, mirrored(), atol=1e-5)
