"""What the host's own tests share: a made volume and the sample module."""

from pathlib import Path

import numpy as np
import pytest

SAMPLE = Path(__file__).parent / "sample_module" / "TintSample.py"
SHAPE = (14, 18, 16)  # K, J, I


@pytest.fixture
def sample_path():
    """The sample module's file."""
    return SAMPLE


@pytest.fixture
def volume(host):
    """A scalar volume node: an ellipsoid of 100 with a core of 200, in a grid of 2, 3 and 4 mm."""
    import slicer

    axes = np.meshgrid(*(np.linspace(-1.2, 1.2, n) for n in SHAPE), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    array = np.where(radius < 0.5, 200, np.where(radius < 1, 100, 0)).astype(np.int16)
    ijk_to_ras = np.diag([2.0, 3.0, 4.0, 1.0])
    return slicer.util.addVolumeFromArray(array, ijk_to_ras, "ellipsoid")
