"""The engine on a whole head against its bare network, number formats, share of the limit."""

from __future__ import annotations

import torch

from benchmarks.interleaved import Candidate, Timing, measure
from benchmarks.machine import PRODUCT, products, use_threads
from benchmarks.network import BareNetwork
from benchmarks.report import Part
from benchmarks.volumes import ONE_PLANE, head
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.engine.devices import resolve_precision
from MRIColorizeLib.network.model import Model

PRODUCTS = 20


def overhead(model: Model, device: str, threads: int, slices: int, repeats: int) -> Part:
    """Seconds for a head of `slices` slices of 256x256 at 1 mm, in memory, all in one run."""
    use_threads(threads)
    volume = head(slices)
    bare, engine = BareNetwork(model, volume, device), Colorizer(model, device)
    fast = resolve_precision("auto", device)
    dtypes = [fast] if fast == torch.float32 else [fast, torch.float32]
    candidates = [
        Candidate(
            "engine, whole volume", _name(fast), 1, lambda: engine.colorize(volume, ONE_PLANE)
        ),
        *(Candidate("network on ready batches", _name(d), 1, bare.runner(d)) for d in dtypes),
        *(
            Candidate(f"{PRODUCTS} matrix products", _name(d), 1, products(device, d, PRODUCTS))
            for d in dtypes
        ),
    ]
    timings = measure(candidates, repeats)
    whole, networks = timings[0], timings[1 : 1 + len(dtypes)]
    peaks = {one.precision: PRODUCTS * PRODUCT / one.clock for one in timings[1 + len(dtypes) :]}
    work = bare.operations() * bare.slices
    summary: dict[str, float | str] = {
        "slices that show the body": float(bare.slices),
        "pixels of a slice in the network": "x".join(str(n) for n in bare.size),
        "engine / network": whole.clock / networks[0].clock,
        "engine - network, seconds": whole.clock - networks[0].clock,
        "the same of processor time": whole.processor / networks[0].processor,
    }
    if len(networks) > 1:
        summary[f"network, float32 / {_name(fast)}"] = networks[1].clock / networks[0].clock
    return Part(
        f"Engine and network, {_place(device, threads)}",
        ("what", "precision", "seconds", "range", "CPU seconds", "GFLOP/s", "share of products"),
        [_row(one, work, peaks) for one in timings],
        summary,
    )


def _row(one: Timing, work: float, peaks: dict[str, float]) -> tuple[object, ...]:
    spread = f"{one.fastest:.2f} to {one.slowest:.2f}"
    operations = PRODUCTS * PRODUCT if "products" in one.name else work
    rate = operations / one.clock
    share = f"{rate / peaks[one.precision]:.0%}"
    return (one.name, one.precision, one.clock, spread, one.processor, rate / 1e9, share)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _place(device: str, threads: int) -> str:
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}" if device == "cpu" else device
