"""Photographs of the Visible Human in DICOM: put in order, turned, and freed of gel and scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from scipy.ndimage import label, mean
from skimage.color import rgb2lab

from training.data.cryosection_read import CryosectionError, cut_body, find_body

MOST_PARTS = 8  # pieces of body, scale and labels on one photograph
SMALLEST_MM2 = 100.0  # of a piece of body: a toe
ALIGNED = 0.999  # cosine from which an axis counts as the body's own


@dataclass(frozen=True)
class PhotographStack:
    """Axial photographs of one body, evenly spaced, seen from above.

    rgb: uint8 (K, H, W, 3), black outside the body, near-black in cavities; k from crown to toe,
    rows from anterior to posterior, columns from left to right. body, cavity: bool (K, H, W).
    spacing: float32 (3,) mm in k, j, i order. patient: the body's DICOM identifier.
    """

    rgb: np.ndarray
    body: np.ndarray
    cavity: np.ndarray
    spacing: np.ndarray
    patient: str


@dataclass(frozen=True)
class _Place:
    """Where a photograph lies: height in mm, pixel size in mm, and which axes are to be turned."""

    path: Path
    height: float
    spacing: float
    flipped: tuple[int, ...]
    patient: str


def read_photographs(
    files: Sequence[Path],
    working_mm: float = 1.0,
    every_mm: float = 4.0,
    report: Callable[[str], None] = print,
) -> PhotographStack:
    """Read about one photograph in `every_mm` and reduce it to `working_mm` a pixel.

    Raises CryosectionError when the files are no axial photographs of one body and size.
    """
    places = sorted((_place(path) for path in files), key=lambda place: -place.height)
    if not places:
        raise CryosectionError("There are no photographs to read.")
    if len({(place.patient, place.spacing, place.flipped) for place in places}) > 1:
        raise CryosectionError(
            f"{places[0].path.parent} mixes photographs of several bodies or sizes."
        )
    chosen = _evenly(places, every_mm)
    pictures = []
    for number, place in enumerate(chosen, start=1):
        rgb = np.flip(_pixels(place.path), place.flipped)
        body, gel = find_photographed_body(rgb, place.spacing)
        pictures.append(cut_body(rgb, body, gel, place.spacing, place.spacing / working_mm))
        if number % 20 == 0:
            report(f"{number} of {len(chosen)} photographs are cut out.")
    if len({picture.rgb.shape for picture in pictures}) > 1:
        raise CryosectionError(f"{places[0].path.parent} holds photographs of several sizes.")
    step = (chosen[0].height - chosen[-1].height) / max(len(chosen) - 1, 1) or every_mm
    return PhotographStack(
        np.stack([picture.rgb for picture in pictures]),
        np.stack([picture.body for picture in pictures]),
        np.stack([picture.cavity for picture in pictures]),
        np.array((step, working_mm, working_mm), np.float32),
        chosen[0].patient,
    )


def find_photographed_body(rgb: np.ndarray, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Body and gel, bool (H, W), of a whole photograph with its grey scale and labels.

    In the gel's light whatever is no tissue looks green: the body's pieces have a mean a* above 0.
    """
    body, gel = find_body(rgb, MOST_PARTS)
    pieces, count = label(body)
    if not count:
        return body, gel
    numbers = np.arange(1, count + 1)
    redness = mean(rgb2lab(rgb)[..., 1], pieces, numbers)
    area = np.bincount(pieces.ravel())[1:] * spacing_mm**2
    return np.isin(pieces, numbers[(redness > 0) & (area >= SMALLEST_MM2)]), gel


def _place(path: Path) -> _Place:
    """Geometry of a file, by pydicom: ITK passes over that of a secondary capture."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        row, column = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
        height = float(header.ImagePositionPatient[2])
        down, right = (float(mm) for mm in header.PixelSpacing)
        patient = str(header.PatientID)
    except (pydicom.errors.InvalidDicomError, AttributeError, TypeError, ValueError) as error:
        raise CryosectionError(f"{path} is no DICOM photograph with a position.") from error
    if abs(row[0]) < ALIGNED or abs(column[1]) < ALIGNED or abs(down - right) > 0.01 * down:
        raise CryosectionError(f"{path} is no axial photograph with square pixels.")
    # DICOM counts to the left and to the back.
    flipped = tuple(axis for axis, back in ((0, column[1] < 0), (1, row[0] > 0)) if back)
    return _Place(path, height, down, flipped, patient)


def _evenly(places: Sequence[_Place], every_mm: float) -> list[_Place]:
    """The photographs nearest to every multiple of a distance from the first."""
    depths = np.array([places[0].height - place.height for place in places])
    wanted = np.arange(0, depths[-1] + 0.5 * every_mm, every_mm)
    nearest = np.abs(depths[:, None] - wanted).argmin(axis=0)
    return [places[index] for index in dict.fromkeys(nearest.tolist())]


def _pixels(path: Path) -> np.ndarray:
    """RGB, uint8 (H, W, 3)."""
    try:
        pixels = pydicom.dcmread(path).pixel_array
    except (pydicom.errors.InvalidDicomError, AttributeError, ValueError, RuntimeError) as error:
        raise CryosectionError(f"{path} has no readable pixels: {error}") from error
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise CryosectionError(f"{path} is no colour photograph of 8 bit.")
    return pixels
