"""Other colours for volumes that are in the scene: how they came to be, kept while Slicer runs."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

import slicer
from slicer.i18n import tr as _

from .errors import InputError
from .palettes import Palette
from .rendering import refresh_rgba
from .results import tissue_of
from .scene import ATTRIBUTE_PREFIX, Node, in_scene, vtk_image
from .segmentation import color_segments
from .volume import ColorVolume

if TYPE_CHECKING:
    from .recoloring import TissueMixture

# Finished volumes whose mixtures are kept: about 40 MB for each head.
KEPT = 3


class Repainter:
    """Recolours finished volumes without the network; remembers the last KEPT editable ones."""

    def __init__(self) -> None:
        self._finished: OrderedDict[str, ColorVolume] = OrderedDict()

    def remember(self, node: Node, color: ColorVolume) -> None:
        """Keep what recolouring the node needs, when the run was editable."""
        self._finished.pop(node.GetID(), None)
        if color.mixture is not None:
            self._finished[node.GetID()] = color
        while len(self._finished) > KEPT:
            self._finished.popitem(last=False)

    def forget(self) -> None:
        """Let go of everything, as when the scene is closed."""
        self._finished.clear()

    def canRepaint(self, node: Node | None) -> bool:
        """Whether the node was coloured since Slicer started and still has its grid."""
        if not in_scene(node) or node.GetImageData() is None:
            return False
        color = self._finished.get(node.GetID())
        if color is None:
            return False
        return tuple(reversed(node.GetImageData().GetDimensions())) == color.array.shape[:3]

    def repaint(self, node: Node, palette: Palette | None) -> None:
        """Give a finished volume the colours of a palette; None gives the model's own.

        Its tissue map and its 3D rendering follow. Raises InputError for a volume that was not
        coloured since Slicer started.
        """
        if not self.canRepaint(node):
            raise InputError(
                _("{name} was not coloured since Slicer started: colour it again.").format(
                    name=node.GetName() if node is not None else _("The volume")
                )
            )
        from .recoloring import recolor  # imports torch

        color = self._finished[node.GetID()]
        mixture = cast("TissueMixture", color.mixture)  # what is remembered has one
        chosen = palette or Palette("", mixture.own)
        array = recolor(color, chosen.lab)
        slicer.mrmlScene.SaveStateForUndo()  # does nothing unless the scene's undo is on
        # A new image, because undo keeps the old one by reference.
        node.SetAndObserveImageData(vtk_image(array))
        node.SetAttribute(ATTRIBUTE_PREFIX + "Palette", chosen.name)
        refresh_rgba(node)
        segmentation = tissue_of(node)
        if segmentation is not None:
            color_segments(segmentation, chosen.rgb)
