"""Files out beside the colours: the tissue map as a segmentation, and the confidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..network.palettes import Palette
from ..tissue import Tissue, tissue_name
from ..volume import ColorVolume
from .colors import write_nrrd


def write_tissue(color: ColorVolume, palette: Palette, path: str | Path) -> None:
    """Write the tissue map to `.seg.nrrd`: named segments in the palette's colours.

    Slicer opens it as a segmentation; to every other program it is a label map. Tissues that do
    not occur get no segment. Raises InputError without a tissue map, OutputError when the file
    cannot be written.
    """
    if color.tissue is None:
        raise InputError("This model tells no tissues apart; choose another model.")
    last = [n - 1 for n in color.tissue.shape[::-1]]
    extent = f"0 {last[0]} 0 {last[1]} 0 {last[2]}"
    present = [Tissue(code) for code in np.unique(color.tissue) if code != Tissue.BACKGROUND]
    fields = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for number, tissue in enumerate(present):
        segment = {
            "ID": tissue.name,
            "Name": tissue_name(tissue, color.classes).capitalize(),
            "Color": " ".join(f"{value:.6f}" for value in palette.rgb[tissue]),
            "LabelValue": str(int(tissue)),
            "Layer": "0",
            "Extent": extent,
        }
        fields |= {f"Segment{number}_{key}": text for key, text in segment.items()}
    write_nrrd(color.tissue, color, Path(path), fields)


def write_confidence(color: ColorVolume, path: str | Path) -> None:
    """Write the confidence to `.nrrd`: uint8, 0 to 255 for a probability of 0 to 1.

    Raises InputError when the run did not keep it, OutputError when the file cannot be written.
    """
    if color.confidence is None:
        raise InputError("There is no confidence; ask for it, with a model that tells tissues.")
    write_nrrd(color.confidence, color, Path(path), {})
