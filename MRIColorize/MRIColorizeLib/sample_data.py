"""The head that ships with the module, offered through Slicer's Sample Data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

SAMPLE_NAME = "MRIColorizeHead"
SAMPLE_FILE = "head_t1_seg3d_defaced.nii.gz"
SAMPLE_SHA256 = "56ac78228a4744aff9e3124977e4f35a3813a8ccd8719449321b8d1ef3b7e03a"


def registerSampleData() -> None:
    """Offer the head in the Sample Data module; nothing is fetched."""
    import SampleData  # type: ignore[import-not-found]  # one of Slicer's modules

    resources = Path(__file__).resolve().parents[1] / "Resources"
    if hasattr(SampleData.SampleDataLogic, "registerCustomSampleDataCategory"):  # newer only
        SampleData.SampleDataLogic.registerCustomSampleDataCategory(
            "MRIColorize", title=_("MRI Colorize")
        )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MRIColorize",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(resources / "Icons" / "MRIColorize.png"),
        uris=(resources / "Sample" / SAMPLE_FILE).as_uri(),
        fileNames=SAMPLE_FILE,
        checksums=f"SHA256:{SAMPLE_SHA256}",
        nodeNames=SAMPLE_NAME,
    )


def loadSample() -> Any:
    """Load the head that ships, once: returns the volume that is in the scene already, if any."""
    import SampleData  # one of Slicer's modules

    present = slicer.util.getFirstNodeByName(SAMPLE_NAME, "vtkMRMLScalarVolumeNode")
    if present is not None:
        return present
    if "MRIColorize" not in slicer.modules.sampleDataSources:  # start-up is not over yet
        registerSampleData()
    return SampleData.SampleDataLogic().downloadSample(SAMPLE_NAME)
