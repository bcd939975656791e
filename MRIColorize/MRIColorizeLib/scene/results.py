"""What a run leaves in the scene: the colours and, when asked for, tissue map and confidence."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
from slicer.i18n import tr as _

from ..errors import InputError
from ..provenance import NOTICE
from ..volume import ColorVolume
from .nodes import (
    ATTRIBUTE_PREFIX,
    Node,
    begin_undoable,
    check_in_scene,
    color_name,
    in_scene,
    remove_node,
    write_color,
    write_volume,
)
from .restoring import keep_segmentation, keep_volume
from .segmentation import write_tissue

# Node references from a colour volume to what was made with it.
TISSUE_REFERENCE = ATTRIBUTE_PREFIX + "Tissue"
CONFIDENCE_REFERENCE = ATTRIBUTE_PREFIX + "Confidence"


def write_results(
    color: ColorVolume,
    inputNode: Node,
    outputNode: Node | None,
    name: str | None,
    tissue_rgb: np.ndarray | None = None,
) -> Node:
    """Write a finished run beside its input and return the colour volume's node.

    tissue_rgb: (20, 3) in [0, 1], colours of the segments; None makes no tissue map. A reused
    output reuses its tissue map and confidence volume too, or lets go of those that are not made
    again. Raises OutputError, or InputError when the model knows no tissues; then nothing that is
    new stays in the scene, and a reused output and all that was made with it are as they were.
    """
    check_in_scene(inputNode)
    base = name or color_name(inputNode)
    begin_undoable(
        outputNode,
        _related(outputNode, TISSUE_REFERENCE),
        _related(outputNode, CONFIDENCE_REFERENCE),
    )
    with ExitStack() as on_failure:
        if in_scene(outputNode):
            on_failure.callback(keep_volume(outputNode))
        made: dict[str, Node] = {}
        if tissue_rgb is not None:
            if color.tissue is None:
                raise InputError(_("This model knows no tissues: choose another model."))
            old = _related(outputNode, TISSUE_REFERENCE)
            if old is not None:
                on_failure.callback(keep_segmentation(old))
            node = write_tissue(
                color.tissue,
                color.ijk_to_ras,
                tissue_rgb,
                inputNode,
                old,
                f"{base}_tissue",
                color.classes,
            )
            made[TISSUE_REFERENCE] = node
            if node is not old:
                on_failure.callback(remove_node, node)
        if color.confidence is not None:
            old = _related(outputNode, CONFIDENCE_REFERENCE)
            if old is not None:
                on_failure.callback(keep_volume(old))
            node = write_volume(
                color.confidence,
                color.ijk_to_ras,
                beside=inputNode,
                node=old,
                name=f"{base}_confidence",
                attributes={"Notice": NOTICE},
                undoable=False,
            )
            made[CONFIDENCE_REFERENCE] = node
            if node is not old:
                on_failure.callback(remove_node, node)
        result = write_color(color, inputNode, outputNode, name, undoable=False)
        on_failure.pop_all()
    for role in (TISSUE_REFERENCE, CONFIDENCE_REFERENCE):
        # One of the run before would pass for one of these colours.
        result.SetNodeReferenceID(role, made[role].GetID() if role in made else None)
    return result


def tissue_of(colorNode: Node) -> Node | None:
    """The segmentation that was made with a colour volume, None when there is none."""
    return _related(colorNode, TISSUE_REFERENCE)


def confidence_of(colorNode: Node) -> Node | None:
    """The confidence volume that was made with a colour volume, None when there is none."""
    return _related(colorNode, CONFIDENCE_REFERENCE)


def _related(colorNode: Node | None, role: str) -> Node | None:
    node = colorNode.GetNodeReference(role) if in_scene(colorNode) else None
    return node if in_scene(node) else None
