"""What the panel says, as a Request; what it proposes, and the words it shows for its choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..network.palettes import Palette
from ..options import OPTIONS, PARAMETERS, ColorizeOptions
from ..scene.nodes import ATTRIBUTE_PREFIX, Node, check_input
from ..scene.request import Request, default_background
from .settings import MachineSettings


def panel_request(parameters: Any, palette: Palette | None, settings: MachineSettings) -> Request:
    """What the panel says of its volume. parameters: the parameter node. Raises InputError."""
    return Request(
        inputVolume=parameters.inputVolume,
        outputVolume=parameters.outputVolume,
        name=parameters.outputName.strip() or None,
        options=replace(_options(parameters, palette), editable=True),
        device=settings.device,
        model=settings.model,
        maskNode=parameters.maskNode,
        tissue=parameters.makeTissue,
    )


def request_maker(
    parameters: Any, palette: Palette | None, settings: MachineSettings
) -> Callable[[Node], Request]:
    """What makes the same request for any volume, with the choices of this moment.

    Nothing but the volume's colours is made, into a new volume named after it, and they cannot be
    edited. What is returned raises InputError and asks neither panel nor settings again: a long
    run goes on as it was begun.
    """
    options = replace(_options(parameters, palette), confidence=False)
    device, model = settings.device, settings.model
    return lambda volume: Request(volume, options=options, device=device, model=model)


def _options(parameters: Any, palette: Palette | None) -> ColorizeOptions:
    return ColorizeOptions(
        palette=palette.lab if palette is not None else None,
        palette_name=palette.name if palette is not None else "",
        **{name: getattr(parameters, parameter) for parameter, name in PARAMETERS.items()},
    )


def likely_input() -> Node | None:
    """The MRI a person most likely means: the active volume, else the first that can be used."""
    selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    active = selection.GetActiveVolumeID() if selection is not None else None
    candidates = [slicer.mrmlScene.GetNodeByID(active)] if active else []
    candidates += slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    for node in candidates:
        try:
            check_input(node)
        except InputError:
            continue
        return node
    return None


def likely_color() -> Node | None:
    """The colour volume to show unless a person chooses one: the last of ours in the scene."""
    volumes = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    ours = [
        node
        for node in volumes
        if node.GetAttribute(ATTRIBUTE_PREFIX + "Model") and not node.GetHideFromEditors()
    ]
    return ours[-1] if ours else None


def likely_view() -> Node | None:
    """The slice view whose slice is previewed unless a person chooses another: the first."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceNode")


class MaskBackground:
    """Lets the MRI lie around a mask, and black around a body, unless a person chose otherwise.

    chosen: the parameter node that the panel is bound to, None for none.
    """

    def __init__(self) -> None:
        self._isMasked: bool | None = None  # None: not looked at yet

    def forget(self) -> None:
        """Another parameter node comes: what it says was chosen."""
        self._isMasked = None

    def follow(self, chosen: Any) -> None:
        """Change the background when a mask has come or gone and it is the default without it."""
        isMasked = chosen.maskNode is not None
        before, self._isMasked = self._isMasked, isMasked
        if before not in (None, isMasked) and chosen.background == default_background(before):
            chosen.background = default_background(isMasked)


def name_choices(ui: Any) -> None:
    """Show words for the choices; the parameter node keeps their short names."""
    words = {
        "auto": _("Automatic"),
        "axial": _("Axial"),
        "sagittal": _("Sagittal"),
        "coronal": _("Coronal"),
        "consensus": _("Consensus of three"),
        "natural": _("Natural"),
        "structure": _("Structure (lightness of the MRI)"),
        "black": _("Black"),
        "white": _("White"),
        "mri": _("Grey MRI"),
    }
    for parameter, name in PARAMETERS.items():
        for index, word in enumerate(OPTIONS[name].words):
            comboBox = getattr(ui, f"{parameter}ComboBox")
            comboBox.setItemText(index, words.get(word, word))
