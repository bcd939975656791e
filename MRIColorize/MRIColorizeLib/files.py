"""Files in: a path becomes a Volume, or one sentence says why it cannot."""

from __future__ import annotations

import logging
import math
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .declared import Declared, check_declared, check_text_header
from .dicom_headers import looks_like_dicom
from .errors import InputError
from .silence import silenced
from .slabs import read_slabs
from .volume import Volume
from .weights import regular_size

if TYPE_CHECKING:
    import SimpleITK as sitk

PAIR_SUFFIXES = (".hdr", ".img")
NIFTI_SUFFIXES = (".nii", ".nii.gz", *PAIR_SUFFIXES)
PACKED_SUFFIXES = (".nii.gz", ".mgz")
TEXT_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
NIBABEL_SUFFIXES = (*NIFTI_SUFFIXES, ".mgz", ".mgh")
IMAGE_SUFFIXES = (*NIBABEL_SUFFIXES, *TEXT_SUFFIXES, ".dcm")
READABLE = "a NIfTI, NRRD, MHA or MGZ file, or a folder of DICOM"
# ITK's world is LPS, ours is RAS.
LPS_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


def suffix(path: Path) -> str:
    """The image suffix of a file name in lower case, `.nii.gz` whole, or "" when it has none."""
    name = path.name.lower()
    known = [ending for ending in IMAGE_SUFFIXES if name.endswith(ending)]
    return max(known, key=len, default="")


def stem(path: Path) -> str:
    """The file or folder name without its image suffix."""
    return path.name[: len(path.name) - len(suffix(path))] or path.name


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
            from .dicom import read_folder

            return read_folder(path, series)
        status = path.stat()
        # Opening a pipe would wait for ever, and a device never ends.
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no file; give {READABLE}.")
        if status.st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); give {READABLE}.")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give {READABLE}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check it.") from error
    if suffix(path) not in (*NIBABEL_SUFFIXES, *TEXT_SUFFIXES) and looks_like_dicom(path):
        from .dicom import read_file

        return read_file(path, series)
    if series is not None:
        raise InputError(f"{path} is no DICOM, which alone has series; leave out --series.")
    if suffix(path) in PAIR_SUFFIXES:
        _check_pair(path)
    if suffix(path) in NIBABEL_SUFFIXES:
        return _read_with_nibabel(path)
    if suffix(path) in TEXT_SUFFIXES:
        check_text_header(path)
    return _read_with_itk(path, layers)


def _check_pair(path: Path) -> None:
    """Refuse a pair with a pipe or a device in it: nibabel opens what has the same name."""
    for ending in (*PAIR_SUFFIXES, ".mat"):  # .mat: the geometry of an older Analyze
        for other in (path.with_suffix(ending), path.with_suffix(ending.upper())):
            if other.exists() and not other.is_file():
                raise InputError(f"{other}, which belongs to {path.name}, is no file; correct it.")


