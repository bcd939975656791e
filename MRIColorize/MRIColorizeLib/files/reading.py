"""Files in: a path becomes a Volume, or one sentence says why it cannot."""

from __future__ import annotations

import re
import stat
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .dicom.headers import looks_like_dicom
from .foreign import begins_like_nifti, check_foreign
from .headers import check_text_header
from .kinds import (
    LPS_RAS,
    NIBABEL_SUFFIXES,
    READABLE,
    TEXT_SUFFIXES,
    TIFF_SUFFIXES,
    check_name,
    damaged,
    refuse_geometry,
    refuse_kind,
    suffix,
)
from .silence import silenced

if TYPE_CHECKING:
    import SimpleITK as sitk

# What ITK calls an NRRD's kind of the axis that became the components.
PIXEL_KIND = "NRRD_kinds[pixel]"


def read_volume(path: str | Path, layers: bool = False, series: str | None = None) -> Volume:
    """Read one 3D scalar volume: array (K, J, I) float32, ijk_to_ras in mm.

    path: NIfTI, NRRD, MHA/MHD, MGZ/MGH, a DICOM file, or a folder of DICOM (the largest scan).
    layers: of a segmentation whose segments overlap, kept in several layers, take the largest
    value of each voxel. series: number or name of the series to take of a folder of DICOM.
    Raises InputError with one sentence for everything that is not a 3D scalar volume.
    """
    path = Path(path)
    check_name(path)
    try:
        if path.is_dir():
            from .dicom.folder import read_folder

            return read_folder(path, series)
        status = path.stat()
        # Opening a pipe would wait for ever, and a device never ends.
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no file; give {READABLE}.")
        if status.st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); give {READABLE}.")
        check_foreign(path)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to a file that is not there; fetch it (git-annex and DataLad "
                "with: git annex get)."
            ) from error
        raise InputError(f"{path} does not exist; give {READABLE}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check it.") from error
    if suffix(path) not in (*NIBABEL_SUFFIXES, *TEXT_SUFFIXES) and looks_like_dicom(path):
        from .dicom.folder import read_file

        return read_file(path, series)
    if series is not None:
        raise InputError(f"{path} is no DICOM, which alone has series; leave out --series.")
    if suffix(path) in NIBABEL_SUFFIXES or (not suffix(path) and begins_like_nifti(path)):
        from .nifti import read_nibabel

        return read_nibabel(path)
    if suffix(path) not in TEXT_SUFFIXES:
        return _read_with_itk(path, layers)
    turn = np.diag((*check_text_header(path).turn, 1.0))
    volume = _read_with_itk(path, layers)
    return replace(volume, ijk_to_ras=turn @ volume.ijk_to_ras)


def _read_with_itk(path: Path, layers: bool = False) -> Volume:
    """One file of any format that ITK knows, but DICOM.

    layers: as in `read_volume`.
    """
    import SimpleITK as sitk

    # ITK's own warnings go straight to the terminal; what matters is checked here.
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    header = sitk.ImageFileReader()
    header.SetFileName(str(path))
    if path.suffix in (".MHA", ".MHD"):  # which ITK knows in small letters only
        header.SetImageIO("MetaImageIO")
    try:
        with silenced():
            header.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    size = header.GetSize()
    complex_numbers = "complex" in sitk.GetPixelIDValueAsString(header.GetPixelID())
    components = 1 if complex_numbers else header.GetNumberOfComponents()
    layered = layers and components > 1 and _is_list(header)
    if layered:
        components = 1
    dimensions = header.GetDimension()
    while dimensions > 3 and size[dimensions - 1] == 1:
        dimensions -= 1
    color = not layered and _is_color(header, components)
    refuse_kind(path, size[:dimensions], components, complex_numbers, color)
    if path.suffix.lower() in TIFF_SUFFIXES:
        warnings.warn(
            f"{path} does not say how large its voxels are and how they lie: they are taken as "
            "1 mm; check left and right.",
            stacklevel=2,
        )
    refuse_geometry(path, _affine_of(header))
    try:
        with silenced() as said:
            image = header.Execute()
            # MetaIO says so and goes on with whatever was in the memory.
            if "Uncompress failed" in said():
                raise damaged(path)
    except RuntimeError as error:
        raise damaged(path) from error
    array = sitk.GetArrayViewFromImage(image)
    array = (array.max(axis=-1) if layered else array).astype(np.float32)
    return Volume(array.reshape(array.shape[-3:]), _affine_of(image))


def _unreadable(path: Path, error: RuntimeError) -> InputError:
    """What ITK cannot read; of an NRRD with the reason, which is the last of what it says."""
    said = re.findall(r"^\[nrrd\] \w+: (.*\S)", str(error), re.MULTILINE)
    if said:
        return InputError(
            f"{path} is no NRRD that ITK reads ({said[-1][:200]}); correct its header."
        )
    return InputError(f"{path} is not an image or its header is damaged; give {READABLE}.")


def _says(header: sitk.ImageFileReader, key: str) -> str:
    return header.GetMetaData(key) if header.HasMetaDataKey(key) else ""


def _is_list(header: sitk.ImageFileReader) -> bool:
    """Whether an NRRD's voxels hold lists, as those of a segmentation in layers, and no colours."""
    return _says(header, PIXEL_KIND) == "list"


def _is_color(header: sitk.ImageFileReader, components: int) -> bool:
    """Whether several numbers in a voxel are a colour: called so, or whole ones above 0."""
    import SimpleITK as sitk

    if components == 1 or _is_list(header):
        return False
    if "color" in _says(header, PIXEL_KIND).lower():
        return True
    whole = (sitk.sitkVectorUInt8, sitk.sitkVectorUInt16)
    return components in (3, 4) and header.GetPixelID() in whole


def _affine_of(image: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    """ijk_to_ras (4, 4) of an ITK image, or of a reader that has read its header."""
    dimensions = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(dimensions, dimensions)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(image.GetSpacing())[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return LPS_RAS @ affine
