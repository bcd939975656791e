"""DICOM out: colours as a series of their own, the tissue map as a segmentation, beside the scan.

Both get the patient, the study and the frame of reference of the images that were coloured.
The colours are one multi-frame true-colour secondary capture: in the standard its functional groups
say where each slice lies. Single-frame secondary captures have no place there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import __version__
from ...errors import InputError
from ...network.palettes import Palette
from ...provenance import provenance_fields
from ...staging import atomic
from ...terminology import tissue_terms
from ...tissue import Tissue, tissue_name
from ...volume import ColorVolume, Volume
from ..kinds import LPS_RAS
from ..packages import FOR_DICOM_OUT, require
from .headers import ImageFile
from .source import Exam, read_exam

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAKER = "MRIColorize"
COLORS_SERIES = "Synthetic tissue colours: not for diagnosis"
TISSUE_SERIES = "Synthetic tissue map: not for diagnosis"
# The letters of a direction towards negative and positive x, y, z of DICOM.
LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))
MAX_SIDE, MAX_BYTES = 2**16 - 1, 2**32 - 2  # of an image in DICOM


def check_source(volume: Volume) -> None:
    """Raise InputError when results of this volume cannot be DICOM.

    Raises DependencyError when highdicom is missing.
    """
    require(FOR_DICOM_OUT)
    read_exam(volume)
    if max(volume.array.shape) > MAX_SIDE or 3 * volume.array.size > MAX_BYTES:
        raise InputError(
            "The volume is too large for one DICOM image; choose --format nrrd or nii.gz."
        )


def write_dicom_colors(volume: Volume, color: ColorVolume, path: Path) -> None:
    """Write the colours as RGB, a frame for each k, under the exam of `volume`.

    Raises InputError when the volume is not of DICOM, OutputError when the file cannot be written.
    """
    import highdicom as hd
    from pydicom.uid import ExplicitVRLittleEndian, MultiFrameTrueColorSecondaryCaptureImageStorage

    exam = read_exam(volume)
    image = hd.base.SOPClass(
        **_series(exam, 1, COLORS_SERIES),
        sop_class_uid=MultiFrameTrueColorSecondaryCaptureImageStorage,
        modality="OT",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    _put_under(image, exam.header)
    image.FrameOfReferenceUID = exam.header.FrameOfReferenceUID
    image.PositionReferenceIndicator = exam.header.get("PositionReferenceIndicator", "")
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ConversionType = "SYN"
    image.BurnedInAnnotation = "NO"
    image.DerivationDescription = _derivation(color)
    image.PatientOrientation = [_letter(axis) for axis in _axes(color)]
    count, rows, columns = color.array.shape[:3]
    image.NumberOfFrames, image.Rows, image.Columns = count, rows, columns
    image.FrameIncrementPointer = 0x52009230  # each frame's own functional groups
    image.SamplesPerPixel, image.PhotometricInterpretation = 3, "RGB"
    image.PlanarConfiguration = image.PixelRepresentation = 0
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    image.LossyImageCompression = "00"
    measures, orientation, positions = _geometry(color)
    image.SharedFunctionalGroupsSequence = [
        _item(PixelMeasuresSequence=measures, PlaneOrientationSequence=orientation)
    ]
    image.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=position) for position in positions
    ]
    _refer(image, exam)
    pixels = color.array.tobytes()
    image.PixelData = pixels + b"\0" * (len(pixels) % 2)
    with atomic(path) as temporary:
        image.save_as(temporary, enforce_file_format=True)


def write_dicom_tissue(volume: Volume, color: ColorVolume, palette: Palette, path: Path) -> None:
    """Write the tissue map as a binary DICOM SEG, a segment for each tissue that is there.

    Segments carry SNOMED CT codes and the palette's colours. Raises InputError when the volume is
    not of DICOM or no tissue was found, OutputError when the file cannot be written.
    """
    import highdicom as hd

    if color.tissue is None:
        raise InputError("This model tells no tissues apart; choose another model.")
    present = [Tissue(code) for code in np.unique(color.tissue) if code != Tissue.BACKGROUND]
    if not present:
        raise InputError("No tissue was found, and a DICOM segmentation of none is not allowed.")
    numbers = np.zeros(max(Tissue) + 1, np.uint8)
    numbers[present] = np.arange(1, len(present) + 1)
    exam = read_exam(volume)
    measures, orientation, positions = _geometry(color)
    image = hd.seg.Segmentation(
        source_images=list(_source_images(exam, color, measures[0].SliceThickness)),
        pixel_array=numbers[color.tissue],
        segmentation_type="BINARY",
        segment_descriptions=list(_segments(color, present, palette)),
        content_label="TISSUES",
        content_description=TISSUE_SERIES,
        content_creator_name=f"{MAKER}^",
        pixel_measures=measures,
        plane_orientation=orientation,
        plane_positions=positions,
        **_series(exam, 2, TISSUE_SERIES, of_study=False),
        manufacturer_model_name=color.provenance.model_name,
        software_versions=__version__,
        device_serial_number=color.provenance.model_version,
    )
    _put_under(image, exam.header)
    image.ReferencedSeriesSequence = [_references(exam)]
    if not all(_is_slice(file, color) for file in exam.sources):
        # The stand-ins of `_source_images` are no images that a frame could lie on.
        for frame in image.PerFrameFunctionalGroupsSequence:
            frame.DerivationImageSequence = []
    with atomic(path) as temporary:
        image.save_as(temporary, enforce_file_format=True)


def _series(exam: Exam, nth: int, description: str, of_study: bool = True) -> dict[str, Any]:
    """A new series and its only instance, in highdicom's words; of_study: with the study's UID."""
    import highdicom as hd

    number = exam.sources[0].number or 0
    named: dict[str, Any] = {
        "series_instance_uid": hd.UID(),
        # The scanner's numbers are small: the results of series 5 are 501 and 502.
        "series_number": 100 * max(0, min(number, 10**7)) + nth,
        "sop_instance_uid": hd.UID(),
        "instance_number": 1,
        "manufacturer": MAKER,
        "series_description": description,
    }
    if of_study:
        named |= {
            "study_instance_uid": exam.header.StudyInstanceUID,
            "software_versions": __version__,
        }
    return named


def _put_under(image: Any, header: Dataset) -> None:
    """Copy what the header says of the patient and the study, letter by letter.

    highdicom refuses values that it does not know, as a sex of "U"; they stay as they are.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import MRImageStorage

    modules = Dataset()
    modules.update(header)
    modules.SOPClassUID = MRImageStorage  # whose list of attributes is taken
    image.copy_patient_and_study_information(modules)
    for keyword in ("SpecificCharacterSet", "BodyPartExamined", "Laterality"):
        if keyword in header:
            image[keyword] = header[keyword]