def check_name(path: Path) -> None:
    """Refuse names that are no text: they would end the process inside of ITK."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"The name of {path} is not UTF-8; rename it.") from error


def _read_with_nibabel(path: Path) -> Volume:
    """NIfTI and MGZ. nibabel notices a file that was cut off; ITK would fill it with zeros."""
    import nibabel

    # It logs what it repairs in a header; what matters is checked here.
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
    try:
        image: Any = nibabel.load(path)
    # Of a damaged header nibabel raises whatever happens to go wrong. It reads no voxels here: what
    # runs out of memory is the size that a damaged extension declares.
    except Exception as error:
        raise InputError(
            f"{path} is not an image or its header is damaged; give {READABLE}."
        ) from error
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    dtype = image.get_data_dtype()
    components = len(dtype.fields) if dtype.fields else 1
    if len(shape) == 5 and shape[3] == 1:  # NIfTI keeps vectors in its fifth dimension
        shape, components = shape[:3], shape[4]
    _refuse_kind(path, len(shape), shape, components, dtype.kind == "c")
    if 0 in shape:
        raise InputError(f"{path} has a size of zero; give a volume with voxels.")
    affine = np.asarray(image.affine, dtype=np.float64)
    _refuse_geometry(path, affine)
    _check_voxels(path, image)
    try:
        array = read_slabs(image.dataobj, shape)
    except MemoryError:
        raise
    except Exception as error:
        raise _damaged(path) from error
    if suffix(path) in NIFTI_SUFFIXES:
        affine = _itk_affine(path, affine)
    return Volume(array, affine)


def _check_voxels(path: Path, image: Any) -> None:
    """Hold what the header declares against the file that has the voxels."""
    place = Path(image.file_map["image"].filename)
    try:
        stored = regular_size(place)
    except OSError as error:
        raise InputError(f"{place}, with the voxels of {path}, is missing; add it.") from error
    count = math.prod(int(length) for length in image.shape)  # MGH gives 32-bit numbers
    packed = suffix(place) in PACKED_SUFFIXES
    voxels = count * image.get_data_dtype().itemsize
    check_declared(path, Declared(count, voxels, stored, packed))


def _itk_affine(path: Path, affine: np.ndarray) -> np.ndarray:
    """Where ITK (and so Slicer) puts a NIfTI that has both an sform and a qform.

    ITK refuses sheared axes; for those the given affine (the sform first) stays.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with silenced():
            reader.ReadImageInformation()
    except RuntimeError:
        return affine
    itk = _affine_of(reader)
    return itk if np.isfinite(itk).all() else affine


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
        raise InputError(
            f"{path} is not an image or its header is damaged; give {READABLE}."
        ) from error
    size = header.GetSize()
    complex_numbers = "complex" in sitk.GetPixelIDValueAsString(header.GetPixelID())
    components = 1 if complex_numbers else header.GetNumberOfComponents()
    layered = layers and components > 1 and _is_list(header)
    if layered:
        components = 1
    dimensions = header.GetDimension()
    while dimensions > 3 and size[dimensions - 1] == 1:
        dimensions -= 1
    _refuse_kind(path, dimensions, size, components, complex_numbers)
    _refuse_geometry(path, _affine_of(header))
    try:
        with silenced() as said:
            image = header.Execute()
            # MetaIO says so and goes on with whatever was in the memory.
            if "Uncompress failed" in said():
                raise _damaged(path)
    except RuntimeError as error:
        raise _damaged(path) from error
    array = sitk.GetArrayViewFromImage(image)
    array = (array.max(axis=-1) if layered else array).astype(np.float32)
    return Volume(array.reshape(array.shape[-3:]), _affine_of(image))


def _is_list(header: sitk.ImageFileReader) -> bool:
    """Whether an NRRD's voxels hold lists, as those of a segmentation in layers, and no colours."""
    key = "NRRD_kinds[pixel]"  # of the axis that became the components
    return header.HasMetaDataKey(key) and header.GetMetaData(key) == "list"


def _affine_of(image: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    """ijk_to_ras (4, 4) of an ITK image, or of a reader that has read its header."""
    dimensions = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(dimensions, dimensions)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(image.GetSpacing())[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return LPS_RAS @ affine


def _refuse_kind(
    path: Path, dimensions: int, size: tuple[int, ...], components: int, complex_numbers: bool
) -> None:
    if complex_numbers:
        raise InputError(f"{path} holds complex numbers; give the magnitude image.")
    if components in (3, 4):
        raise InputError(f"{path} is already a colour image; give the grey MRI it was made from.")
    if components != 1:
        raise InputError(f"{path} has {components} values in each voxel; give a volume with one.")
    if dimensions < 3:
        raise InputError(f"{path} is a {dimensions}D picture; give a 3D volume.")
    if dimensions > 3:
        frames = "x".join(str(n) for n in size[3:])
        raise InputError(
            f"{path} has {dimensions} dimensions ({frames} volumes); give one of them as a 3D "
            "file, or colour all of them in Slicer."
        )


def _refuse_geometry(path: Path, affine: np.ndarray) -> None:
    """ITK would refuse or repair such a header with less of a sentence."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (lengths == 0).any():
        raise InputError(f"{path} has a zero or non-finite spacing; correct its header.")
    if abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        raise InputError(f"{path} has singular axis directions; correct its header.")


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged or cut off; its voxels cannot be read.")
