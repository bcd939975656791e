"""MRIColorizeLib: grey MRI in, the colours of human tissue out. Not for diagnosis.

>>> from MRIColorizeLib import Colorizer, ColorizeOptions, load_model, read_volume, write_color
>>> color = Colorizer(load_model()).colorize(read_volume("head.nii.gz"), ColorizeOptions())
>>> write_color(color, "head_color.nrrd")

The public names are loaded at their first use: until then neither PyTorch nor SimpleITK is needed.
"""

from importlib import import_module
from typing import Any

__version__ = "0.3.0"

# Where the public names are.
_PLACES = {
    "Colorizer": "engine.colorizer",
    "ColorizeOptions": "options",
    "ColorVolume": "volume",
    "Volume": "volume",
    "list_models": "network.model",
    "load_model": "network.model",
    "read_volume": "files.reading",
    "recolor": "engine.recoloring",
    "write_color": "files.colors",
}
__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    """A public name, from where it is."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
