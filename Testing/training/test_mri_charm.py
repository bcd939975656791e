"""A head from a CHARM label map: fat where fat lies, air in its holes, nothing outside."""

import numpy as np
import pytest

from MRIColorizeLib.tissue import Tissue
from training.data.mri_brain import T1_ORDER
from training.data.mri_charm import label_charm_head
from training.data.mri_read import Scan
from training.data.mri_recipes import RecipeError, another_contrast, charm_head

SKIN, SOFT, BONE, BRAIN, EYE = 511, 507, 515, 2, 506


@pytest.fixture
def codes():
    """A ball of shells in 1 mm voxels: skin, scalp, skull, white matter; a neck of soft tissue."""
    k, j, i = np.indices((64, 64, 64)) - 32
    radius = np.sqrt(k**2 + j**2 + i**2)
    head = np.select([radius < 18, radius < 21, radius < 26, radius < 28], [2, BONE, SOFT, SKIN], 0)
    neck = (np.abs(j) < 14) & (np.abs(i) < 14) & (k < 0) & (head == 0)
    head[neck] = SOFT
    head[32, 32, 32] = 0  # a hole
    return head


def test_the_scalp_over_the_skull_is_fat_and_the_deep_neck_muscle(codes):
    labels = label_charm_head(codes, np.ones(3))
    assert labels[32 + 23, 32, 32] == Tissue.FAT
    assert labels[1, 32, 32] == Tissue.MUSCLE


def test_soft_tissue_around_the_eyes_is_fat(codes):
    codes[2:4, 31:33, 31:33] = EYE
    labels = label_charm_head(codes, np.ones(3))
    assert labels[2, 31, 31] == Tissue.CSF
    assert labels[3, 32, 36] == Tissue.FAT


def test_holes_are_air_and_specks_outside_vanish(codes):
    codes[60, 2, 2] = SKIN
    labels = label_charm_head(codes, np.ones(3))
    assert labels[32, 32, 32] == Tissue.AIR
    assert labels[60, 2, 2] == Tissue.BACKGROUND
    assert labels[32, 32, 40] == Tissue.WHITE_MATTER


def test_the_recipe_takes_codes_that_were_stored_as_floats(codes):
    scan = Scan(codes.astype(np.float32), np.diag([1.0, 1.0, 1.0, 1.0]))
    found = charm_head()(scan, None, None)
    np.testing.assert_array_equal(found, label_charm_head(codes, np.ones(3)))


def test_another_contrast_gets_the_labels_of_its_t1():
    t1 = Scan(np.ones((4, 5, 6), np.float32), np.eye(4))
    t2 = Scan(np.zeros((4, 5, 6), np.float32), np.eye(4))

    def by_t1(scan, labels, atlas):
        assert scan is t1
        assert labels is None
        return np.full(scan.array.shape, T1_ORDER[0], np.uint8)

    assert (another_contrast(by_t1)(t2, t1, None) == T1_ORDER[0]).all()
    with pytest.raises(RecipeError):
        another_contrast(by_t1)(t2, None, None)
