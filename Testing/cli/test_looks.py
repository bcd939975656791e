"""Claims about the options for colours and maps: what they change, write, and refuse."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_head, oblique, write_nifti
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.maps import write_tissue
from MRIColorizeLib.files.masks import read_mask
from MRIColorizeLib.network.palettes import find_palette, list_palettes, save_palette
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.provenance import Provenance
from MRIColorizeLib.tissue import NAMES, Tissue
from MRIColorizeLib.volume import ColorVolume, Volume


def colors(path: Path) -> np.ndarray:
    """RGB (K, J, I, 3) of a written colour volume."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return write_nifti(tmp_path / "head.nii.gz", affine=oblique())


def colored(command, head: Path, *options: object) -> np.ndarray:
    answer = command(head, "--quiet", *options)
    assert (answer.code, answer.err) == (0, "")
    return colors(head.parent / "head_color.nrrd").astype(int)


def test_every_option_for_the_colours_reaches_them(head, command):
    plain = colored(command, head)
    body = plain.any(axis=3)
    grey = colored(command, head, "--blend", 0)
    assert np.ptp(grey, axis=3).max() == 0
    assert np.ptp(colored(command, head, "--saturation", 0), axis=3).max() <= 1
    assert colored(command, head, "--background", "white")[0, 0, 0].tolist() == [255] * 3
    vivid = colored(command, head, "--palette", "vivid")
    assert np.abs(vivid - plain)[body].mean() > 5
    several = colored(command, head, "--plane", "consensus")
    assert 0 < np.abs(several - plain)[body].mean() < 60


def test_the_file_tells_the_options_that_made_it(head, command, tmp_path):
    mask = write_nifti(tmp_path / "mask.nii.gz", np.ones(made_head().shape, np.uint8), oblique())
    options = ("--palette", "vivid", "--detail", 0.25, "--saturation", 1.5, "--blend", 0.75)
    colored(command, head, *options, "--background", "mri", "--mask", mask, "--tissue")
    for name in ("head_color.nrrd", "head_tissue.seg.nrrd"):
        header = nrrd.read_header(str(tmp_path / name))
        keys = ("Palette", "Detail", "Saturation", "Blend", "Background", "Mask")
        told = [header[f"MRIColorize.{key}"] for key in keys]
        assert told == ["Vivid", "0.25", "1.5", "0.75", "mri", "yes"]


def test_a_palette_from_a_file_paints_as_the_one_it_was_saved_from(head, command, tmp_path):
    save_palette(tmp_path / "mine.ctbl", find_palette("vivid"))
    by_name = colored(command, head, "--palette", "vivid")
    by_file = colored(command, head, "--palette", tmp_path / "mine.ctbl")
    np.testing.assert_array_equal(by_file, by_name)


def test_a_mask_says_where_to_colour(head, command, tmp_path):
    mask = np.zeros(made_head().shape, dtype=np.uint8)
    mask[4:9, 5:12, 6:11] = 3
    write_nifti(tmp_path / "mask.nii.gz", mask, oblique())
    array = colored(command, head, "--mask", tmp_path / "mask.nii.gz")
    assert array[mask == 0].max() == 0
    assert array[mask > 0].any(axis=1).mean() > 0.9


def test_a_mask_on_another_grid_lands_on_the_same_place(tmp_path):
    """A block in the world, drawn on a finer grid with other axes and a smaller field."""
    volume = Volume(made_head().astype(np.float32), np.diag((2.0, 2.0, 2.0, 1.0)))
    affine = np.array([[0, 0, 1.0, 8], [-1.0, 0, 0, 26], [0, 1.0, 0, 6], [0, 0, 0, 1]])
    drawn = np.ones((14, 12, 16), dtype=np.uint8)  # x from 8 to 21, z from 6 to 17, y from 11 to 26
    write_nifti(tmp_path / "mask.nii.gz", drawn, affine)
    mask = read_mask(tmp_path / "mask.nii.gz", volume)
    z, y, x = (2 * n for n in np.indices(mask.shape))
    expected = (x >= 8) & (x <= 21) & (y >= 11) & (y <= 26) & (z >= 6) & (z <= 17)
    np.testing.assert_array_equal(mask, expected)


def test_the_tissue_map_is_a_segmentation_with_names_and_the_palette_s_colours(
    head, command, tmp_path
):
    answer = command(head, "--tissue", "--confidence", "--palette", "vivid")
    assert answer.code == 0
    path = tmp_path / "head_tissue.seg.nrrd"
    assert path.name in answer.out
    codes, header = nrrd.read(str(path), index_order="C")
    assert codes.shape == made_head().shape
    segments = [key for key in header if key.endswith("_LabelValue")]
    assert len(segments) == np.unique(codes[codes > 0]).size > 1
    for key in segments:
        tissue = Tissue(int(header[key]))
        segment = key.removesuffix("LabelValue")
        assert header[f"{segment}Name"].lower() == NAMES[tissue].lower()
        color = np.array(header[f"{segment}Color"].split(), dtype=float)
        np.testing.assert_allclose(color, find_palette("vivid").rgb[tissue], atol=1e-5)
    mri, labels = sitk.ReadImage(str(head)), sitk.ReadImage(str(path))
    np.testing.assert_allclose(labels.GetOrigin(), mri.GetOrigin(), atol=1e-5)
    np.testing.assert_allclose(labels.GetDirection(), mri.GetDirection(), atol=1e-5)
    confidence = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "head_confidence.nrrd")))
    assert confidence.dtype == np.uint8
    body = colors(tmp_path / "head_color.nrrd").any(axis=3)
    assert confidence[~body].max() == 0
    assert confidence[body].min() > 0


