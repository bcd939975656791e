"""Volumes that are no MRI are coloured, and it is said; an MRI is not suspected."""

import warnings

import numpy as np
import pytest

from cli.made import made_head, oblique, write_nifti
from MRIColorizeLib.files import read_volume
from MRIColorizeLib.suspicion import warn_of_no_mri


def labels():
    """A segmentation of the made head: background, shell, core."""
    return np.digitize(made_head(), (150, 500)).astype(np.int16)


def test_a_label_map_is_coloured_and_it_is_said(tmp_path, command):
    path = write_nifti(tmp_path / "labels.nii.gz", labels(), oblique())
    answer = command(path, "--quiet")
    assert answer.code == 0
    assert answer.err.startswith("Warning: ")
    assert "looks like a label map" in answer.err
    assert (tmp_path / "labels_color.nrrd").is_file()


def test_a_coarse_tissue_map_of_a_real_head_is_one(data):
    array = read_volume(data / "head_t1_tiny.nii.gz").array
    with pytest.warns(UserWarning, match="looks like a label map"):
        warn_of_no_mri(np.digitize(array, np.percentile(array, (40, 60, 85))))


def test_a_ct_is_known_by_its_air():
    body = made_head() > 150
    with pytest.warns(UserWarning, match="air in a CT"):
        warn_of_no_mri(np.where(body, made_head() - 200, made_head() - 1000))


@pytest.mark.parametrize("name", ["head_t1_tiny", "neck_t1_crop", "neck_t2_crop"])
def test_an_mri_is_not_suspected(data, name):
    array = read_volume(data / f"{name}.nii.gz").array
    stripped = np.where(array > np.percentile(array, 60), array, 0)
    eight_bits = np.rint(array / array.max() * 255)
    four_bits = np.rint(array / array.max() * 15)
    undershot = np.rint(stripped / array.max() * 255)  # a filter leaves some below the background
    undershot[0, 0, :3] = -4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one in (array, stripped, eight_bits, four_bits, undershot, made_head()):
            warn_of_no_mri(one)


def test_a_folder_of_other_images_is_led_to_the_batch(tmp_path, command):
    write_nifti(tmp_path / "a.nii.gz")
    answer = command(tmp_path)
    assert answer.code == 2
    assert "It holds 1 other image files: `mri-colorize batch`" in answer.sentence()
