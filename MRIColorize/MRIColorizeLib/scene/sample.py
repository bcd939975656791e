"""The head that ships with the module, offered through Slicer's Sample Data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..resources import PACKAGE
from .nodes import ATTRIBUTE_PREFIX

SAMPLE_NAME = "MRIColorizeHead"
SAMPLE = ATTRIBUTE_PREFIX + "Sample"  # attribute of the volume
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

    It is called SAMPLE_NAME unless something else is. Raises InputError when it was not loaded.
    """
    node = find_sample() or _load()
    node.SetAttribute(SAMPLE, SAMPLE_NAME)
    if slicer.mrmlScene.GetFirstNodeByName(SAMPLE_NAME) is None:
        # To Slicer a name stays used until the scene is closed, and it takes another one.
        node.SetName(SAMPLE_NAME)
    return node


def find_sample() -> Any:
    """The sample in the scene, whatever it is called; None when it is not there."""
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        storage = node.GetStorageNode()
        path = storage.GetFileName() if storage is not None else None
        # The one that Slicer's own Sample Data module has loaded is told by its file.
        if node.GetAttribute(SAMPLE) or (path and Path(path).name == SAMPLE_FILE):
            return node
    return None


def _load() -> Any:
    import SampleData  # one of Slicer's modules

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
