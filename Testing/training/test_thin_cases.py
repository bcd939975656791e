"""The slices of a stack coloured again: alone on their own grid, and as thicker slices."""

from types import SimpleNamespace

import numpy as np
import pytest

from MRIColorizeLib.volume import Volume
from training.measure.cases.cases import MRI, Case
from training.measure.cases.learned import Region
from training.measure.colorings.degradations import thick_slices, thin_case
from training.measure.colorings.stacks import ColoredStack


@pytest.fixture(scope="module")
def stack():
    """Coronal slices 4 and 9 of a volume whose value is the number of its coronal slice."""
    array = np.broadcast_to(np.arange(12.0, dtype=np.float32)[None, :, None], (5, 12, 7))
    case = Case(
        name="ramp",
        unit="ramp",
        kind=MRI,
        contrast="T1",
        subject="ramp",
        region=Region.BRAIN,
        volume=Volume(np.ascontiguousarray(array), np.diag([-2.0, -1.0, 3.0, 1.0])),
    )
    index = np.array([4, 9])
    return ColoredStack(
        case=case,
        index=index,
        mri=np.full((2, 5, 7), 0.5, np.float32),
        mask=np.ones((2, 5, 7), dtype=bool),
        tissue=None,
        labels=np.ones((2, 5, 7), dtype=np.uint8),
        truth=None,
        pictures={},
        order=(1, 0, 2),
        grid=(5, 12, 7),
        provenance=SimpleNamespace(plane="coronal"),
    )


def test_the_slices_alone_keep_their_millimetres_and_their_labels(stack):
    case = thin_case(stack)
    assert case.plane == "axial"
    assert case.volume.array.shape == (2, 5, 7)
    assert case.volume.spacing == pytest.approx((2.0, 3.0, 1.0))  # columns, rows, between slices
    assert case.labels is stack.labels


def test_thicker_slices_are_means_over_neighbours(stack):
    case = thick_slices(stack, 5)
    # 5 mm of slices 1 mm apart: two neighbours on both sides, of a ramp the slice itself.
    np.testing.assert_allclose(case.volume.array[0], 4)
    np.testing.assert_allclose(case.volume.array[1], 9)
    wide = thick_slices(stack, 11)  # ends with the volume: slices 4 to 11 about the ninth
    np.testing.assert_allclose(wide.volume.array[1], np.mean(np.arange(4, 12)))
