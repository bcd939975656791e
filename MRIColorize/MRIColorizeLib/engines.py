"""The engine that colours, made when it is first needed and kept for the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def create_engine(model: str | None, device: str) -> Any:
    """Load a model, by name or folder, and put it on a device; imports torch.

    Raises ModelError, DependencyError or DeviceError.
    """
    from .model import load_model

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
        self._made_for: tuple[str | None, str] | None = None
        self._device: str | None = None

    def __call__(self, model: str | None, device: str) -> Any:
        """The engine for a model and a device; raises what the factory raises."""
        # One that ran out of memory and moved to the processor is not kept.
        moved = self._engine is not None and getattr(self._engine, "device", None) != self._device
        if self._made_for != (model, device) or moved:
            self.forget()
            self._engine = self._factory(model, device)
            self._made_for = (model, device)
            self._device = getattr(self._engine, "device", None)
        return self._engine

    def forget(self) -> None:
        """Let go of the engine and its memory."""
        self._engine = self._made_for = self._device = None
