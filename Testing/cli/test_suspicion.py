"""Volumes that are no MRI, and what else is doubtful, are coloured, and it is said."""

import warnings

import numpy as np
import pytest

from cli.made import made_head, oblique, write_nifti
from MRIColorizeLib.engine import suspicion
from MRIColorizeLib.engine.certainty import Certainty
from MRIColorizeLib.engine.suspicion import (
    LEAST_CONFIDENCE,
    MOST_OF_ONE_TISSUE,
    warn_of_no_mri,
    warn_of_size,
    warn_of_the_unknown,
)
from MRIColorizeLib.files.reading import read_volume


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


def test_a_ct_whose_air_is_one_value_is_known_by_its_fat():
    inner = made_head() % 20 - np.where(made_head() > 400, 0, 100)
    with pytest.warns(UserWarning, match="air in a CT"):
        warn_of_no_mri(np.where(made_head() > 150, inner, -1000))


def test_an_mri_with_a_padding_of_hounsfield_s_air_is_no_ct():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_no_mri(np.where(made_head() > 150, made_head(), -1024))


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


def test_a_volume_without_air_asks_for_a_mask_once(tmp_path, command):
    values = 200 + np.random.default_rng(0).normal(0, 9, (14, 18, 16))
    path = write_nifti(tmp_path / "crop.nii.gz", values.astype(np.int16))
    answer = command(path, "--quiet")
    assert answer.code == 0
    assert answer.err.count("Warning: ") == 1
    assert "(--mask)" in answer.err
    mask = write_nifti(tmp_path / "all.nii.gz", np.ones((14, 18, 16), dtype=np.uint8))
    assert command(path, "--quiet", "--mask", mask).err == ""


@pytest.mark.parametrize(
    ("millimetres", "length", "unit"),
    [
        (0.002, "0.18", "in metres"),
        (0.2, "18", "in centimetres, or the scan is of a small animal"),
        (30, "2700", "in tenths of a millimetre"),
        (2000, "180000", "in micrometres"),
    ],
)
def test_a_size_that_nothing_human_has_is_told_with_the_likely_unit(millimetres, length, unit):
    body = np.zeros((90, 100, 80), dtype=bool)
    body[2:80, 5:95, 4:76] = True
    with pytest.warns(UserWarning, match=f" {length} mm long.*{unit}"):
        warn_of_size(body, (millimetres,) * 3)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.5, 3.0), (2.0, 2.0, 20.0)])
@pytest.mark.parametrize("shape", [(90, 100, 80), (10, 12, 8), (1, 90, 60)])
def test_human_parts_and_crops_of_them_have_no_suspicious_size(shape, spacing):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_size(np.ones(shape, dtype=bool), spacing)


def test_voxels_in_metres_are_told_on_the_command_line(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz", made_head(), np.diag([0.01, 0.01, 0.01, 1]))
    answer = command(path, "--quiet")
    assert answer.err.count("Warning: ") == 1
    assert "0.01x0.01x0.01 mm is probably in metres" in answer.err


def certainty(probability, tissues):
    """What a network made of a volume: one probability, these numbers of voxels of tissues."""
    result = Certainty()
    for code, count in tissues.items():
        levels = np.full(count, round(255 * probability), np.uint8)
        result.add(levels, np.full(count, code, np.uint8))
    return result


@pytest.fixture
def limits(monkeypatch):
    """The limits as they are in use."""
    monkeypatch.setattr(suspicion, "LEAST_CONFIDENCE", LEAST_CONFIDENCE)
    monkeypatch.setattr(suspicion, "MOST_OF_ONE_TISSUE", MOST_OF_ONE_TISSUE)


@pytest.mark.parametrize(
    ("probability", "tissues", "reason"),
    [
        (0.5, {2: 50, 3: 50}, "mean confidence is 0.50"),
        (0.9, {2: 90, 3: 10}, "90 % of it is one tissue"),
    ],
)
def test_what_is_unlike_the_training_is_told_in_one_sentence(limits, probability, tissues, reason):
    with pytest.warns(UserWarning, match=f"unlike anything .*{reason}"):
        warn_of_the_unknown(certainty(probability, tissues))


def test_what_is_like_the_training_and_a_network_without_tissues_are_not_told_of(limits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_the_unknown(certainty(0.62, {2: 70, 3: 30}))
        warn_of_the_unknown(Certainty())


def test_noise_is_coloured_and_it_is_said(limits, tmp_path, command):
    noise = np.random.default_rng(0).rayleigh(100, (14, 40, 40)).astype(np.int16)
    path = write_nifti(tmp_path / "noise.nii.gz", noise, oblique())
    answer = command(path, "--model", "visible-human-head", "--fast", "--quiet")
    assert answer.code == 0
    assert "unlike anything the model was trained on" in answer.err


def test_what_was_found_is_summed_up():
    both = certainty(0.8, {2: 30, 3: 10})
    both.add(np.full(10, 51, np.uint8), np.full(10, 3, np.uint8))
    assert both.mean == pytest.approx(0.68)
    assert both.unsure == pytest.approx(0.2)
    assert both.largest == pytest.approx(0.6)
