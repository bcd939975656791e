"""Conditions of measurement: which cases each keeps, and contrasts made of the labels."""

import pytest

import phantoms
from MRIColorizeLib.tissue import Tissue
from training.measure.cases.cases import labelled_cases, slab_cases
from training.measure.colorings.conditions import CONDITIONS

VOLUMES = [
    phantoms.mri("person_t1", "val", (24, 70, 60)),
    phantoms.mri("brain_ms26_t2", "val", (24, 70, 60)),
    phantoms.cryosection(shape=(8, 90, 80), frames={"train": (0,), "val": (2, 3)}),
]


@pytest.fixture(scope="module")
def mri():
    return next(labelled_cases(VOLUMES, "val"))


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


def test_the_plain_condition_changes_nothing(mri):
    assert CONDITIONS["plain"].change(mri, 1.0) is mri
