"""A whole volume on the CPU: the engine against the bare network, and the memory it takes.

    python Testing/benchmarks/volume_time.py [--slices N] [--threads N] [--repeats N] [--out F]

The bare network sees the very slices that the engine gives it, ready in memory, one by one; the
overhead is what all the rest costs: finding the body, scaling, resizing, colour, writing into the
result. Both run in turns in one process; the times are medians, on the clock and of the processor
(on a busy machine only the latter means something). The memory is the peak of a process of its own
that colours a made volume of --side voxels a side, above what it held before, input not counted; it
is measured on Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("MRIColorize", "Testing"):
    sys.path.insert(0, str(REPOSITORY / folder))

from benchmarks.interleaved import (  # noqa: E402  # found through the path above
    Candidate,
    measure,
    processor_name,
)
from MRIColorizeLib.colorizer import Colorizer  # noqa: E402
from MRIColorizeLib.devices import resolve_precision  # noqa: E402
from MRIColorizeLib.files import read_volume  # noqa: E402
from MRIColorizeLib.folding import fold_batch_norm  # noqa: E402
from MRIColorizeLib.intensity import find_window  # noqa: E402
from MRIColorizeLib.layout import lay_out  # noqa: E402
from MRIColorizeLib.model import Model, load_model  # noqa: E402
from MRIColorizeLib.naming import sample_path  # noqa: E402
from MRIColorizeLib.volume import Volume  # noqa: E402


def middle_of_sample(slices: int) -> Volume:
    """The sample, or so many of its middle axial slices."""
    sample = read_volume(sample_path())
    start = max(0, (len(sample.array) - slices) // 2)
    return Volume(sample.array[start : start + slices], sample.ijk_to_ras)


def ready_slices(volume: Volume, spacing_mm: float) -> list[tuple[Tensor, Tensor]]:
    """What the engine gives the network: MRI and mask (1, 1, H, W) of each slice."""
    window, body = find_window(volume.array)
    layout = lay_out(volume, "axial", body, window, spacing_mm)
    ready = []
    for index in layout.present():
        mri = torch.from_numpy(layout.mri(np.array([index])))[:, None]
        mask = torch.from_numpy(layout.mask[[index]]).float()[:, None]
        x, weights = (
            F.interpolate(part, layout.size, mode="bilinear", antialias=True)
            for part in (mri, mask)
        )
        ready.append((x.contiguous(memory_format=torch.channels_last), weights))
    return ready


def candidates(model: Model, volume: Volume) -> list[Candidate]:
    """The network on ready slices, and the engine on the volume that they come from."""
    ready = ready_slices(volume, model.card.spacing_mm)
    network = fold_batch_norm(model.generator).to(memory_format=torch.channels_last)
    dtype = resolve_precision("auto", "cpu")
    engine = Colorizer(model, "cpu")

    @torch.inference_mode()
    def bare() -> None:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            for x, weights in ready:
                network.paint(x, weights, model.card.temperature)

    precision = str(dtype).removeprefix("torch.")
    return [
        Candidate("network on ready slices", precision, 1, bare),
        Candidate("engine, whole volume", precision, 1, lambda: engine.colorize(volume)),
    ]


def peak_memory(side: int, model_name: str | None) -> dict[str, float]:
    """MiB of input and output, and the peak beyond both, for a made cube; in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_color_cube, (side, model_name))


def _color_cube(side: int, model_name: str | None) -> dict[str, float]:
    """Colour a made cube of 96 mm whatever its voxels, so that the network has little to do."""
    torch.set_num_threads(1)
    engine = Colorizer(load_model(model_name), "cpu")
    engine.colorize(_ball(24))  # what is loaded once is not the volume's
    volume = _ball(side)
    before = _forget_peak()
    color = engine.colorize(volume)
    maps = [color.array, color.mask, color.tissue]
    output = sum(one.nbytes for one in maps if one is not None)
    mib = 1 << 20
    return {
        "side": side,
        "input": volume.array.nbytes / mib,
        "output": output / mib,
        "beyond": (_memory("VmHWM") - before - output) / mib,
    }


def _ball(side: int) -> Volume:
    """A ball of uneven tissue in noise, 96 mm wide."""
    along = np.linspace(-1.1, 1.1, side, dtype=np.float32)
    noise = np.random.default_rng(0)
    array = np.empty((side, side, side), dtype=np.float32)
    for k, z in enumerate(along):  # slice by slice: the making must not set the peak
        inside = z**2 + along[:, None] ** 2 + along**2 < 1
        tissue = 100 + 40 * np.sin(9 * along) * np.cos(7 * along[:, None])
        array[k] = inside * tissue + noise.normal(0, 1, inside.shape)
    step = 96 / side
    return Volume(array, np.diag([step, step, step, 1.0]))


def _forget_peak() -> int:
    """Begin a new peak, and return the memory that this process holds now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory("VmRSS")


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    model = load_model(options.model)
    found = candidates(model, middle_of_sample(options.slices))
    rounds = measure(found, options.repeats)
    seconds: list[dict[str, Any]] = [
        {
            "what": one.name,
            "precision": one.precision,
            "clock": statistics.median(r.clock for r in each) / 1000,
            "processor": statistics.median(r.processor for r in each) / 1000,
        }
        for one, each in zip(found, rounds, strict=True)
    ]
    bare, engine = seconds
    sides = options.side if sys.platform == "linux" else []
    result = {
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": os.getloadavg()[0],
        "model": f"{model.card.name} {model.card.version}",
        "slices": options.slices,
        "seconds": seconds,
        "overhead_clock": engine["clock"] / bare["clock"],
        "overhead_processor": engine["processor"] / bare["processor"],
        "memory_mib": [peak_memory(side, options.model) for side in sides],
    }
    print(_table(result))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _table(result: dict) -> str:
    lines = [f"{key}: {result[key]}" for key in ("processor", "threads", "load", "model", "slices")]
    lines += ["", "| what | precision | seconds | CPU seconds |", "| --- | --- | --- | --- |"]
    for row in result["seconds"]:
        times = f"{row['clock']:.2f} | {row['processor']:.2f}"
        lines.append(f"| {row['what']} | {row['precision']} | {times} |")
    ratios = f"{result['overhead_clock']:.2f} | {result['overhead_processor']:.2f}"
    lines.append(f"| engine / network | | {ratios} |")
    lines += ["", "| voxels | input MiB | output MiB | beyond both |", "| --- | --- | --- | --- |"]
    for row in result["memory_mib"]:
        sizes = f"{row['input']:.0f} | {row['output']:.0f} | {row['beyond']:.0f}"
        lines.append(f"| {row['side']}³ | {sizes} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name or folder; default: the one that ships")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count")
    parser.add_argument("--slices", type=int, default=160, help="of the sample")
    parser.add_argument(
        "--side", type=int, nargs="*", default=[128, 256, 384], help="of the cubes for the memory"
    )
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "volume_time.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
