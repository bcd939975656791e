"""What the panel says, as a Request; what it proposes, and the words it shows for its choices."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from .errors import InputError
from .options import BACKGROUNDS, MODES, PLANES, ColorizeOptions
from .palettes import Palette
from .request import Request
from .scene import Node, check_input
from .settings import MachineSettings


def panel_request(
    chosen: Any, palette: Palette | None, settings: MachineSettings, other: Node | None = None
) -> Request:
    """What the panel says as a Request; chosen: the parameter node.

    other: a volume in place of the chosen one; then nothing but its colours is made, into a new
    volume named after it, and they cannot be edited. Raises InputError.
    """
    options = ColorizeOptions(
        plane=chosen.plane,
        mode=chosen.mode,
        detail=chosen.detail,
        saturation=chosen.saturation,
        blend=chosen.blend,
        background=chosen.background,
        palette=palette.lab if palette is not None else None,
        editable=other is None,
        confidence=chosen.makeConfidence and other is None,
    )
    device, model = settings.device, settings.model
    if other is not None:
        return Request(other, options=options, device=device, model=model)
    return Request(
        inputVolume=chosen.inputVolume,
        outputVolume=chosen.outputVolume,
        name=chosen.outputName.strip() or None,
        options=options,
        device=device,
        model=model,
        maskNode=chosen.maskNode,
        tissue=chosen.makeTissue,
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


def likely_view() -> Node | None:
    """The slice view whose slice is previewed unless a person chooses another: the first."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceNode")


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
    for comboBox, values in (
        (ui.planeComboBox, PLANES),
        (ui.modeComboBox, MODES),
        (ui.backgroundComboBox, BACKGROUNDS),
    ):
        for index, value in enumerate(values):
            comboBox.setItemText(index, words.get(value, value))
