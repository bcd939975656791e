"""4D data: every frame of a sequence coloured into a sequence of its own, played by its browser."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..provenance import NOTICE
from ..volume import ColorVolume
from .nodes import (
    ATTRIBUTE_PREFIX,
    INPUT_REFERENCE,
    Node,
    begin_undoable,
    check_in_scene,
    check_input,
    color_name,
    fill_volume,
    in_scene,
    join_undo,
    provenance_attributes,
    read_volume,
    set_true_color,
    vtk_image,
)
from .request import EngineSource, Request, computed, options_for


def sequence_of(node: Node | None) -> Node | None:
    """The sequence whose current frame a volume shows, None when it shows none."""
    logic = _logic()
    if logic is None or not in_scene(node):
        return None
    browser = logic.GetFirstBrowserNodeForProxyNode(node)
    return browser.GetSequenceNode(node) if browser is not None else None


def sequence_steps(
    request: Request, sequence: Node, engines: EngineSource
) -> Generator[tuple[int, int], None, Node]:
    """Colour all frames: yields (done, total) slices, returns the new sequence's node.

    request.inputVolume is the volume that shows the current frame, or the first frame; its parent
    transform is carried over, its mask holds for all frames. Nothing in the scene changes before
    the last frame is done.
    """
    count = sequence.GetNumberOfDataNodes()
    for n in range(count):
        check_input(sequence.GetNthDataNode(n))
    options = replace(options_for(request), editable=False, confidence=False)
    colors: list[ColorVolume] = []
    finished = expected = 0
    for n in range(count):
        frame = read_volume(sequence.GetNthDataNode(n))
        steps = computed(engines, request, frame, options)
        total = 0
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                colors.append(end.value[1])
                break
            if total or not n:
                expected = finished + total * (count - n)  # as if the rest were as large
            yield finished + done, expected
        finished += total
    name = request.name or color_name(sequence)
    return _write(colors, sequence, request, name)


def check_sequence(sequence: Node | None) -> None:
    """Raise InputError when a node is no sequence of volumes that can be coloured."""
    if sequence is None or not sequence.IsA("vtkMRMLSequenceNode"):
        raise InputError(
            _("No sequence is given: give the sequence of a 4D volume or the volume that shows it.")
        )
    if not sequence.GetNumberOfDataNodes():
        raise InputError(
            _("{name} has no frames: load its images first.").format(name=sequence.GetName())
        )


def browser_of(sequence: Node) -> Node | None:
    """The browser that plays a sequence, None when there is none."""
    logic = _logic()
    return None if logic is None else logic.GetFirstBrowserNodeForSequenceNode(sequence)


def shown_frame(sequence: Node) -> Node | None:
    """The volume in the scene that shows a sequence's current frame, None when there is none."""
    browser = browser_of(sequence)
    return browser.GetProxyNode(sequence) if browser is not None else None


def _logic() -> Any:
    """None when the module is switched off in Slicer's settings."""
    module = getattr(slicer.modules, "sequences", None)
    return None if module is None else module.logic()


def _write(colors: list[ColorVolume], sequence: Node, request: Request, name: str) -> Node:
    """Add the sequence, to the browser of the input's or to a new one: whole or not at all."""
    check_in_scene(sequence)
    shown = request.inputVolume
    begin_undoable(browser_of(sequence))
    with ExitStack() as on_failure:
        result = slicer.mrmlScene.AddNewNodeByClass(
            "vtkMRMLSequenceNode", slicer.mrmlScene.GenerateUniqueName(name)
        )
        on_failure.callback(slicer.mrmlScene.RemoveNode, result)
        join_undo(result)
        for get in ("IndexName", "IndexUnit", "IndexType"):
            getattr(result, "Set" + get)(getattr(sequence, "Get" + get)())
        for n, color in enumerate(colors):
            frame = _frame(color, sequence.GetNthDataNode(n), name)
            result.SetDataNodeAtValue(frame, sequence.GetNthIndexValue(n))
        result.SetAttribute(ATTRIBUTE_PREFIX + "Notice", NOTICE)
        browser = browser_of(sequence)
        if browser is None:
            browser = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSequenceBrowserNode", slicer.mrmlScene.GenerateUniqueName(f"{name}_browser")
            )
            on_failure.callback(slicer.mrmlScene.RemoveNode, browser)
            join_undo(browser)
            browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        browser.AddSynchronizedSequenceNode(result)
        _logic().UpdateProxyNodesFromSequences(browser)
        proxy = browser.GetProxyNode(result)
        if in_scene(shown):
            proxy.SetAndObserveTransformNodeID(shown.GetTransformNodeID())
            proxy.SetNodeReferenceID(INPUT_REFERENCE, shown.GetID())
        set_true_color(proxy)
        join_undo(proxy)
        on_failure.pop_all()
    return result


def _frame(color: ColorVolume, source: Node, name: str) -> Node:
    """A colour volume node outside the scene, for a sequence to copy."""
    node = slicer.vtkMRMLVectorVolumeNode()
    node.SetName(name)
    attributes = provenance_attributes(color.provenance, source)
    fill_volume(node, vtk_image(color.array), color.ijk_to_ras, source, attributes)
    return node