def test_maps_take_the_name_of_a_named_output(head, command, tmp_path):
    assert command(head, "--tissue", "-o", tmp_path / "mine.nii.gz").code == 0
    assert (tmp_path / "mine_tissue.seg.nrrd").is_file()
    assert not (tmp_path / "mine_confidence.nrrd").exists()


def test_slicer_opens_the_tissue_map_as_a_segmentation(host, head, command, tmp_path):
    import slicer

    assert command(head, "--tissue", "--quiet").code == 0
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "head_tissue.seg.nrrd"))
    assert storage.ReadData(node) == 1
    codes, header = nrrd.read(str(tmp_path / "head_tissue.seg.nrrd"))
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == np.unique(codes[codes > 0]).size
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        assert segment.GetName().lower() in NAMES


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--saturation", "2.5"], "saturation"),
        (["--blend", "-0.1"], "blend"),
        (["--background", "green"], "--background"),
        (["--palette", "no such palette"], "Colour-blind safe"),
        (["--palette", "none.ctbl"], "cannot be read"),
        (["--mask", "none.nii.gz"], "does not exist"),
        (["--plane", "consensus", "--preview", "3"], "--preview"),
        (["--preview", "3", "--tissue"], "leave out --tissue"),
        (["-o", "head.png"], "has the name of a picture"),
    ],
)
def test_a_bad_look_is_told_before_anything_is_written(head, command, options, words):
    answer = command(head, *options)
    assert answer.code == 2
    assert words in answer.sentence()
    assert list(head.parent.iterdir()) == [head]


def test_a_mask_may_be_a_segmentation_whose_segments_overlap(tmp_path):
    """Such a file has a list of layers as its first axis; Slicer writes it so."""
    layers = np.zeros((3, 4, 5, 6), np.uint8)  # layer, I, J, K
    layers[0, 1, 1, 1], layers[2, 1:3, 2, 3] = 1, 7
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack(([np.nan] * 3, np.diag((-1.0, -1.0, 1.0)))),
        "space origin": np.zeros(3),
    }
    nrrd.write(str(tmp_path / "roi.seg.nrrd"), layers, header)
    volume = Volume(np.zeros((6, 5, 4), np.float32), np.eye(4))
    mask = read_mask(tmp_path / "roi.seg.nrrd", volume)
    np.testing.assert_array_equal(mask, layers.any(axis=0).T)
    header["kinds"] = ["RGB-color", "domain", "domain", "domain"]
    nrrd.write(str(tmp_path / "picture.nrrd"), layers, header)
    with pytest.raises(InputError, match="colour image"):
        read_mask(tmp_path / "picture.nrrd", volume)


def test_a_mask_beside_the_volume_is_told(head, command, tmp_path):
    elsewhere = oblique()
    elsewhere[:3, 3] += 500
    mask = write_nifti(tmp_path / "mask.nii.gz", np.ones((4, 5, 6), np.uint8), elsewhere)
    answer = command(head, "--mask", mask)
    assert answer.code == 2
    assert "marks no voxel" in answer.sentence()


@pytest.mark.parametrize("option", [["--tissue"], ["--confidence"], ["--palette", "vivid"]])
def test_a_model_without_tissues_is_refused_for_what_needs_them(
    head, command, model_without_tissues, option
):
    answer = command(head, *option, "--model", model_without_tissues)
    assert answer.code == 2
    assert "no palette" in answer.sentence()
    assert list(head.parent.iterdir()) == [head]


def test_a_warning_is_given_even_when_quiet(tmp_path, command):
    array = made_head().astype(np.float32)
    array[0, 0, :2] = np.nan
    answer = command(write_nifti(tmp_path / "head.nii.gz", array), "--quiet")
    assert answer.code == 0
    assert answer.out == ""
    assert answer.err == (
        "Warning: 2 voxels are NaN or infinite; they are treated as background.\n"
    )


def test_the_map_of_a_model_that_knows_no_organs_calls_none_of_them_blood(tmp_path):
    tissue = np.zeros((3, 4, 5), np.uint8)
    tissue[1] = Tissue.BLOOD
    color = np.zeros((*tissue.shape, 3), np.uint8)
    made = Provenance("made", "1", "cpu", "float32", "axial", 3, 1.0, ColorizeOptions())
    for classes, name in ((13, "Organ or blood"), (20, "Blood")):
        volume = ColorVolume(color, tissue > 0, tissue, np.eye(4), made, classes=classes)
        path = tmp_path / f"{classes}.seg.nrrd"
        write_tissue(volume, list_palettes()[0], path)
        assert nrrd.read_header(str(path))["Segment0_Name"] == name
