"""NIfTI, Analyze and MGH in, by nibabel: it notices files cut off that ITK fills with zeros."""

from __future__ import annotations

import gzip
import logging
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError
from ..network.card import regular_size
from ..volume import Volume
from .headers import Declared, check_declared
from .kinds import PAIR_SUFFIXES, READABLE, damaged, refuse_geometry, refuse_kind, stem, suffix
from .nifti_place import NiftiForms, NiftiVolume, analyze_forms, place_of
from .packages import require
from .slabs import read_slabs

Stream = IO[bytes] | gzip.GzipFile
GZIP = b"\x1f\x8b"
MGH_SUFFIXES = (".mgh", ".mgz")
MAT = ".mat"  # SPM's: the geometry of an Analyze file
MAX_MAT_BYTES = 1 << 16  # it holds two matrices of 4x4; packed, it may unpack a thousandfold
GOOD_RAS = slice(28, 30)  # of an MGH header: whether its geometry was set


def read_nibabel(path: Path) -> Volume:
    """Read a 3D scalar volume; of NIfTI and Analyze with the forms that state its place.

    What is compressed is told from the content and not from the name. Raises InputError.
    """
    # It logs what it repairs in a header; what matters is checked here.
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
    if suffix(path) in PAIR_SUFFIXES:
        mat = _check_pair(path)
        return _read(path, _loaded_pair(path, mat), mat)
    with _unpacked(path) as stream:
        return _read(path, _loaded(path, stream), None)


def _read(path: Path, image: Any, mat: Path | None) -> Volume:
    header = image.header
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    dtype = image.get_data_dtype()
    components = len(dtype.fields) if dtype.fields else 1
    if len(shape) == 5 and shape[3] == 1:  # NIfTI keeps vectors in its fifth dimension
        shape, components = shape[:3], shape[4]
    refuse_kind(path, shape, components, dtype.kind == "c", color=bool(dtype.fields))
    if 0 in shape:
        raise InputError(f"{path} has a size of zero; give a volume with voxels.")
    forms: NiftiForms | None = None
    if "sform_code" in header:
        forms = NiftiForms.of(_as_stored(image))
        affine = place_of(path, header, forms, shape)
    else:
        affine = _affine_of(path, image, mat)
    refuse_geometry(path, affine)
    if forms is None and suffix(path) in PAIR_SUFFIXES:
        forms = analyze_forms(path, affine, header, mat is not None)
    _check_voxels(path, image)
    # A single file's voxels follow its header; the offset 0 stands for that.
    first = header.single_vox_offset if getattr(header, "is_single", False) else 0
    try:
        array = read_slabs(image.dataobj, shape, max(image.dataobj.offset, first))
    except MemoryError:
        raise
    except Exception as error:
        raise damaged(path) from error
    return Volume(array, affine) if forms is None else NiftiVolume(array, affine, forms)


def _no_image(path: Path, mat: Path | None = None) -> InputError:
    damaged_part = "its header" if mat is None else f"its header or {mat.name}"
    return InputError(f"{path} is not an image or {damaged_part} is damaged; give {READABLE}.")


def _loaded_pair(path: Path, mat: Path | None) -> Any:
    """nibabel's image of a header and a file of voxels, which may have a .mat."""
    import nibabel

    try:
        return nibabel.load(path)
    except Exception as error:  # as in _loaded
        raise _no_image(path, mat) from error


def _loaded(path: Path, given: Stream) -> Any:
    """nibabel's image of a stream that holds both header and voxels."""
    import nibabel

    try:
        if suffix(path) in MGH_SUFFIXES:
            _check_good_ras(path, given)
            return nibabel.MGHImage.from_stream(given)
        begin = given.read(nibabel.Nifti2Header.sizeof_hdr)
        given.seek(0)
        second = nibabel.Nifti2Image.header_class.may_contain_header(begin)
        return (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_stream(given)
    # Of a damaged header nibabel raises whatever happens to go wrong. It reads no voxels here: what
    # runs out of memory is the size that a damaged extension declares.
    except Exception as error:
        raise _no_image(path) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Stream]:
    """The file, unpacked as it is read where it begins like gzip, whatever its name says."""
    with path.open("rb") as file:
        if not _is_packed(path):
            yield file
            return
        with gzip.GzipFile(fileobj=file) as stream:
            try:
                twice = stream.read(2) == GZIP
                stream.seek(0)
            except (OSError, EOFError, zlib.error) as error:
                raise damaged(path) from error
            if twice:
                raise InputError(f"{path} was compressed twice; unpack it once with gunzip.")
            yield stream


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP


def _as_stored(image: Any) -> Any:
    """The NIfTI header without what nibabel repaired in it."""
    kind = type(image.header)
    holder = image.file_map.get("header") or image.file_map["image"]
    with holder.get_prepare_fileobj("rb") as file:
        return kind(file.read(kind.sizeof_hdr), check=False)


def _check_good_ras(path: Path, stream: Stream) -> None:
    """Warn when an MGH header says that its geometry was never set; FreeSurfer assumes it then."""
    if stream.read(GOOD_RAS.stop)[GOOD_RAS] == bytes(2):
        warnings.warn(
            f"{path} does not say where it lies: taken as coronal slices of 1 mm, as FreeSurfer "
            "does; check left and right.",
            stacklevel=4,
        )
    stream.seek(0)


def _check_pair(path: Path) -> Path | None:
    """The pair's .mat, if it has one; raises InputError for pipes and devices beside it.

    nibabel opens what has the same name.
    """
    sidecar: Path | None = None
    for ending in (*PAIR_SUFFIXES, MAT):
        for name in (stem(path) + ending, stem(path) + ending.upper()):
            other = path.with_name(name)
            if other.exists() and not other.is_file():
                raise InputError(f"{other}, which belongs to {path.name}, is no file; correct it.")
            if ending == MAT and other.exists() and other.stat().st_size > 0:
                sidecar = other
    if sidecar is not None:
        if sidecar.stat().st_size > MAX_MAT_BYTES:
            raise InputError(f"{sidecar} is too large for the place of {path.name}; correct it.")
        require({"scipy": "scipy"})
    return sidecar


def _affine_of(path: Path, image: Any, mat: Path | None) -> np.ndarray:
    """ijk_to_ras (4, 4) of Analyze and MGH; a .mat may hold anything."""
    try:
        affine = np.asarray(image.affine, dtype=np.float64)
    except (TypeError, ValueError):
        affine = np.zeros((4, 4))
    if affine.shape != (4, 4) or not np.array_equal(affine[3], (0, 0, 0, 1)):
        raise InputError(f"{mat or path} holds no affine matrix of 4x4; correct it.")
    return affine


def _check_voxels(path: Path, image: Any) -> None:
    """Hold what the header declares against the file that has the voxels."""
    place = Path(image.file_map["image"].filename or path)
    try:
        stored = regular_size(place)
    except OSError as error:
        raise InputError(f"{place}, with the voxels of {path}, is missing; add it.") from error
    count = math.prod(int(length) for length in image.shape)  # MGH gives 32-bit numbers
    voxels = count * image.get_data_dtype().itemsize
    check_declared(path, Declared(count, voxels, stored, _is_packed(place)))
