"""The engine that colours for the measurements, a competitor's network included."""

from __future__ import annotations

import dataclasses

from MRIColorizeLib.engine.colorizer import Colorizer, Steps
from MRIColorizeLib.network.model import Model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Volume
from training.networks.chroma import ChromaPredictor


class LightnessKeeper(Colorizer):
    """For networks whose lightness is the MRI's own: the engine adds no detail of the MRI again."""

    def start(self, volume: Volume, options: ColorizeOptions | None = None) -> Steps:
        """As the Colorizer's, with `detail` of 0."""
        return super().start(volume, dataclasses.replace(options or ColorizeOptions(), detail=0))


def colorizer_of(model: Model, device: str = "auto") -> Colorizer:
    """The engine for a model, a competitor's network included."""
    keeps = isinstance(model.generator, ChromaPredictor)
    return (LightnessKeeper if keeps else Colorizer)(model, device)
