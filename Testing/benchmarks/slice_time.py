"""Time per 256x256 slice on the CPU: our network and the whole engine against the published one.

    python Testing/benchmarks/slice_time.py [--model NAME|DIR] [--threads N] [--repeats N] [--out F]

All run in one process with the same threads, one after the other in each round, the order turning
from round to round; the figure is the median over the rounds. Beside the time on the clock stands
the processor's, summed over threads: on a busy machine only the latter means something.

How the published network is counted: its encoder once and, as in the authors' forward pass, its one
set of blocks and decoder twice, for the two (equal) pictures; a second row gives it one decoder
only, a third the better memory layout.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("MRIColorize", "Testing"):
    sys.path.insert(0, str(REPOSITORY / folder))

from benchmarks.interleaved import (  # noqa: E402  # found through the path above
    Candidate,
    measure,
    processor_name,
    summarize,
    table,
)
from MRIColorizeLib.colorizer import Colorizer  # noqa: E402
from MRIColorizeLib.devices import resolve_precision  # noqa: E402
from MRIColorizeLib.files import read_volume  # noqa: E402
from MRIColorizeLib.folding import fold_batch_norm  # noqa: E402
from MRIColorizeLib.generator import DualDecoderGenerator  # noqa: E402
from MRIColorizeLib.generator_config import GeneratorConfig  # noqa: E402
from MRIColorizeLib.intensity import normalize  # noqa: E402
from MRIColorizeLib.model import Model, load_model  # noqa: E402
from MRIColorizeLib.volume import Volume, slice_order  # noqa: E402

SAMPLE = REPOSITORY / "MRIColorize" / "Resources" / "Sample" / "head_t1_seg3d_defaced.nii.gz"
SIDE = 256


class PublishedForward(nn.Module):
    """The published network as its authors run it: everything after the fusion happens twice."""

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


def head(slices: int) -> Volume:
    """The middle axial slices of the sample at 1 mm a pixel, in a black square of 256 pixels."""
    sample = read_volume(SAMPLE)
    order = slice_order(sample, "axial")
    array = sample.array.transpose(order)
    start = max(0, (len(array) - slices) // 2)
    spacing = [sample.spacing[::-1][axis] for axis in order]
    size = [round(n * step) for n, step in zip(array.shape[1:], spacing[1:], strict=True)]
    stack = torch.from_numpy(np.ascontiguousarray(array[start : start + slices]))[:, None]
    stack = F.interpolate(stack, size, mode="bilinear", align_corners=False, antialias=True)
    left, top = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    square = F.pad(stack, (left, SIDE - size[1] - left, top, SIDE - size[0] - top))
    return Volume(square[:, 0].numpy(), np.diag([1.0, 1.0, spacing[0], 1.0]))


def candidates(model: Model, volume: Volume) -> list[Candidate]:
    """What is timed, the reference first; networks see the middle slice, the engine the volume."""
    scaled, body = normalize(volume.array)
    middle = len(scaled) // 2
    x = torch.from_numpy(scaled[middle])[None, None]  # (1, 1, 256, 256)
    mask = torch.from_numpy(body[middle])[None, None].float()
    twice = PublishedForward().eval()
    once = DualDecoderGenerator(GeneratorConfig.published()).eval()
    once_last = DualDecoderGenerator(GeneratorConfig.published()).eval()
    once_last.to(memory_format=torch.channels_last)
    x_last = x.contiguous(memory_format=torch.channels_last)
    ours = fold_batch_norm(model.generator).to(memory_format=torch.channels_last)
    colorizer = Colorizer(model, "cpu")
    fast = resolve_precision("auto", "cpu")
    auto = str(fast).removeprefix("torch.")

    def run_ours(dtype: torch.dtype) -> object:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return ours(x_last, mask, model.card.temperature)

    name = f"{model.card.name} {model.card.version}"
    found = [
        Candidate("published, both decoders", "float32", 1, lambda: twice(x)),
        Candidate("published, one decoder", "float32", 1, lambda: once(x)),
        Candidate("published, one, channels last", "float32", 1, lambda: once_last(x_last)),
        Candidate(f"{name}, network", "float32", 1, lambda: run_ours(torch.float32)),
        Candidate(
            f"{name}, engine", auto, int(body.any((1, 2)).sum()), lambda: colorizer.colorize(volume)
        ),
    ]
    if fast != torch.float32:
        found.insert(4, Candidate(f"{name}, network", auto, 1, lambda: run_ours(fast)))
    return found


def setting(model: Model, volume: Volume, engine: Candidate, repeats: int) -> dict[str, object]:
    """Under what the times were taken, for the JSON."""
    body = np.argwhere(normalize(volume.array)[1].any(axis=0))
    return {
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "repeats": repeats,
        "slice": [SIDE, SIDE],
        "engine_slices": engine.slices,
        "engine_body": (body.max(axis=0) - body.min(axis=0) + 1).tolist(),
        "model": model.card.name,
        "version": model.card.version,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print the table, write the JSON."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = load_model(options.model)
    volume = head(options.slices)
    found = candidates(model, volume)
    told = setting(model, volume, found[-1], options.repeats)
    with torch.inference_mode():
        rounds = measure(found, options.repeats)
    timings = summarize(found, rounds)
    print("\n".join(f"{key}: {value}" for key, value in told.items()), end="\n\n")
    print(table(timings))
    result = {
        "setting": told,
        "timings": [asdict(one) for one in timings],
        "rounds": [[asdict(one) for one in each] for each in rounds],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name or folder; default: the one that ships")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count")
    parser.add_argument("--slices", type=int, default=32, help="of the volume for the engine")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "slice_time.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
