"""A volume that came from DICOM, and the exam that results are put under: patient, study, place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InputError
from ...volume import Volume
from .headers import ImageFile

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


# What ties an image to an exam.
NEEDED = {
    "StudyInstanceUID": "study",
    "SeriesInstanceUID": "series",
    "SOPInstanceUID": "image",
    "FrameOfReferenceUID": "frame of reference",
}
# MR and enhanced MR, in colour and converted to enhanced too; CT, which is coloured when asked for.
_STORAGE = "1.2.840.10008.5.1.4.1.1."
SOP_CLASSES = {_STORAGE + last for last in ("4", "4.1", "4.3", "4.4", "2", "2.1", "2.2")}


@dataclass(frozen=True)
class DicomVolume(Volume):
    """A volume of DICOM; sources: the files that hold its slices, each once, from the lowest k."""

    sources: tuple[ImageFile, ...]


@dataclass(frozen=True)
class Exam:
    """What results are put under; header: of the first source, without its pixels."""

    header: Dataset
    sources: tuple[ImageFile, ...]


def read_exam(volume: Volume) -> Exam:
    """The exam of a volume.

    Raises InputError with one sentence where results cannot be put beside it: the volume is not of
    DICOM, or its header does not say of which study, series and frame of reference it is.
    """
    if not isinstance(volume, DicomVolume):
        raise InputError(
            "Results in DICOM need DICOM as their input, whose patient and study they get; choose "
            "--format nrrd or nii.gz."
        )
    import pydicom

    file = volume.sources[0]
    try:
        # The series was read before, so this header is sound.
        header = pydicom.dcmread(file.path, stop_before_pixels=True, force=True)
    except OSError as error:
        raise InputError(f"{file.path} cannot be opened ({error.strerror}); check it.") from error
    if file.sop_class not in SOP_CLASSES:
        raise InputError(
            f"{file.path} is of a kind of image (SOP class {file.sop_class or 'unknown'}) that "
            "results in DICOM cannot be put beside; choose --format nrrd or nii.gz."
        )
    for keyword, name in NEEDED.items():
        if not str(header.get(keyword) or "").strip():
            raise InputError(
                f"{file.path} does not say of which {name} it is ({keyword}), so that results in "
                "DICOM cannot be put beside it; choose --format nrrd or nii.gz."
            )
    return Exam(header, volume.sources)
