"""Other colours for volumes that are in the scene: how they came to be, kept while Slicer runs."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..network.palettes import Palette
from .nodes import ATTRIBUTE_PREFIX, Node, begin_undoable, in_scene, vtk_image
from .rendering import RENDERING_REFERENCE, refresh_rgba
from .results import tissue_of
from .segmentation import color_segments
from .tissues import make_tissue_map

if TYPE_CHECKING:
    from ..engine.recoloring import Recolorable

# Finished volumes that can be recoloured, and what that may take of the memory for all of them
# together: a head of 256^3 voxels takes 160 MB.
KEPT = 3
MOST_BYTES = 600_000_000


class Repainter:
    """Recolours finished volumes without the network; remembers the last KEPT editable ones.

    Those before them are forgotten, more of them when all together take over MOST_BYTES, and one
    that leaves the scene is.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Recolorable] = OrderedDict()
        self._too_large: dict[str, int] = {}
        self._shown: dict[str, Palette] = {}  # of those that were recoloured
        _watch_removals(self)

    def remember(self, node: Node, made: Recolorable | None) -> None:
        """Keep what recolouring the node needs, when the run was editable."""
        self.forget(node)
        if made is None:
            return
        if made.nbytes > MOST_BYTES:
            self._too_large[node.GetID()] = made.nbytes
            return
        self._kept[node.GetID()] = made
        while len(self._kept) > KEPT or self.nbytes > MOST_BYTES:
            self._kept.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """What is kept in memory."""
        return sum(kept.nbytes for kept in self._kept.values())

    def forget(self, node: Node | None = None) -> None:
        """Let go of what was kept for a node, or of everything, as when the scene is closed."""
        for kept in (self._kept, self._too_large, self._shown):
            if node is None:
                kept.clear()
            else:
                kept.pop(node.GetID(), None)

    def canRepaint(self, node: Node | None) -> bool:
        """Whether the node is one of the last that were coloured and still has its grid."""
        if not in_scene(node) or node.GetImageData() is None:
            return False
        kept, image = self._kept.get(node.GetID()), node.GetImageData()
        return (
            kept is not None
            and tuple(reversed(image.GetDimensions())) == kept.shape
            and (image.GetNumberOfScalarComponents(), image.GetScalarType())
            == (3, vtk.VTK_UNSIGNED_CHAR)
        )

    def whyNot(self, node: Node | None) -> str:
        """One sentence that says why a colour volume cannot be recoloured, "" when it can."""
        if self.canRepaint(node):
            return ""
        name = node.GetName() if node is not None else _("The volume")
        needed = self._too_large.get(node.GetID()) if node is not None else None
        if needed is not None:
            return _(
                "{name} is too large to be recoloured: that takes {needed} MB of memory and {most} "
                "at most: choose the palette, then colour it again."
            ).format(name=name, needed=needed // 10**6, most=MOST_BYTES // 10**6)
        return _("{name} can no longer be recoloured: colour it again.").format(name=name)

    def repaint(self, node: Node, palette: Palette | None) -> None:
        """Give a finished volume the colours of a palette; None gives the model's own.

        Its tissue map and its 3D rendering follow. Raises InputError for a volume that is not one
        of the last that were coloured.
        """
        if reason := self.whyNot(node):
            raise InputError(reason)
        kept = self._kept[node.GetID()]
        chosen = palette or Palette("", kept.mixture.own)
        array = slicer.util.arrayFromVolume(node).copy()
        kept.paint(array, chosen.lab)
        segmentation = tissue_of(node)
        begin_undoable(node, node.GetNodeReference(RENDERING_REFERENCE), segmentation)
        # A new image, because undo keeps the old one by reference.
        node.SetAndObserveImageData(vtk_image(array))
        node.SetAttribute(ATTRIBUTE_PREFIX + "Palette", chosen.name)
        self._shown[node.GetID()] = chosen
        refresh_rgba(node)
        if segmentation is not None:
            color_segments(segmentation, chosen.rgb)

    def makeTissueMap(self, node: Node) -> Node:
        """Give a volume that can be recoloured the tissue map that its run did not make.

        Raises InputError for another volume.
        """
        if reason := self.whyNot(node):
            raise InputError(reason)
        kept = self._kept[node.GetID()]
        name = node.GetAttribute(ATTRIBUTE_PREFIX + "Palette")
        shown = self._shown.get(node.GetID()) or Palette(name or "", kept.mixture.palette)
        return make_tissue_map(node, kept.tissue, shown.rgb, len(kept.mixture.palette))


def _watch_removals(repainter: Repainter) -> None:
    """Have it forget what leaves the scene, for as long as somebody else needs it."""
    known = weakref.ref(repainter)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def forget(scene: Any, event: Any, node: Node) -> None:
        repainter = known()
        if repainter is None:
            scene.RemoveObserver(tag)
        else:
            repainter.forget(node)

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeRemovedEvent, forget)
