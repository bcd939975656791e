"""A made series of DICOM files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


def write_series(
    folder: Path,
    array: np.ndarray,
    affine: np.ndarray,
    description: str = "t1",
    colour: bool = False,
    positions: list[int] | None = None,
    slopes: list[float] | None = None,
    modality: str = "MR",
) -> None:
    """Write (K, J, I) as one file a slice, in shuffled order; positions: k of each slice.

    slopes: the RescaleSlope of each slice. colour: (K, J, I, 3). Otherwise four dimensions are
    files of several frames, (files, K, J, I).
    """
    folder.mkdir(parents=True, exist_ok=True)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    series, study = generate_uid(), generate_uid()
    places = list(range(len(array))) if positions is None else positions
    for number in np.random.default_rng(3).permutation(len(array)):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID = MRImageStorage
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Modality, dataset.SeriesDescription = modality, description
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SeriesNumber, dataset.InstanceNumber = 1, int(number) + 1
        dataset.ImagePositionPatient = list(np.round((lps @ (0, 0, places[number], 1))[:3], 6))
        dataset.ImageOrientationPatient = list(np.round((lps[:3, :2] / spacing[:2]).T.ravel(), 9))
        dataset.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        dataset.SliceThickness = float(spacing[2])
        dataset.Rows, dataset.Columns = array.shape[1:3] if colour else array.shape[-2:]
        if array.ndim == 4 and not colour:
            dataset.NumberOfFrames = array.shape[1]
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        if slopes is not None:
            dataset.RescaleSlope, dataset.RescaleIntercept = str(slopes[number]), "0"
        bits = 8 if colour else 16
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
        pixels = array[number].astype(np.uint8 if colour else np.uint16)
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / f"{description}{number:03d}", enforce_file_format=True)
