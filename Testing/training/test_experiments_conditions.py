"""Conditions of measurement: each changes the MRI as it says, and the truth along with it."""

import numpy as np
import pytest
import SimpleITK as sitk

import phantoms
from MRIColorizeLib.tissue import Tissue
from training.evaluate.cases import labelled_cases, slab_cases
from training.evaluate.conditions import field_of_view
from training.experiments.conditions import CONDITIONS
from training.experiments.held_out import held_out

VOLUMES = [
    phantoms.mri("person_t1", "val", (24, 70, 60)),
    phantoms.mri("brain_ms26_t2", "val", (24, 70, 60)),
    phantoms.cryosection(shape=(8, 90, 80), frames={"train": (0,), "val": (2, 3)}),
]


@pytest.fixture(scope="module")
def mri():
    return next(labelled_cases(VOLUMES, "val"))


@pytest.fixture(scope="module")
def slab():
    return next(slab_cases(VOLUMES, "val"))


@pytest.mark.parametrize("side", [256, 64])
@pytest.mark.parametrize("raw", [True, False])
def test_a_field_of_view_keeps_the_body_whole_on_its_own_pixels(slab, side, raw):
    seen = field_of_view(side, raw)(slab, 1.0)
    assert seen.volume.array.shape == seen.labels.shape == seen.mask.shape == (2, side, side)
    assert seen.truth.shape == (2, side, side, 3)
    rows, columns = (np.flatnonzero(seen.mask[0].any(axis=axis)) for axis in (1, 0))
    longer = max(len(rows), len(columns))
    assert longer == pytest.approx(side / 1.06, abs=2)
    assert rows[0] + rows[-1] == pytest.approx(side - 1, abs=2)  # in the middle
    step = seen.volume.spacing[0]
    before = slab.mask[0].sum() * slab.volume.spacing[0] * slab.volume.spacing[1]
    if raw:
        assert step == 1.0  # the network sees these very pixels
    else:
        assert seen.mask[0].sum() * step**2 == pytest.approx(before, rel=0.03)
    assert seen.labels[0][seen.mask[0]].min() > 0
    assert not seen.truth[~seen.mask].any()


def test_truth_and_labels_stay_registered_at_fewer_pixels(slab):
    seen = field_of_view(64, True)(slab, 1.0)
    for tissue in (Tissue.SKIN, Tissue.WHITE_MATTER):
        own = seen.truth[seen.labels == tissue].astype(float)
        true = slab.truth[slab.labels == tissue].astype(float)
        assert np.median(own, axis=0) == pytest.approx(np.median(true, axis=0), abs=4)


def test_scans_are_chosen_by_contrast_and_by_lesions():
    cases = list(labelled_cases(VOLUMES, "val"))

    def left(name):
        changed = (CONDITIONS[name].change(case, 1.0) for case in cases)
        return [case.name for case in changed if case is not None]

    assert left("scan-t1") == ["person_t1"]
    assert left("scan-t2") == left("lesions") == ["brain_ms26_t2"]
    assert len(left("plain")) == len(cases)


def test_an_unseen_contrast_is_made_once_of_the_labels():
    cases = [*slab_cases(VOLUMES, "val"), *labelled_cases(VOLUMES, "val")]
    changed = [CONDITIONS["contrast-negative"].change(case, 1.0) for case in cases]
    made = [case for case in changed if case is not None]
    assert [case.name for case in made] == ["photo_002_t1", "person_t1_synthetic_t1"]
    array, labels = made[1].volume.array, made[1].labels
    order = [Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.BONE]  # darkest first: a T1 reversed
    levels = [array[labels == tissue].mean() for tissue in order]
    assert levels == sorted(levels)
    assert (labels == next(c for c in cases if c.name == made[1].name).labels).all()


@pytest.mark.parametrize(("plane", "shape"), [("coronal", (24, 60)), ("sagittal", (24, 70))])
def test_other_planes_show_the_mri_alone(plane, shape):
    thin = held_out(VOLUMES, "val", plane=plane)
    assert {one.case.kind for one in thin} == {"MRI"}
    assert {one.case.volume.array.shape for one in thin} == {(4, *shape)}
    assert {one.case.plane for one in thin} == {plane}


def test_slices_are_pairs_of_neighbours_and_the_same_for_one_subject():
    thin = [one for one in held_out(VOLUMES, "val") if one.case.subject == "person"]
    assert len(thin) == 4
    for one in thin:
        assert np.diff(one.index)[::2].tolist() == [1, 1]
        assert (one.index == thin[0].index).all()
        assert one.case.mask.any(axis=(1, 2)).all()


def test_the_plain_condition_changes_nothing(mri):
    assert CONDITIONS["plain"].change(mri, 1.0) is mri


def test_the_test_part_is_read_from_files(tmp_path, monkeypatch):
    head = phantoms.mri(shape=(24, 70, 60))
    image = sitk.GetImageFromArray(head.image)
    image.SetSpacing((2, 2, 2))
    (tmp_path / "mri").mkdir()
    sitk.WriteImage(image, str(tmp_path / "mri" / "person_t1.nii.gz"))
    monkeypatch.setattr("training.experiments.held_out.TEST_VOLUMES", ("person_t1",))
    frames = {"train": (0,), "test": (2, 3)}
    volumes = [phantoms.cryosection(shape=(8, 90, 80), frames=frames)]
    thin = held_out(volumes, "test", tmp_path)
    assert [one.case.kind for one in thin] == ["cryosection"] * 3 + ["MRI"]
    scan = thin[-1].case
    assert scan.labels is None
    assert scan.volume.array.shape == scan.mask.shape == (4, 70, 60)
    assert scan.mask.mean() == pytest.approx((head.labels[thin[-1].index] > 0).mean(), rel=0.1)
    with pytest.raises(ValueError, match="give --data"):
        held_out(volumes, "test")
