"""A small good file of every kind that can be read, to be damaged."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from cli.made import made_head
from cli.made_dicom import write_series

# Kind of file: the name to give to the command, and the file whose header is damaged.
KINDS = {
    "NIfTI": ("a.nii", "a.nii"),
    "NIfTI, gzip": ("a.nii.gz", "a.nii.gz"),
    "NIfTI pair": ("a.img", "a.hdr"),
    "Analyze pair": ("a.hdr", "a.hdr"),
    "Analyze pair, .mat": ("a.img", "a.mat"),
    "NRRD": ("a.nrrd", "a.nrrd"),
    "NRRD, gzip": ("a.nrrd", "a.nrrd"),
    "NRRD, detached": ("a.nhdr", "a.nhdr"),
    "MetaImage": ("a.mha", "a.mha"),
    "MetaImage, zlib": ("a.mha", "a.mha"),
    "MetaImage, detached": ("a.mhd", "a.mhd"),
    "MGH": ("a.mgh", "a.mgh"),
    "MGZ": ("a.mgz", "a.mgz"),
    "DICOM": ("series", "series/t1002"),
}
SHAPE = (5, 8, 7)


def write_sample(kind: str, folder: Path) -> Path:
    """Write a good sample of a kind into an empty folder; returns the name to give."""
    array = made_head(SHAPE)
    matrix = np.diag((2.0, 1.5, 3.0, 1.0))
    path = folder / KINDS[kind][0]
    if kind == "DICOM":
        write_series(path, array, matrix)
    elif kind == "Analyze pair":
        nibabel.save(nibabel.AnalyzeImage(array.T, matrix), path)
    elif kind == "Analyze pair, .mat":
        nibabel.save(nibabel.Spm99AnalyzeImage(array.T, matrix), path)
    elif kind == "NIfTI pair":
        nibabel.save(nibabel.Nifti1Pair(array.T, matrix), path)
    elif kind.startswith("NIfTI"):
        nibabel.save(nibabel.Nifti1Image(array.T, matrix), path)
    elif kind.startswith("MG"):
        nibabel.save(nibabel.MGHImage(array.T, matrix), path)
    else:
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 1.5, 3.0))
        sitk.WriteImage(image, str(path), useCompression=kind.endswith(("gzip", "zlib")))
    return path
