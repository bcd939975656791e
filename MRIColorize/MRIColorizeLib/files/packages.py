"""Python packages that only a part of the command line needs: there, or told in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from ..errors import DependencyError

# What is imported, and what pip calls it.
FOR_COMMAND = {"nibabel": "nibabel", "nrrd": "pynrrd", "PIL": "pillow", "tqdm": "tqdm"}
# A person who has NIfTI needs none of these.
FOR_DICOM = {"dcm2niix": "dcm2niix", "pydicom": "pydicom", "nibabel": "nibabel"}
FOR_DICOM_OUT = {**FOR_DICOM, "highdicom": "highdicom"}
FOR_BATCH = {**FOR_COMMAND, "distributed": "distributed"}
FOR_SLURM = {"dask_jobqueue": "dask-jobqueue"}


def require(packages: Mapping[str, str]) -> None:
    """Raise DependencyError, which says how to install them, when some are missing."""
    missing = [package for name, package in packages.items() if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"Python packages are missing; install them with: pip install {' '.join(missing)}."
        )
