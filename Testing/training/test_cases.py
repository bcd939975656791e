"""What a split consists of: slabs with a gap, synthetic contrasts, the slices that are measured."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import phantoms
from MRIColorizeLib.tissue import Tissue
from training.measure.cases.cases import (
    contrast_and_subject,
    file_cases,
    labelled_cases,
    slab_cases,
    slabs,
)
from training.measure.cases.origins import NO_FINDING, UNKNOWN, finding_of
from training.measure.cases.synthetic import INTENSITIES, fine_structure, synthetic_mri
from training.measure.colorings.selection import choose_slices, slices_with_body


@pytest.fixture(scope="module")
def stack():
    return phantoms.cryosection(
        shape=(9, 60, 50), frames={"train": (0, 8), "val": (2, 3, 5), "test": (6,)}
    )


def test_a_slab_is_a_run_of_neighbouring_frames(stack):
    assert slabs([7, 2, 3, 8, 5]) == [[2, 3], [5], [7, 8]]
    cases = list(slab_cases([stack], "val"))
    assert [case.name for case in cases[::3]] == ["photo_002_t1", "photo_005_t1"]
    assert [case.contrast for case in cases[:3]] == ["T1", "T2", "FLAIR"]
    assert len({case.unit for case in cases}) == 2
    assert cases[0].volume.array.shape == (2, 60, 50)
    np.testing.assert_array_equal(cases[0].labels, stack.labels[[2, 3]])


def test_no_frame_of_the_training_is_measured(stack):
    for split in ("val", "test"):
        for case in slab_cases([stack], split):
            assert not {case.first} & set(stack.indices("train"))


def test_a_slab_beside_a_training_frame_is_refused(stack):
    entry = dataclasses.replace(stack.entry, frames={"train": (4,), "val": (5,)})
    close = dataclasses.replace(stack, entry=entry)
    with pytest.raises(ValueError, match=r"frames \[5\] of val lie beside training frames \[4\]"):
        list(slab_cases([close], "val"))


def test_a_labelled_scan_comes_in_its_own_and_in_synthetic_contrasts_on_one_grid():
    cases = list(labelled_cases(phantoms.training_set(), "val"))
    assert [case.contrast for case in cases] == ["?", *(f"synthetic {c}" for c in INTENSITIES)]
    assert [case.weighting for case in cases] == ["?", *INTENSITIES]
    assert len({case.subject for case in cases}) == 1
    assert {case.unit for case in cases} == {cases[0].subject}  # one person, one label map
    for case in cases:
        assert case.truth.shape == (*case.volume.array.shape, 3)
        assert case.truth[~case.mask].max() == 0
    assert not list(labelled_cases(phantoms.training_set(), "test"))


def test_labels_without_a_scan_and_other_contrasts_of_a_person_are_not_made_up():
    t1, t2 = (phantoms.mri(f"brain_anna_{name}", "val") for name in ("t1", "t2"))
    alone = phantoms.mri("head_made", "val")
    alone = dataclasses.replace(alone, image=np.zeros_like(alone.image))
    cases = list(labelled_cases([t1, t2, alone], "val"))
    synthetic = [f"synthetic {contrast}" for contrast in INTENSITIES]
    assert [case.contrast for case in cases] == ["T1", *synthetic, "T2", *synthetic]
    assert [case.subject for case in cases] == ["brain_anna"] * 5 + ["head_made"] * 3


def test_a_volume_that_is_missing_is_said_before_any_is_read(tmp_path):
    with pytest.raises(Exception, match="no volume nobody"):
        file_cases(tmp_path, ["nobody"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brain_stroke_t1", ("T1", "brain_stroke")),
        ("brain_stroke_flair", ("FLAIR", "brain_stroke")),
        ("head_t1_seg3d_defaced", ("T1", "head_seg3d_defaced")),
        ("t2", ("T2", "t2")),
        ("chest", ("?", "chest")),
    ],
)
def test_contrast_and_person_are_read_from_the_name(name, expected):
    assert contrast_and_subject(name) == expected


# The synthetic MRI


@pytest.mark.parametrize("contrast", INTENSITIES)
def test_every_tissue_has_its_intensity_and_the_outside_none(contrast):
    labels = phantoms.mri().labels
    image = synthetic_mri(labels, contrast, np.zeros(labels.shape), "phantom")
    assert image.dtype == np.float32
    assert image[labels == 0].max() == 0
    for tissue in (Tissue.GREY_MATTER, Tissue.WHITE_MATTER):
        expected = INTENSITIES[contrast][tissue]
        assert np.median(image[labels == tissue]) == pytest.approx(expected, rel=0.2)


def test_contrasts_order_the_tissues_as_a_scanner_does():
    def signal(contrast, tissue):
        return INTENSITIES[contrast][tissue]

    grey, white, fluid = Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF
    assert signal("T1", white) > signal("T1", grey) > signal("T1", fluid)
    assert signal("T2", fluid) > signal("T2", grey) > signal("T2", white)
    assert signal("FLAIR", grey) > signal("FLAIR", white) > signal("FLAIR", fluid)


def test_the_same_name_gives_the_same_mri_and_another_name_another_noise():
    labels = phantoms.mri(shape=(4, 20, 20)).labels
    detail = np.zeros(labels.shape)
    first = synthetic_mri(labels, "T1", detail, "a")
    np.testing.assert_array_equal(first, synthetic_mri(labels, "T1", detail, "a"))
    assert np.abs(first - synthetic_mri(labels, "T1", detail, "b"))[labels > 0].mean() > 0.01


def test_fine_structure_is_what_a_flat_picture_lacks():
    labels = np.ones((1, 20, 20), np.uint8)
    flat = np.full((1, 20, 20, 3), 0.5)
    np.testing.assert_allclose(fine_structure(flat, labels), 0, atol=1e-6)
    dotted = flat.copy()
    dotted[0, 10, 10] = 0.9
    found = fine_structure(dotted, labels)
    assert found.argmax() == 10 * 20 + 10
    assert found.max() > 0.3


# The slices


def test_slices_with_hardly_any_body_are_left_out():
    mask = np.zeros((3, 10, 10), dtype=bool)
    mask[0, 0, :4] = True  # 4 % of the fullest
    mask[1] = True
    np.testing.assert_array_equal(slices_with_body(mask), [1])
    assert slices_with_body(np.zeros((2, 4, 4), dtype=bool)).size == 0


@pytest.mark.parametrize("count", [2, 6, 7, 16])
def test_measured_slices_are_pairs_of_neighbours_spread_over_the_body(count):
    mask = np.zeros((100, 4, 4), dtype=bool)
    mask[10:90] = True
    chosen = choose_slices(mask, count)
    assert len(chosen) == count // 2 * 2
    pairs = chosen.reshape(-1, 2)
    np.testing.assert_array_equal(pairs[:, 1] - pairs[:, 0], 1)
    assert chosen.min() >= 10
    assert chosen.max() < 90
    gaps = np.diff(np.concatenate(([10], pairs[:, 0], [89])))
    assert gaps.max() - gaps.min() <= 3


def test_all_slices_are_measured_when_asked_or_when_there_are_few():
    mask = np.ones((5, 4, 4), dtype=bool)
    for count in (0, 5, 50):
        np.testing.assert_array_equal(choose_slices(mask, count), range(5))
    np.testing.assert_array_equal(choose_slices(mask, 1), [2])


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("brain_ms26_t2", "multiple sclerosis"),
        ("brain_stroke_flair", "chronic stroke"),
        ("fetal_t2_atlas_testonly", "unborn"),
        ("head_t1_seg3d_defaced", NO_FINDING),
        ("somebody_t1", UNKNOWN),
    ],
)
def test_a_disease_is_that_of_the_list(name, finding):
    assert finding_of(SimpleNamespace(name=name, synthetic=False)) == finding
    assert finding_of(SimpleNamespace(name=name, synthetic=True)) == NO_FINDING
