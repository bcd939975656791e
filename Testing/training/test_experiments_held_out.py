"""The held-out cases: few slices of each, in the plane asked for, the same for all arms."""

import numpy as np
import pytest
import SimpleITK as sitk

import phantoms
from training.measure.colorings.held_out import held_out

VOLUMES = [
    phantoms.mri("person_t1", "val", (34, 70, 60)),
    phantoms.mri("brain_ms26_t2", "val", (34, 70, 60)),
    phantoms.cryosection(shape=(8, 90, 80), frames={"train": (0,), "val": (2, 3)}),
]


@pytest.mark.parametrize(("plane", "shape"), [("coronal", (34, 60)), ("sagittal", (34, 70))])
def test_other_planes_show_the_mri_alone(plane, shape):
    thin = [held.thin() for held in held_out(VOLUMES, "val", plane=plane)]
    assert {one.case.kind for one in thin} == {"MRI"}
    assert {one.case.volume.array.shape for one in thin} == {(4, *shape)}
    assert {one.case.plane for one in thin} == {plane}


def test_slices_are_pairs_of_neighbours_and_the_same_for_one_subject():
    thin = [one.thin() for one in held_out(VOLUMES, "val") if one.case.subject == "person"]
    assert len(thin) == 4
    for one in thin:
        assert np.diff(one.index)[::2].tolist() == [1, 1]
        assert (one.index == thin[0].index).all()
        assert one.case.mask.any(axis=(1, 2)).all()


def test_the_test_part_is_read_from_files(tmp_path, monkeypatch):
    head = phantoms.mri(shape=(24, 70, 60))
    image = sitk.GetImageFromArray(head.image)
    image.SetSpacing((2, 2, 2))
    (tmp_path / "mri").mkdir()
    sitk.WriteImage(image, str(tmp_path / "mri" / "person_t1.nii.gz"))
    monkeypatch.setattr("training.measure.colorings.held_out.TEST_VOLUMES", ("person_t1",))
    frames = {"train": (0,), "test": (2, 3)}
    volumes = [phantoms.cryosection(shape=(8, 90, 80), frames=frames)]
    thin = [held.thin() for held in held_out(volumes, "test", tmp_path)]
    assert [one.case.kind for one in thin] == ["cryosection"] * 3 + ["MRI"]
    scan = thin[-1].case
    assert scan.labels is None
    assert scan.volume.array.shape == scan.mask.shape == (4, 70, 60)
    assert scan.mask.mean() == pytest.approx((head.labels[thin[-1].index] > 0).mean(), rel=0.1)
    with pytest.raises(ValueError, match="give --data"):
        next(held_out(volumes, "test"))
