"""The logic: what Slicer's console, scripts and the panel call to colour volume nodes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from ..engine.cache import EngineCache, create_engine
from ..engine.run import Run
from ..errors import InputError
from ..network.palettes import Palette, find_palette
from ..options import ColorizeOptions
from . import preview, rendering, sequences
from .many import folder_steps, volumes_steps
from .nodes import Node, check_input
from .parameters import MRIColorizeParameterNode
from .repainting import Repainter
from .request import Request, colorize_steps, default_background

Progress = Callable[[int, int], "bool | None"]


class MRIColorizeLogic(ScriptedLoadableModuleLogic):
    """Colours volume nodes; from the console, scripts and the panel alike.

    >>> logic = slicer.modules.mricolorize.widgetRepresentation().self().logic
    >>> colors = logic.colorize(slicer.util.getNode("MRHead"), saturation=1.2, tissue=True)

    Choices, by keyword, for everything that colours: `name` of the new volume; `device` ("auto",
    "cuda", "mps" or "cpu"); `model`, a name or folder; `maskNode`, a segmentation or label map;
    `tissue=True` for a segmentation of the tissues; `palette`, a Palette, its name, file or array;
    and every field of ColorizeOptions (plane, mode, detail, saturation, blend, background...).
    Around a mask the background is the MRI unless another one is given.
    All raise MRIColorizeError with one sentence; then nothing in the scene has changed.

    engineFactory(model, device) makes what has `start(volume, options)` and `palette`, like
    Colorizer.
    """

    def __init__(self, engineFactory: Callable[[str | None, str], Any] = create_engine) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._engines = EngineCache(engineFactory)
        self.repainter = Repainter()

    def getParameterNode(self) -> MRIColorizeParameterNode:
        node = super().getParameterNode()
        return MRIColorizeParameterNode(node)  # type: ignore[call-arg]  # made by the wrapper

    def colorize(
        self,
        inputVolume: Node,
        outputVolume: Node | None = None,
        progress: Progress | None = None,
        **choices: Any,
    ) -> Node:
        """Colour an MRI and return the vector volume node, when it is done.

        outputVolume: is overwritten; None makes a new volume.
        progress(done, total) slices: when it returns False the run ends with Cancelled.
        """
        request = _request(inputVolume, outputVolume, **choices)
        return _finish(self.startRequest(request), progress)

    def start(
        self,
        inputVolume: Node,
        outputVolume: Node | None = None,
        onProgress: Callable[[int, int], object] | None = None,
        onFinished: Callable[[Node], object] | None = None,
        onError: Callable[[Exception], object] | None = None,
        onCancelled: Callable[[], object] | None = None,
        **choices: Any,
    ) -> Run:
        """The same, stepwise: call the run's `advance()` until it returns False.

        Raises InputError at once for a node that cannot be coloured.
        """
        request = _request(inputVolume, outputVolume, **choices)
        return self.startRequest(
            request,
            onProgress=onProgress,
            onFinished=onFinished,
            onError=onError,
            onCancelled=onCancelled,
        )

    def startRequest(self, request: Request, **callbacks: Any) -> Run:
        """Start a run; callbacks: those of Run."""
        return Run(colorize_steps(request, self._engines, self.repainter.remember), **callbacks)

    def colorizeSequence(
        self,
        sequence: Any,
        progress: Progress | None = None,
        **choices: Any,
    ) -> Any:
        """Colour every frame of a 4D sequence node; returns the new sequence node.

        sequence: the node, or the volume that shows one of its frames: a sequence and its volume
        may have one name, and getNode() finds either. The browser of the input plays the new one
        too; a browser is made where there is none.
        """
        sequence = sequences.sequence_of(sequence) or sequence
        sequences.check_sequence(sequence)
        shown = sequences.shown_frame(sequence) or sequence.GetNthDataNode(0)
        return _finish(self.startSequence(_request(shown, **choices), sequence), progress)

    def startSequence(self, request: Request, sequence: Any, **callbacks: Any) -> Run:
        """The same, stepwise; request.inputVolume shows a frame of the sequence."""
        return Run(sequences.sequence_steps(request, sequence, self._engines), **callbacks)

    def colorizeMany(
        self,
        volumes: Any,
        outputFolder: str | Path | None = None,
        progress: Progress | None = None,
        **choices: Any,
    ) -> list[Any]:
        """Colour several volume nodes, or the volume files of a folder.

        volumes: a list of nodes; returns their colour nodes. Or a folder's path: then
        `<name>_color.nrrd` files go into outputFolder, their paths are returned, and the scene
        stays as it was. What fails is logged and left out.
        """
        if isinstance(volumes, (str, Path)):
            output = Path(outputFolder) if outputFolder is not None else Path(volumes)
            run = self.startFolder(Path(volumes), output, lambda node: _request(node, **choices))
        else:
            run = self.startMany([_request(node, **choices) for node in _usable(volumes)])
        return _finish(run, progress)

    def startMany(self, requests: list[Request], **callbacks: Any) -> Run:
        """Several requests in one run, stepwise."""
        return Run(volumes_steps(requests, self._engines, self.repainter.remember), **callbacks)

    def startFolder(
        self, folder: Path, output: Path, makeRequest: Callable[[Any], Request], **callbacks: Any
    ) -> Run:
        """The files of a folder in one run, stepwise; makeRequest(node) for each of them."""
        return Run(folder_steps(folder, output, makeRequest, self._engines), **callbacks)

    def preview(self, inputVolume: Any, sliceNode: Any, **choices: Any) -> Any:
        """Colour the one slice that a slice view shows and show it there; returns its node.

        The node is not saved; the next run, or `preview.remove_preview()`, takes it away.
        """
        return _finish(self.startPreview(_request(inputVolume, **choices), sliceNode))

    def startPreview(self, request: Request, sliceNode: Any, **callbacks: Any) -> Run:
        """The same, stepwise."""
        return Run(preview.preview_steps(request, sliceNode, self._engines), **callbacks)

    def recolor(self, colorVolume: Node, palette: Any = None) -> None:
        """Give a volume that was coloured with `editable=True` another palette, at once.

        palette: a Palette, the name of one that ships, or a colour table's path; None gives the
        model's own colours. The palette of the run gives its colours back, to the byte. Tissue map
        and rendering follow.
        """
        if isinstance(palette, (str, Path)):
            palette = find_palette(palette)
        self.repainter.repaint(colorVolume, palette)

    def show(self, colorVolume: Node, inputVolume: Any = None) -> None:
        """Show the colours in the slice views, over the MRI, in their true colour."""
        rendering.show_slices(colorVolume, inputVolume)

    def showIn3D(
        self,
        colorVolume: Node,
        inputVolume: Any = None,
        look: rendering.Look | None = None,
    ) -> Any:
        """Render the colours in the 3D views; returns the volume rendering display node.

        Also for a colour volume loaded from a file: without its MRI, bright voxels are denser.
        """
        return rendering.show_volume(colorVolume, inputVolume, look)

    def saveWebPage(self, colorVolume: Node, path: str | Path, inputVolume: Any = None) -> None:
        """Write one HTML file that opens offline in any browser: planes, tissues, a rendering.

        inputVolume: the MRI of colours that know none, as from a file. Colour with `tissue=True`
        for a legend. A rendering of a head shows its face.
        """
        from .webpage import save_web_page  # imports SimpleITK, which takes a moment

        save_web_page(colorVolume, Path(path), inputVolume)


def _usable(volumes: Iterable[Node]) -> list[Node]:
    """The volumes that can be coloured; the others are named in the log."""
    usable = []
    for node in volumes:
        try:
            check_input(node)
        except InputError as error:
            logging.warning(error)
        else:
            usable.append(node)
    return usable


def _request(
    inputVolume: Any,
    outputVolume: Any = None,
    name: str | None = None,
    device: str = "auto",
    model: str | None = None,
    maskNode: Any = None,
    tissue: bool = False,
    palette: Any = None,
    **options: Any,
) -> Request:
    """The choices of the console as a Request. Raises InputError."""
    if isinstance(palette, (str, Path)):
        palette = find_palette(palette)
    if isinstance(palette, Palette):
        options = {"palette_name": palette.name, **options}
        palette = palette.lab
    isMasked = maskNode is not None or options.get("mask") is not None
    options = {"background": default_background(isMasked), **options}
    try:
        chosen = ColorizeOptions(palette=palette, **options)
    except TypeError as error:
        raise InputError(_("There is no such choice: {reason}.").format(reason=error)) from error
    return Request(inputVolume, outputVolume, name, chosen, device, model, maskNode, tissue)


def _finish(run: Run, progress: Progress | None = None) -> Any:
    """Advance a run to its end and return its result; notes go to the log."""
    while run.advance():
        if progress is not None and progress(run.done, run.total) is False:
            run.cancel()
    for note in run.notes:
        logging.warning(note)
    return run.result()
