"""Networks on ready input: ours on the engine's batches, the published one as it is run."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import synchronize
from MRIColorizeLib.engine.body import find_window
from MRIColorizeLib.engine.schedule import Batch, Plan, in_lanes, make_batches, plan_work
from MRIColorizeLib.engine.slicing import lay_out
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.folding import fold_batch_norm
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import Model
from MRIColorizeLib.volume import Volume


class PublishedForward(nn.Module):
    """The published network as its authors run it: everything after the fusion happens twice.

    The two pictures are equal, for both decoders are one set of modules.
    """

    def __init__(self) -> None:
        super().__init__()
        network = DualDecoderGenerator(GeneratorConfig.published())
        self.blocks, network.encoder.blocks = network.encoder.blocks, nn.ModuleList()
        self.encoder, self.decoder = network.encoder, network.semantic

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder(x, None)[2]
        return self._paint(features), self._paint(features)

    def _paint(self, features: Tensor) -> Tensor:
        for block in self.blocks:
            features = block(features, None)
        return torch.sigmoid(self.decoder(features, [], None)[0])


class BareNetwork:
    """A model's network on the very batches that the engine would give it, ready on the device."""

    def __init__(self, model: Model, volume: Volume, device: str) -> None:
        self._device, self._temperature = device, model.card.temperature
        network = fold_batch_norm(model.generator)
        self._network = network.to(device=device, memory_format=torch.channels_last)
        window, body = find_window(volume.array)
        layout = lay_out(volume, "axial", body, window, model.card.scale)
        self.slices = int(layout.present().size)
        self.size = layout.size
        self._plan: Plan = plan_work(device, layout, model.generator.config.width, None)
        self._ready: list[tuple[Batch, Tensor, Tensor]] = []
        for batch in make_batches(layout.present(), None, self._plan.size):
            mri = torch.from_numpy(layout.mri(batch.slices))[:, None]
            mask = torch.from_numpy(layout.mask[batch.slices]).float()[:, None]
            x, weights = (
                F.interpolate(part, layout.size, mode="bilinear", antialias=True).to(device)
                for part in (mri, mask)
            )
            x = x.contiguous(memory_format=torch.channels_last)
            self._ready.append((batch, x, weights))

    def runner(self, dtype: torch.dtype) -> Callable[[], None]:
        """Paint all batches, as many at once as the engine does."""

        @torch.inference_mode()
        def paint(batch: Batch) -> None:
            _, x, weights = next(ready for ready in self._ready if ready[0] is batch)
            with torch.autocast(self._device, dtype, enabled=dtype != torch.float32):
                self._network.paint(x, weights, self._temperature)
            if self._device == "cuda":
                torch.cuda.current_stream().synchronize()

        def run() -> None:
            batches = [ready[0] for ready in self._ready]
            for _ in in_lanes(paint, batches, self._device, self._plan.lanes):
                pass
            synchronize(self._device)

        return run

    def operations(self) -> float:
        """Multiplications and additions of one slice."""
        _, x, weights = self._ready[0]
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            self._network.paint(x[:1], weights[:1], self._temperature)
        return float(counter.get_total_flops())
