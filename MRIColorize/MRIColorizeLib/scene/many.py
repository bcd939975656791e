"""Many volumes in one run: those of a scene, or the files of a folder, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ..errors import InputError, MRIColorizeError
from ..files.discovery import FILES, find_inputs
from ..files.naming import job_in
from ..notes import tell
from ..staging import atomic
from .nodes import Node, check_input, in_scene, remove_node
from .request import EngineSource, Request, colorize_steps

if TYPE_CHECKING:
    from ..engine.recoloring import Recolorable

Keep = Callable[[Node, "Recolorable | None"], object]


def volumes_steps(
    requests: Sequence[Request], engines: EngineSource, keep: Keep
) -> Generator[tuple[int, int], None, list[Node]]:
    """Colour volumes of the scene: yields (done, total) slices, returns the colour nodes.

    A volume that fails is named in a warning and the next one follows. Those that are done stay in
    the scene when the run is cancelled.
    """
    made: list[Node] = []
    finished = 0
    for n, request in enumerate(requests):
        steps = colorize_steps(request, engines, keep)
        total = 0
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                made.append(end.value)
                break
            except Exception as error:  # one that fails must not stop the others
                _note(request.inputVolume.GetName(), error)
                break
            yield finished + done, (finished + total * (len(requests) - n)) if total else 0
        finished += total
    if not made:
        raise InputError(_("No volume could be coloured: see the log."))
    return made


def folder_steps(
    folder: Path,
    output: Path,
    make_request: Callable[[Node], Request],
    engines: EngineSource,
) -> Generator[tuple[int, int], None, list[Path]]:
    """Colour the volume files of a folder into `<name>_color.nrrd` files: returns their paths.

    The scene holds one of them at a time and is left as it was. A file that fails, or whose result
    is there already, is named in a warning and the next one follows.
    """
    written: list[Path] = []
    for source in volume_files(folder):
        target = job_in(output, source, ".nrrd").volume
        if target.exists():
            _note(source.name, _("{name} is there already").format(name=target.name))
            continue
        try:
            done = yield from _colorize_file(source, target, make_request, engines)
        except Exception as error:  # one that fails must not stop the others
            _note(source.name, error)
            continue
        written.append(done)
    return written


def volume_files(folder: Path) -> list[Path]:
    """The volume files directly in a folder that `find_inputs` finds; DICOM is Slicer's to import.

    Raises InputError when there is none.
    """
    files = [path for path in find_inputs(folder, ("*",)) if path.is_file()]
    if not files:
        raise InputError(
            _("{folder} holds no volume files ({kinds}): choose another folder.").format(
                folder=folder, kinds=", ".join(FILES)
            )
        )
    return files


def usable_volumes() -> list[Node]:
    """The volumes of the scene that can be coloured."""
    usable = []
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        try:
            check_input(node)
        except InputError:
            continue
        if not node.GetHideFromEditors():
            usable.append(node)
    return usable


def _colorize_file(
    source: Path,
    target: Path,
    make_request: Callable[[Node], Request],
    engines: EngineSource,
) -> Generator[tuple[int, int], None, Path]:
    """Load, colour, save; whatever happens, both nodes leave the scene again."""
    nodes: list[Node] = []
    try:
        nodes.append(slicer.util.loadVolume(str(source), {"show": False, "singleFile": True}))
        steps = colorize_steps(make_request(nodes[0]), engines, lambda node, recolorable: None)
        nodes.append((yield from steps))
        with atomic(target) as temporary:
            if not slicer.util.saveNode(nodes[1], str(temporary)):
                raise InputError(_("{file} could not be written.").format(file=target))
    finally:
        for node in nodes:
            if in_scene(node):
                storage = node.GetStorageNode()
                remove_node(node)
                if in_scene(storage):
                    slicer.mrmlScene.RemoveNode(storage)
    return target


def _note(name: str, reason: object) -> None:
    """Tell the run's notes that one volume was left out; of a bug the log gets all."""
    if isinstance(reason, Exception) and not isinstance(reason, MRIColorizeError):
        logging.error("MRI Colorize failed with %s", name, exc_info=reason)
        reason = f"{type(reason).__name__}: {reason}"
    tell(_("{name} was left out: {reason}").format(name=name, reason=reason), stacklevel=3)
