"""Claims about details of headers and foreign files: read as ITK reads them, or the true reason."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_head, write_nifti
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.reading import read_volume

VOXELS = made_head().astype("<i2").tobytes()
# The place in all of these: 2 mm, i to the right, j to the front, k up; the first voxel here.
PLACE = np.array([[2.0, 0, 0, -15], [0, 2, 0, -17], [0, 0, 2, -13], [0, 0, 0, 1]])
RAS = "space: right-anterior-superior"
AXES = "space directions: (2,0,0) (0,2,0) (0,0,2)"
ORIGIN = "space origin: (-15,-17,-13)"


def nrrd(path: Path, *lines: str, sizes: str = "16 18 14", payload: bytes = VOXELS, **changed: str):
    """An NRRD written by hand; changed: fields of the head that are not as usual."""
    usual = {"dimension": "3", "encoding": "raw", "type": "short", **changed}
    head = [f"{key}: {value}" for key, value in usual.items()]
    text = "\n".join(["NRRD0005", *head, f"sizes: {sizes}", "endian: little", *lines])
    path.write_bytes(text.encode() + b"\n\n" + payload)
    return path


def meta(path: Path, *lines: str, without: tuple[str, ...] = (), payload: bytes = VOXELS) -> Path:
    """A MetaImage written by hand; without: usual fields that are left out."""
    usual = {
        "NDims": "3",
        "DimSize": "16 18 14",
        "ElementType": "MET_SHORT",
        "ElementSpacing": "2 2 2",
        "TransformMatrix": "-1 0 0 0 -1 0 0 0 1",
        "Offset": "15 17 -13",
    }
    head = [f"{key} = {value}" for key, value in usual.items() if key not in without]
    text = "\n".join(["ObjectType = Image", *head, *lines, "ElementDataFile = LOCAL\n"])
    path.write_bytes(text.encode() + payload)
    return path


def timed(path: Path, space: str, signs: tuple[int, int, int]) -> Path:
    """One volume of a series over time, in a space whose axes lead as the signs say from RAS."""
    a, b, c = signs
    return nrrd(
        path,
        f"space: {space}",
        f"space directions: ({2 * a},0,0,0) (0,{2 * b},0,0) (0,0,{2 * c},0) (0,0,0,1)",
        f"space origin: ({-15 * a},{-17 * b},{-13 * c},0)",
        sizes="16 18 14 1",
        dimension="4",
    )


READ: dict[str, Callable[[Path], Path]] = {
    "time behind RAS": lambda d: timed(d / "a.nrrd", "right-anterior-superior-time", (1, 1, 1)),
    "time behind RAS, short": lambda d: timed(d / "a.nrrd", "RAST", (1, 1, 1)),
    "time behind LAS": lambda d: timed(d / "a.nrrd", "left-anterior-superior-time", (-1, 1, 1)),
    "time behind LPS": lambda d: timed(d / "a.nrrd", "LPST", (-1, -1, 1)),
    "a long content": lambda d: nrrd(d / "a.nrrd", RAS, AXES, ORIGIN, "content: " + "(x" * 5000),
    "long labels": lambda d: nrrd(
        d / "a.nrrd", RAS, AXES, ORIGIN, f'labels: "{"x" * 3000}" "y" "z"'
    ),
    "tabs in an NRRD": lambda d: nrrd(d / "a.nrrd", RAS, AXES, ORIGIN, sizes="16\t18\t14"),
    "a unit of mm": lambda d: nrrd(d / "a.nrrd", RAS, AXES, ORIGIN, 'space units: "mm" "mm" "mm"'),
    "tabs in a MetaImage": lambda d: meta(
        d / "a.mha", "ElementSpacing = 2\t2\t2", without=("ElementSpacing",)
    ),
    "a comment that fits": lambda d: meta(d / "a.mha", "Comment = " + "c" * 254),
    "a long field of one's own": lambda d: meta(d / "a.mha", "Remark = " + "c" * 999),
}


@pytest.mark.parametrize("name", READ)
def test_it_is_read_in_its_place_without_a_word(tmp_path, recwarn, name):
    volume = read_volume(READ[name](tmp_path))
    np.testing.assert_array_equal(volume.array, made_head())
    np.testing.assert_allclose(volume.ijk_to_ras, PLACE, atol=1e-9)
    assert not [warning for warning in recwarn if warning.category is UserWarning]


SIZED = "does not say how it lies in the patient"
TOLD: dict[str, tuple[Callable[[Path], Path], str, float]] = {
    "spacings alone": (lambda d: nrrd(d / "a.nrrd", "spacings: 2 2 2"), SIZED, 2),
    "sizes alone": (lambda d: nrrd(d / "a.nrrd"), "taken as 1 mm", 1),
    "a space without a name": (
        lambda d: nrrd(d / "a.nrrd", "space dimension: 3", AXES),
        "it names no space",
        2,
    ),
    "a space that is no patient's": (
        lambda d: nrrd(d / "a.nrrd", "space: 3D-right-handed", AXES),
        "it names the space '3d-right-handed'",
        2,
    ),
    "a MetaImage without directions": (
        lambda d: meta(d / "a.mha", without=("TransformMatrix", "Offset")),
        SIZED,
        2,
    ),
    "a MetaImage of sizes alone": (
        lambda d: meta(d / "a.mha", without=("TransformMatrix", "Offset", "ElementSpacing")),
        "taken as 1 mm",
        1,
    ),
    "TIFF": (
        lambda d: itk(d / "a.tif", sitk.GetImageFromArray(made_head())),
        "taken as 1 mm",
        1,
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_place_that_is_not_said_is_told_and_taken_as_itk_takes_it(tmp_path, name):
    make, words, spacing = TOLD[name]
    path = make(tmp_path)
    with pytest.warns(UserWarning, match="check left and right") as caught:
        volume = read_volume(path)
    assert len(caught) == 1
    assert words in str(caught[0].message)
    np.testing.assert_allclose(volume.ijk_to_ras, np.diag((-spacing, -spacing, spacing, 1)))


def itk(path: Path, image: sitk.Image) -> Path:
    sitk.WriteImage(image, str(path))
    return path


def vectors(dtype: type, components: int = 3) -> sitk.Image:
    return sitk.GetImageFromArray(np.ones((5, 6, 7, components), dtype), isVector=True)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def link_to_nothing(path: Path) -> Path:
    path.symlink_to(".git/annex/objects/x")
    return path


def dicomdir(path: Path) -> Path:
    meta_information = b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10\x00"
    return written(path, bytes(128) + b"DICM" + meta_information)


def rec(folder: Path) -> Path:
    (folder / "a.PAR").write_bytes(b"# === DATA DESCRIPTION FILE")
    return written(folder / "a.REC", bytes(1000))


def twice(folder: Path) -> Path:
    packed = write_nifti(folder / "once.nii.gz").read_bytes()
    return written(folder / "a.nii.gz", gzip.compress(packed))


def packed_without_size(path: Path) -> Path:
    return meta(path, "CompressedData = True", payload=zlib.compress(VOXELS))


def field_of_vectors(path: Path) -> Path:
    """As NIfTI keeps a deformation: three floats a voxel in the fifth dimension."""
    image = nibabel.Nifti1Image(np.ones((5, 6, 7, 1, 3), np.float32), np.eye(4))
    image.header.set_intent("vector")
    nibabel.save(image, path)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a direction of NaN": (
        lambda d: nrrd(d / "a.nrrd", RAS, "space directions: (nan,nan,nan) (0,2,0) (0,0,2)"),
        "spacing or direction that is not a number",
    ),
    "no directions": (
        lambda d: nrrd(d / "a.nrrd", RAS, "space directions: none none none"),
        "spacing or direction that is not a number",
    ),
    "a spacing of NaN": (
        lambda d: nrrd(d / "a.nrrd", "spacings: nan 2 2"),
        "spacing or direction that is not a number",
    ),
    "micrometres": (
        lambda d: nrrd(d / "a.nrrd", RAS, AXES, ORIGIN, 'space units: "um" "um" "um"'),
        "gives its lengths in 'um'",
    ),
    "bzip2": (
        lambda d: nrrd(
            *(d / "a.nrrd", RAS, AXES, ORIGIN), encoding="bzip2", payload=bz2.compress(VOXELS)
        ),
        "packed with bzip2",
    ),
    "sizes and directions": (
        lambda d: nrrd(d / "a.nrrd", RAS, AXES, 'units: "mm" "mm" "mm"'),
        "has a direction vector, and so can't have",
    ),
    "a blank behind the type": (
        lambda d: nrrd(d / "a.nrrd", RAS, AXES, type="short "),
        "couldn't parse type",
    ),
    "a tab behind the colon": (
        lambda d: nrrd(d / "a.nrrd", RAS, AXES.replace(": ", ":\t")),
        'didn\'t see ": "',
    ),
    "a comment too long": (
        lambda d: meta(d / "a.mha", "Comment = " + "c" * 255),
        "its field Comment is longer than the 254 letters",
    ),
    "a name of a field too long": (
        lambda d: meta(d / "a.mha", "K" * 300 + " = c"),
        "longer than the 254 letters",
    ),
    "packed without its size": (
        lambda d: packed_without_size(d / "a.mha"),
        "lacks the field CompressedDataSize",
    ),
    "a field of vectors": (lambda d: field_of_vectors(d / "a.nii"), "3 values in each voxel"),
    "a field of vectors, NRRD": (
        lambda d: itk(d / "a.nrrd", vectors(np.float32)),
        "3 values in each voxel",
    ),
    "a field of vectors, MetaImage": (
        lambda d: itk(d / "a.mha", vectors(np.float32)),
        "3 values in each voxel",
    ),
    "a list of volumes": (
        lambda d: nrrd(
            *(d / "a.nrrd", RAS, AXES.replace(": ", ": none "), "kinds: list domain domain domain"),
            sizes="3 16 18 14",
            dimension="4",
            payload=VOXELS * 3,
        ),
        "3 values in each voxel",
    ),
    "colours, MetaImage": (
        lambda d: itk(d / "a.mha", vectors(np.uint8)),
        "already a colour image",
    ),
    "a pointer of Git LFS": (
        lambda d: written(
            d / "a.nii.gz", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
        ),
        "git lfs pull",
    ),
    "a pointer of git-annex": (
        lambda d: written(d / "a.nii.gz", b"/annex/objects/MD5E-s9--0.nii.gz\n"),
        "git annex get",
    ),
    "a link to nothing": (lambda d: link_to_nothing(d / "a.nii.gz"), "git annex get"),
    "a web page": (lambda d: written(d / "a.nii.gz", b"\n<!DOCTYPE html><html>"), "web page"),
    "MINC 1": (lambda d: written(d / "a.mnc", b"CDF\x01" + bytes(500)), "MINC 1"),
    "PAR": (
        lambda d: written(d / "a.par", b"# === DATA DESCRIPTION FILE ====\n"),
        "Philips PAR/REC",
    ),
    "REC": (rec, "Philips PAR/REC"),
    "DICOMDIR": (lambda d: dicomdir(d / "DICOMDIR"), "give the folder that it lies in"),
    "compressed twice": (twice, "compressed twice"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_true_reason(tmp_path, name):
    make, words = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(InputError) as refused:
        read_volume(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_text_that_metaimage_has_no_room_for_never_reaches_its_reader(tmp_path):
    """MetaIO copies these fields into 255 bytes, however long they are."""
    for length in (255, 499, 5000):
        for field in ("Comment", "Name", "Modality"):
            path = meta(tmp_path / "a.mha", f"{field} = " + "é" * length)
            with pytest.raises(InputError, match=field):
                read_volume(path)
