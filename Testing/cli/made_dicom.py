"""Made DICOM: series of one file a slice, enhanced files of many, mosaics, and what lies beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    RTDoseStorage,
    generate_uid,
)

LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


def geometry(affine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grid in DICOM's words: matrix to LPS (4, 4), directions of rows and columns, spacing."""
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    return lps, np.round((lps[:3, :2] / spacing[:2]).T.ravel(), 9), spacing


def made_image(pixels: np.ndarray, **elements: Any) -> FileDataset:
    """An image of one or more frames without a place: (J, I), (frames, J, I) or (J, I, 3)."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID = meta.MediaStorageSOPClassUID = MRImageStorage
    image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    image.Modality, image.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M", "NORM"]
    image.Rows, image.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    image.SamplesPerPixel = 3 if colour else 1
    image.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        image.PlanarConfiguration = 0
    bits = 8 if colour else 16
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit, image.PixelRepresentation = bits - 1, 0
    image.PixelData = pixels.astype(np.uint8 if colour else np.uint16).tobytes()
    for keyword, value in elements.items():
        setattr(image, keyword, value)
    return image


def write_series(
    folder: Path,
    array: np.ndarray,
    affine: np.ndarray,
    description: str = "t1",
    positions: Sequence[float] | None = None,
    slopes: Sequence[float] | None = None,
    names: str = "{description}{number:03d}",
    change: Callable[[int, FileDataset], object] = lambda number, image: None,
    **elements: Any,
) -> None:
    """Write (K, J, I), or (K, J, I, 3) in colour, as one file a slice in shuffled order.

    positions: k of each slice. slopes: its RescaleSlope. names: of the files. change: is given the
    number of each slice from 0 and its image before it is written. elements: of all images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lps, directions, spacing = geometry(affine)
    series, study = generate_uid(), generate_uid()
    places = list(range(len(array))) if positions is None else positions
    for number in np.random.default_rng(3).permutation(len(array)).tolist():
        image = made_image(array[number], SeriesDescription=description, SeriesNumber=1)
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.InstanceNumber = number + 1
        image.ImagePositionPatient = list(np.round((lps @ (0, 0, places[number], 1))[:3], 6))
        image.ImageOrientationPatient = list(directions)
        image.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        image.SliceThickness = round(float(spacing[2]), 6)
        if slopes is not None:
            image.RescaleSlope, image.RescaleIntercept = str(slopes[number]), "0"
        for keyword, value in elements.items():
            setattr(image, keyword, value)
        change(number, image)
        name = names.format(description=description, number=number)
        image.save_as(folder / name, enforce_file_format=True)


def write_enhanced(
    path: Path,
    frames: np.ndarray,
    affine: np.ndarray,
    positions: Sequence[float] | None = None,
    slopes: Sequence[float] | None = None,
    stacks: Sequence[int] | None = None,
    types: Sequence[str] | None = None,
    change: Callable[[int, Dataset], object] = lambda number, groups: None,
    thickness: float | None = None,
) -> Path:
    """Write frames (n, J, I) into one enhanced file, in their order; positions: k of each.

    types: the last value of each frame's type. change: is given each frame's number and groups.
    thickness: of the slices when it is not their distance.
    """
    lps, directions, spacing = geometry(affine)
    image = made_image(frames, SeriesDescription="enhanced", SeriesNumber=1, InstanceNumber=1)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.NumberOfFrames = len(frames)
    measures = Dataset()
    measures.PixelSpacing = [float(spacing[1]), float(spacing[0])]
    measures.SliceThickness = round(float(spacing[2]), 6) if thickness is None else thickness
    shared = Dataset()
    shared.PixelMeasuresSequence = Items([measures])
    image.SharedFunctionalGroupsSequence = Items([shared])
    groups = []
    for number in range(len(frames)):
        place = number if positions is None else positions[number]
        position = list(np.round((lps @ (0, 0, place, 1))[:3], 6))
        own = Dataset()
        own.FrameContentSequence = _item(
            StackID=str(stacks[number] if stacks else 1),
            InStackPositionNumber=number + 1,
            DimensionIndexValues=[1, number + 1],
        )
        own.PlanePositionSequence = _item(ImagePositionPatient=position)
        own.PlaneOrientationSequence = _item(ImageOrientationPatient=list(directions))
        slope = str(slopes[number] if slopes else 1)
        own.PixelValueTransformationSequence = _item(
            RescaleSlope=slope, RescaleIntercept="0", RescaleType="US"
        )
        kind = types[number] if types else "NONE"
        own.MRImageFrameTypeSequence = _item(FrameType=["ORIGINAL", "PRIMARY", "M", kind])
        change(number, own)
        groups.append(own)
    image.PerFrameFunctionalGroupsSequence = Items(groups)
    image.save_as(path, enforce_file_format=True)
    return path


def write_mosaic(path: Path, array: np.ndarray, affine: np.ndarray) -> Path:
    """Write (K, J, I) as tiles of one sheet, as Siemens does."""
    lps, directions, spacing = geometry(affine)
    across = int(np.ceil(np.sqrt(len(array))))
    rows, columns = array.shape[1:]
    sheet = np.zeros((across * rows, across * columns), array.dtype)
    for number, tile in enumerate(array):
        down, right = divmod(number, across)
        sheet[down * rows :, right * columns :][:rows, :columns] = tile
    corner = (-columns * (across - 1) / 2, -rows * (across - 1) / 2, 0, 1)
    image = made_image(sheet, SeriesDescription="mosaic", SeriesNumber=1, InstanceNumber=1)
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    image.Manufacturer = "SIEMENS"
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.ImagePositionPatient = list(np.round((lps @ corner)[:3], 6))
    image.ImageOrientationPatient = list(directions)
    image.PixelSpacing = [float(spacing[1]), float(spacing[0])]
    image.SliceThickness = image.SpacingBetweenSlices = float(spacing[2])
    private = image.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    private.add_new(0x0A, "US", len(array))
    image.save_as(path, enforce_file_format=True)
    return path


def write_dose(path: Path) -> Path:
    """Write a radiation dose whose header lacks its number of frames."""
    image = made_image(np.full((8, 8), 100), Modality="RTDOSE", SOPClassUID=RTDoseStorage)
    image.SeriesInstanceUID, image.DoseGridScaling = generate_uid(), "0.001"
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing = [1, 1]
    image.save_as(path, enforce_file_format=True)
    return path


def _item(**elements: Any) -> Items:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Items([item])
