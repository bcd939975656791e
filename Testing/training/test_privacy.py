"""What a report may show of a person: no face of a head that is not defaced."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from MRIColorizeLib.tissue import Tissue
from MRIColorizeLib.volume import Volume
from training.measure.cases.cases import MRI, SLAB, Case
from training.measure.cases.learned import Region
from training.measure.colorings.stacks import ColoredStack
from training.measure.report.gallery import may_show


@pytest.fixture
def head():
    """Three slices of a whole head: one through the brain, one with a little of it, one without."""
    mask = np.ones((3, 10, 10), dtype=bool)
    tissue = np.full((3, 10, 10), Tissue.MUSCLE, dtype=np.uint8)
    tissue[0, :5] = Tissue.WHITE_MATTER
    tissue[1, :1] = Tissue.GREY_MATTER
    volume = Volume(np.ones((3, 10, 10), np.float32), np.eye(4))
    case = Case("head_t1_somebody", "u", MRI, "T1", "s", Region.HEAD, volume)
    return ColoredStack(
        case=case,
        index=np.arange(3),
        mri=np.ones((3, 10, 10), np.float32),
        mask=mask,
        tissue=tissue,
        pictures={},
        provenance=SimpleNamespace(plane="axial"),
    )


def _with_case(stack, **changes):
    return dataclasses.replace(stack, case=dataclasses.replace(stack.case, **changes))


def test_of_a_head_only_axial_slices_through_the_brain_are_shown(head):
    assert may_show(head).tolist() == [True, False, False]
    sagittal = dataclasses.replace(head, provenance=SimpleNamespace(plane="sagittal"))
    assert not may_show(sagittal).any()
    assert not may_show(dataclasses.replace(head, tissue=None)).any()


def test_brains_photographs_and_defaced_heads_are_shown_whole(head):
    assert may_show(_with_case(head, region=Region.BRAIN)).all()
    assert may_show(_with_case(head, kind=SLAB)).all()
    assert may_show(_with_case(head, name="head_t1_seg3d_defaced")).all()
