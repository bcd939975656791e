"""Files out: a ColorVolume becomes an NRRD or NIfTI file in colour, whole or not at all."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import OutputError
from ..provenance import provenance_fields
from ..staging import atomic
from ..volume import ColorVolume
from .kinds import LPS_RAS, suffix
from .nifti_place import NiftiForms
from .slabs import write_gzipped

COLOR_SUFFIXES = (".nrrd", ".nii.gz", ".nii", ".dcm")
# Levels above this take several times as long and save a few per cent.
COMPRESSION = 4


def write_color(color: ColorVolume, path: str | Path, forms: NiftiForms | None = None) -> None:
    """Write RGB with the input's geometry to `.nrrd` (kind RGB-color) or `.nii.gz` (RGB24).

    Both are colour, not vectors, to Slicer. forms: of the NIfTI file that was coloured, which a
    NIfTI of the colours states again, so that every program lays one on the other. Raises
    OutputError; then nothing is left behind.
    """
    path = Path(path)
    if suffix(path) == ".nrrd":
        write_nrrd(color.array, color, path, {})
    elif suffix(path) in (".nii.gz", ".nii"):
        with atomic(path) as temporary:
            _write_nifti(color, temporary, forms, compress=suffix(path) == ".nii.gz")
    else:
        raise OutputError(f"{path} is no colour format; name it .nrrd or .nii.gz.")


def write_nrrd(
    array: np.ndarray, color: ColorVolume, path: Path, fields: Mapping[str, str]
) -> None:
    """Write an array on the colour volume's grid to `.nrrd`, gzip-compressed.

    array: (K, J, I) scalars or (K, J, I, 3) RGB; fields: key/value pairs for the header beside the
    provenance. The same array gives the same bytes. Raises OutputError.
    """
    import nrrd

    lps = LPS_RAS @ color.ijk_to_ras
    rgb = array.ndim == 4
    directions = lps[:3, :3].T
    header = {
        "space": "left-posterior-superior",
        "space directions": np.vstack((np.full(3, np.nan), directions)) if rgb else directions,
        "space origin": lps[:3, 3],
        "kinds": [*(["RGB-color"] if rgb else []), "domain", "domain", "domain"],
        "encoding": "gzip",
        **_provenance(color),
        **fields,
    }
    # The header of a single voxel, whose sizes are then set right: pynrrd would write the whole
    # volume from copies of it. (K, J, I, 3) in C order is what NRRD calls sizes 3 I J K.
    file = io.BytesIO()
    nrrd.write(file, array[:1, :1, :1], header, index_order="C")
    sizes = f"sizes: {' '.join(str(n) for n in reversed(array.shape))}".encode()
    lines = [
        sizes if line.startswith(b"sizes:") else line
        for line in file.getvalue().split(b"\n\n", 1)[0].split(b"\n")
        # pynrrd's comments hold the time of day; the same array shall give the same bytes.
        if not line.startswith(b"#")
    ]
    with atomic(path) as temporary, temporary.open("wb") as written:
        written.write(b"\n".join(lines) + b"\n\n")
        write_gzipped(array, written, COMPRESSION)


def _write_nifti(color: ColorVolume, path: Path, forms: NiftiForms | None, compress: bool) -> None:
    import nibabel

    rgb24 = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels = np.ascontiguousarray(color.array).view(rgb24)[..., 0].T  # (I, J, K)
    image = nibabel.Nifti1Image(voxels, None)  # with an affine it would write over the forms
    header = image.header
    if forms is None:
        header.set_xyzt_units("mm")
        header.set_sform(color.ijk_to_ras, code="scanner")
        # A qform cannot hold shear; it gets the nearest rotation then, and the sform the truth.
        header.set_qform(color.ijk_to_ras, code="scanner", strip_shears=True)
    else:
        forms.put(header)
    said = f"MRIColorize {color.provenance.model_name}: not for diagnosis"
    header["descrip"] = said.encode("ascii", "backslashreplace")[:79]
    comment = "\n".join(f"{key}: {text}" for key, text in _provenance(color).items())
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", comment.encode()))
    with path.open("wb") as written:
        if compress:
            with gzip.GzipFile("", "wb", COMPRESSION, written, mtime=0) as packed:
                image.to_stream(packed)
        else:
            image.to_stream(written)


def _provenance(color: ColorVolume) -> dict[str, str]:
    """Header keys as Slicer's nodes have them: it takes those of an NRRD over when it loads it."""
    fields = provenance_fields(color.provenance)
    # NRRD headers are ASCII, and names of palettes may be any text.
    return {
        f"MRIColorize.{key}": text.encode("ascii", "backslashreplace").decode()
        for key, text in fields.items()
    }
