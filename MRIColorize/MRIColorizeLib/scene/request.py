"""One thing to colour: what, how and where to; and the steps that do it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from slicer.i18n import tr as _

from ..engine.aside import in_thread
from ..errors import InputError
from ..network.palettes import Palette
from ..options import DEFAULTS, ColorizeOptions
from ..volume import ColorVolume, Volume
from .masks import read_mask
from .nodes import Node, check_input, read_volume
from .results import write_results

if TYPE_CHECKING:
    from ..engine.recoloring import Recolorable

# Makes the engine, which has `start(volume, options)` and `palette`, for a model and a device.
EngineSource = Callable[["str | None", str], Any]
Steps = Generator[tuple[int, int], None, Any]
Computed = tuple[Any, ColorVolume, "Recolorable | None"]


@dataclass(frozen=True)
class Request:
    """What to colour and how.

    inputVolume: the MRI. outputVolume: is overwritten; None makes a new volume, called name or
    after the MRI. device, model: see Colorizer and load_model. maskNode: segmentation or label map.
    tissue: also make the tissue map. Raises InputError when the MRI cannot be coloured.
    """

    inputVolume: Node
    outputVolume: Node | None = None
    name: str | None = None
    options: ColorizeOptions = field(default_factory=ColorizeOptions)
    device: str = "auto"
    model: str | None = None
    maskNode: Node | None = None
    tissue: bool = False

    def __post_init__(self) -> None:
        check_input(self.inputVolume)

    def on(self, inputVolume: Node) -> Request:
        """The same for another MRI, with a new output named after it."""
        return replace(self, inputVolume=inputVolume, outputVolume=None, name=None)


def colorize_steps(
    request: Request, engines: EngineSource, keep: Callable[[Node, Recolorable | None], object]
) -> Steps:
    """Colour one volume: yields (done, total) slices, returns the colour volume's node.

    keep(node, recolorable) is told of the finished volume and of what other colours for it need.
    Nothing in the scene changes before the end.
    """
    volume = read_volume(request.inputVolume)
    options = options_for(request)
    engine, color, recolorable = yield from computed(engines, request, volume, options)
    node = write_results(
        color,
        request.inputVolume,
        request.outputVolume,
        request.name,
        tissue_colors(options, engine) if request.tissue else None,
    )
    keep(node, recolorable)
    return node


def computed(
    engines: EngineSource, request: Request, volume: Volume, options: ColorizeOptions
) -> Generator[tuple[int, int], None, Computed]:
    """The engine that a request asks for, the colours that it gives a volume, and their mixture.

    All are made in a thread of their own, which knows arrays alone: the scene belongs to the
    application's thread.
    """

    def steps() -> Generator[tuple[int, int], None, Computed]:
        engine = engines(request.model, request.device)
        color = yield from engine.start(volume, options)
        return engine, color, _recolorable(color)

    yield 0, 0  # the panel can paint before the work begins
    return (yield from in_thread(steps()))


def _recolorable(color: ColorVolume) -> Recolorable | None:
    """What other colours for an editable volume need; None for others."""
    if color.mixture is None:
        return None
    from ..engine.recoloring import Recolorable  # imports torch

    return Recolorable.of(color)


def default_background(isMasked: bool) -> str:
    """What lies outside of the colours unless a person chose: around a mask the MRI goes on."""
    return "mri" if isMasked else DEFAULTS.background


def options_for(request: Request) -> ColorizeOptions:
    """The request's options, with its mask node read onto the MRI's grid."""
    if request.maskNode is None:
        return request.options
    if request.options.mask is not None:
        raise InputError(_("Give a mask or a mask node, not both."))
    return replace(request.options, mask=read_mask(request.maskNode, request.inputVolume))


def tissue_colors(options: ColorizeOptions, engine: Any) -> np.ndarray:
    """Colours of a run's tissues, (13, 3) in [0, 1]: those that were given, else the model's own.

    Raises InputError when the model paints without a palette.
    """
    lab = engine.palette if options.palette is None else options.palette
    if lab is None:
        raise InputError(_("This model knows no tissues: choose another model."))
    return Palette("", lab).rgb