def _refer(image: Any, exam: Exam) -> None:
    """Name the images that were coloured, in the two places where viewers look for them."""
    image.ReferencedSeriesSequence = [_references(exam)]
    purpose = _item(
        CodeValue="121322",
        CodingSchemeDesignator="DCM",
        CodeMeaning="Source image for image processing operation",
    )
    sources = [_reference(file) for file in exam.sources]
    for source in sources:
        source.PurposeOfReferenceCodeSequence = [purpose]
    image.SourceImageSequence = sources


def _references(exam: Exam) -> Dataset:
    return _item(
        SeriesInstanceUID=exam.sources[0].series,
        ReferencedInstanceSequence=[_reference(file) for file in exam.sources],
    )


def _is_slice(file: ImageFile, color: ColorVolume) -> bool:
    """Whether a file is one slice of the volume, as enhanced files and mosaics are not."""
    return file.frames == 1 and (file.rows, file.columns) == color.array.shape[1:3]


def _reference(file: ImageFile) -> Dataset:
    return _item(ReferencedSOPClassUID=file.sop_class, ReferencedSOPInstanceUID=file.identity)


def _source_images(exam: Exam, color: ColorVolume, apart: float) -> Iterator[Dataset]:
    """The sources as highdicom needs them, single slices all.

    By their places each frame of the segmentation names the image that it lies on; enhanced files
    and mosaics have stand-ins. apart: the distance of slices in mm, which highdicom takes from here
    where the grids are alike.
    """
    from pydicom.uid import MRImageStorage

    for file in exam.sources:
        image = _item(
            SOPClassUID=file.sop_class if _is_slice(file, color) else MRImageStorage,
            SOPInstanceUID=file.identity,
            StudyInstanceUID=exam.header.StudyInstanceUID,
            SeriesInstanceUID=file.series,
            FrameOfReferenceUID=exam.header.FrameOfReferenceUID,
            PositionReferenceIndicator=exam.header.get("PositionReferenceIndicator", ""),
            Modality=file.modality or "MR",
            Rows=color.array.shape[1],
            Columns=color.array.shape[2],
            ImagePositionPatient=[float(n) for n in np.nan_to_num(file.positions[0])],
            ImageOrientationPatient=[float(n) for n in file.directions[0]],
            PixelSpacing=[float(n) for n in file.spacings[0]],
            SliceThickness=apart,
            SpacingBetweenSlices=apart,
        )
        for keyword in ("ID", "Name", "BirthDate", "Sex"):  # the header's own are put in later
            setattr(image, f"Patient{keyword}", "")
        for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            setattr(image, keyword, None)
        yield image


