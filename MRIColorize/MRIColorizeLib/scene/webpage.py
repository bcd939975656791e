"""A colour volume of the scene as a web page: its MRI, its colours, and its tissue map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..cielab import rgb_to_lab
from ..errors import InputError
from ..files.webpage import write_page
from ..network.palettes import Palette
from ..options import DEFAULTS
from ..provenance import Provenance
from ..tissue import PALETTE_LAB
from ..volume import ColorVolume
from .nodes import ATTRIBUTE_PREFIX, Node, ijk_to_ras, input_or, read_volume
from .rendering import body_of
from .results import tissue_of
from .tissues import tissues_in


def save_web_page(colorNode: Node, path: Path, mriNode: Node | None = None) -> None:
    """Write a colour volume as an HTML file that opens offline in any browser.

    mriNode: the MRI of colours that know none, as from a file. The legend shows the tissue map that
    was made with the colours; without one there is no legend. Raises InputError where there is no
    MRI on the colours' grid, OutputError.
    """
    image = colorNode.GetImageData() if colorNode is not None else None
    if image is None or image.GetNumberOfScalarComponents() != 3:
        raise InputError(_("Only a colour volume can be saved as a web page: colour an MRI first."))
    known = input_or(colorNode, mriNode)
    if known is None:
        raise InputError(
            _("{name} has no MRI on its grid: choose the MRI that it was made from.").format(
                name=colorNode.GetName()
            )
        )
    volume = read_volume(known)
    rgb = np.array(slicer.util.arrayFromVolume(colorNode))
    tissue = _tissues(colorNode)
    told = _told(colorNode)
    color = ColorVolume(
        rgb,
        body_of(colorNode, rgb, volume),
        tissue,
        ijk_to_ras(colorNode),
        Provenance(told.get("Model", ""), "", "", "", "", 0, 0.0, DEFAULTS),
    )
    palette = None if tissue is None else _palette(colorNode)
    write_page(volume, color, palette, path, colorNode.GetName(), told)


def _tissues(colorNode: Node) -> np.ndarray | None:
    """Codes of the tissue map on the colours' grid, uint8 (K, J, I); None when there is none."""
    node = tissue_of(colorNode)
    if node is None:
        return None
    shape = tuple(reversed(colorNode.GetImageData().GetDimensions()))
    codes = np.zeros(shape, dtype=np.uint8)
    for tissue in tissues_in(colorNode):
        inside = slicer.util.arrayFromSegmentBinaryLabelmap(node, tissue.name, colorNode)
        codes[inside > 0] = tissue
    return codes


def _palette(colorNode: Node) -> Palette:
    """The colours that the segments of the tissue map have."""
    lab, node = PALETTE_LAB.copy(), tissue_of(colorNode)
    if node is None:
        return Palette("", lab)
    for tissue in tissues_in(colorNode):
        lab[tissue] = rgb_to_lab(
            np.array(node.GetSegmentation().GetSegment(tissue.name).GetColor())
        )
    return Palette("", lab)


def _told(colorNode: Node) -> dict[str, str]:
    """How the colours were made, as the attributes of their node say."""
    return {
        name.removeprefix(ATTRIBUTE_PREFIX): colorNode.GetAttribute(name)
        for name in colorNode.GetAttributeNames()
        if name.startswith(ATTRIBUTE_PREFIX) and name != ATTRIBUTE_PREFIX + "InputNodeName"
    }
