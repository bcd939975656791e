"""The head that ships with the module, offered through Slicer's Sample Data."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..resources import PACKAGE

SAMPLE_NAME = "MRIColorizeHead"
SAMPLE_FILE = "head_t1_seg3d_defaced.nii.gz"
SAMPLE_SHA256 = "56ac78228a4744aff9e3124977e4f35a3813a8ccd8719449321b8d1ef3b7e03a"


def registerSampleData() -> None:
    """Offer the head in the Sample Data module; nothing is fetched."""
    import SampleData  # type: ignore[import-not-found]  # one of Slicer's modules

    resources = PACKAGE.parent / "Resources"
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
        loadFileTypes="VolumeFile",  # other readers take .nii.gz as well
    )


def loadSample() -> Any:
    """Load the head that ships, once: returns the volume that is in the scene already, if any.

    Raises InputError when Slicer could not load it.
    """
    import SampleData  # one of Slicer's modules

    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        if node.GetName() == SAMPLE_NAME and node.GetClassName() == "vtkMRMLScalarVolumeNode":
            return node
    if "MRIColorize" not in slicer.modules.sampleDataSources:  # start-up is not over yet
        registerSampleData()
    node, reason = None, None
    try:
        node = SampleData.SampleDataLogic().downloadSample(SAMPLE_NAME)
    except Exception as error:  # of many kinds: an IndexError where nothing was loaded
        reason = error
    if node is None:
        raise InputError(
            _(
                "The sample could not be loaded: see whether Slicer's cache folder (Edit > "
                "Application Settings > Cache) can be written and has room."
            )
        ) from reason
    return node
