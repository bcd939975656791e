"""Source files that are made from others: a picture out of a web page, a volume out of DICOM."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from training.data.sources import NotebookImage, Recipe, SourceError

EMBEDDED_PNG = re.compile(rb"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


def derive(recipe: Recipe, inputs: Sequence[Path], result: Path) -> None:
    """Make `result` from the files that its recipe asks for, in their order.

    Raises SourceError when they are not the files that the recipe was written for.
    """
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(path.read_bytes())
    if digest.hexdigest() != recipe.sha256:
        raise SourceError(f"{inputs[0].name} has another SHA-256 than the recipe was written for.")
    if isinstance(recipe, NotebookImage):
        _crop_embedded(inputs[0].read_bytes(), recipe, result)
    else:
        _convert(inputs, result)


def _crop_embedded(page: bytes, recipe: NotebookImage, result: Path) -> None:
    found = EMBEDDED_PNG.findall(page)
    try:
        with Image.open(io.BytesIO(base64.b64decode(found[recipe.image]))) as picture:
            picture.convert("RGB").crop(recipe.crop).save(result, "PNG")
    except (IndexError, binascii.Error, OSError) as error:
        raise SourceError(f"The page has no picture {recipe.image}: {error}.") from error


def _convert(files: Sequence[Path], result: Path) -> None:
    import SimpleITK as sitk

    try:
        folder = str(files[0].parent)
        ordered = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder)
        sitk.WriteImage(sitk.ReadImage(ordered), str(result), useCompression=True)
    except RuntimeError as error:
        raise SourceError(f"{folder} is no series of DICOM images: {error}.") from error
