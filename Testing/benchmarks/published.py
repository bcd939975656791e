"""A slice of 256x256 against the published network in float32, on the same threads in one run."""

from __future__ import annotations

import torch

from benchmarks.interleaved import Candidate, measure
from benchmarks.machine import use_threads
from benchmarks.network import PublishedForward
from benchmarks.report import Part
from benchmarks.volumes import ONE_PLANE, head
from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.engine.devices import resolve_precision
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.folding import fold_batch_norm
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import Model


def against_published(model: Model, threads: int, slices: int, repeats: int) -> Part:
    """Times on the CPU; networks see the middle slice, the engine `slices` of the head.

    How the published network is counted: its encoder once and, as in its authors' forward pass, its
    one set of blocks and decoder twice; a second row gives it one decoder only, in the better
    memory layout. The engine skips the empty border that the networks are given.
    """
    use_threads(threads)
    torch.manual_seed(0)
    volume = head(slices)
    scaled, body = normalize(volume.array)
    middle = len(scaled) // 2
    x = torch.from_numpy(scaled[middle])[None, None]  # (1, 1, 256, 256)
    mask = torch.from_numpy(body[middle])[None, None].float()
    twice = PublishedForward().eval()
    once = DualDecoderGenerator(GeneratorConfig.published()).eval()
    once.to(memory_format=torch.channels_last)
    x_last = x.contiguous(memory_format=torch.channels_last)
    ours = fold_batch_norm(model.generator).to(memory_format=torch.channels_last)
    engine, fast = Colorizer(model, "cpu"), resolve_precision("auto", "cpu")

    def run_ours(dtype: torch.dtype) -> object:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return ours.paint(x_last, mask, model.card.temperature)

    name, auto = f"{model.card.name} {model.card.version}", str(fast).removeprefix("torch.")
    shown = int(body.any((1, 2)).sum())
    candidates = [
        Candidate("published, both decoders", "float32", 1, lambda: twice(x)),
        Candidate("published, one decoder, channels last", "float32", 1, lambda: once(x_last)),
        Candidate(f"{name}, network", "float32", 1, lambda: run_ours(torch.float32)),
        Candidate(f"{name}, network", auto, 1, lambda: run_ours(fast)),
        Candidate(f"{name}, engine", auto, shown, lambda: engine.colorize(volume, ONE_PLANE)),
    ]
    with torch.inference_mode():
        timings = measure(candidates, repeats)
    reference = timings[0]
    rows = [
        (
            one.name,
            one.precision,
            1000 * one.clock,
            f"{1000 * one.fastest:.1f} to {1000 * one.slowest:.1f}",
            1000 * one.processor,
            reference.clock / one.clock,
            reference.processor / one.processor,
        )
        for one in timings
    ]
    columns = ("what", "precision", "ms a slice", "range", "CPU ms", "times", "times, CPU")
    summary = {
        "published / engine": reference.clock / timings[-1].clock,
        f"published / network in {auto}": reference.clock / timings[-2].clock,
    }
    plural = "s" if threads > 1 else ""
    return Part(f"A slice of 256x256, CPU, {threads} thread{plural}", columns, rows, summary)
