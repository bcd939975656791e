"""The engine that colours, made when it is first needed and kept for the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..network.model import load_model, state_of


def create_engine(model: str | None, device: str) -> Any:
    """Load a model, by name or folder, and put it on a device; imports torch.

    Raises ModelError, DependencyError or DeviceError.
    """
    loaded = load_model(model)  # says in a sentence when torch is not there
    from .colorizer import Colorizer

    return Colorizer(loaded, device=device)


class EngineCache:
    """Keeps the last engine: a second run or a preview does not load the model again.

    factory(model, device) makes what has `start(volume, options)`, like Colorizer.
    """

    def __init__(self, factory: Callable[[str | None, str], Any] = create_engine) -> None:
        self._factory = factory
        self._engine: Any = None
        self._key: tuple[Any, ...] | None = None

    def __call__(self, model: str | None, device: str) -> Any:
        """The engine for a model and a device; raises what the factory raises.

        A model that has changed on the disk since, as when it is exported again, is loaded again.
        """
        wanted = (model, device, state_of(model))
        if self._key != wanted:
            self.forget()
            self._engine = self._factory(model, device)
            self._key = wanted
        return self._engine

    def forget(self) -> None:
        """Let go of the engine and its memory."""
        self._engine = self._key = None