def _segments(color: ColorVolume, present: list[Tissue], palette: Palette) -> Iterator[Any]:
    import highdicom as hd
    from pydicom.sr.coding import Code

    provenance = color.provenance
    algorithm = hd.AlgorithmIdentificationSequence(
        name=f"{MAKER} {provenance.model_name}",
        version=provenance.model_version,
        family=Code("123109", "DCM", "Artificial Intelligence"),
    )
    for number, tissue in enumerate(present, start=1):
        category, kind = (
            Code(code, "SCT", meaning) for code, meaning in tissue_terms(tissue, color.classes)
        )
        yield hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=tissue_name(tissue, color.classes).capitalize(),
            segmented_property_category=category,
            segmented_property_type=kind,
            algorithm_type="AUTOMATIC",
            algorithm_identification=algorithm,
            tracking_uid=hd.UID(),
            tracking_id=tissue.name,
            display_color=hd.color.CIELabColor(*(float(n) for n in palette.lab[tissue])),
        )


def _axes(color: ColorVolume) -> tuple[np.ndarray, np.ndarray]:
    """Directions along a row and along a column, in LPS."""
    lps = (LPS_RAS @ color.ijk_to_ras)[:3, :2]
    row, column = (lps / np.linalg.norm(lps, axis=0)).T
    return row, column


def _geometry(color: ColorVolume) -> tuple[Any, Any, list[Any]]:
    """Pixel measures, plane orientation, and the place of every slice, as functional groups."""
    import highdicom as hd

    lps = LPS_RAS @ color.ijk_to_ras
    row, column = _axes(color)
    apart = abs(float(np.cross(row, column) @ lps[:3, 2]))  # slices of a sheared volume too
    across, down = np.linalg.norm(lps[:3, :2], axis=0)
    measures = hd.PixelMeasuresSequence((float(down), float(across)), apart, apart)
    orientation = hd.PlaneOrientationSequence("PATIENT", [float(n) for n in (*row, *column)])
    positions = [
        hd.PlanePositionSequence("PATIENT", [float(n) for n in lps[:3, 3] + k * lps[:3, 2]])
        for k in range(color.array.shape[0])
    ]
    return measures, orientation, positions


def _letter(axis: np.ndarray) -> str:
    """Where a direction mainly points: to the patient's L, R, A, P, H or F."""
    largest = int(np.abs(axis).argmax())
    return LETTERS[largest][int(axis[largest] > 0)]


def _derivation(color: ColorVolume) -> str:
    """How the colours were made, in a text of DICOM (1024 letters)."""
    told = "; ".join(f"{key} {text}" for key, text in provenance_fields(color.provenance).items())
    return told.encode("ascii", "replace").decode()[:1024]


def _item(**elements: Any) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item
