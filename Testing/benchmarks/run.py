"""How fast and how lean the engine is on this machine: a table on the screen, the same as JSON.

    python Testing/benchmarks/run.py [--only PART ...] [--quick] [--threads N ...] [--out FILE]

overhead: a head of 256x256x176 against the bare network on ready batches, bfloat16 against float32,
the share of the machine's matrix products. published: a slice against the published network in
float32. growth: time and memory from 32 to 512 slices and from 128 to 1024 pixels. command: peak
memory of the command line on a cube of 512 voxels a side. files: reading and writing.

What is compared runs in turns in one process on the same threads; only ratios within a run mean
much. Beside the clock stands the processor's time: on a busy machine only that means something. All
sizes together take about half an hour on two cores, --quick a few minutes. A card (CUDA, MPS) is
measured too where PyTorch finds one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("MRIColorize", "Testing"):
    sys.path.insert(0, str(REPOSITORY / folder))

from benchmarks.command import command_memory, file_times  # noqa: E402  # found through that path
from benchmarks.growth import growth  # noqa: E402
from benchmarks.machine import setting  # noqa: E402
from benchmarks.overhead import overhead  # noqa: E402
from benchmarks.published import against_published  # noqa: E402
from benchmarks.report import Part  # noqa: E402
from MRIColorizeLib.engine.devices import describe_devices  # noqa: E402
from MRIColorizeLib.network.model import load_model  # noqa: E402

PARTS = ("overhead", "published", "growth", "command", "files")


@dataclass(frozen=True)
class Sizes:
    """What is measured: slices of heads, (slices, pixels) of bodies, sides of cubes."""

    head: int
    published: int
    bodies: tuple[tuple[int, int], ...]
    cubes: tuple[int, ...]
    endings: tuple[str, ...] = (".nii", ".nrrd", ".nii.gz")


FULL = Sizes(
    head=176,
    published=32,
    bodies=(
        *((slices, 256) for slices in (32, 64, 128, 256, 512)),
        *((32, pixels) for pixels in (128, 512, 1024)),
    ),
    cubes=(512,),
)
QUICK = Sizes(
    head=48, published=8, bodies=((16, 128), (32, 128), (16, 256)), cubes=(160,), endings=(".nii",)
)


def measured(
    parts: Sequence[str], sizes: Sizes, threads: Sequence[int], repeats: int, model: str | None
) -> Iterator[Part]:
    """Every part that is asked for, on every device and number of threads."""
    loaded = load_model(model)
    cards = [found.name for found in describe_devices() if found.name != "cpu"]
    places = [("cpu", count) for count in threads] + [(card, max(threads)) for card in cards]
    for device, count in places:
        if "overhead" in parts:
            yield overhead(loaded, device, count, sizes.head, repeats)
        if "published" in parts and device == "cpu":
            yield against_published(loaded, count, sizes.published, repeats)
    for device, count in [("cpu", max(threads)), *((card, max(threads)) for card in cards)]:
        if "growth" in parts:
            yield growth(model, device, count, sizes.bodies, repeats)
    if "command" in parts:
        yield command_memory(model, max(threads), sizes.cubes, sizes.endings)
    if "files" in parts:
        yield file_times(sizes.head, repeats)


def main(arguments: Sequence[str] | None = None, sizes: Sizes | None = None) -> int:
    """Measure, print each part as it is done, write the JSON. sizes: other than the options say."""
    options = _parser().parse_args(arguments)
    chosen = sizes or (QUICK if options.quick else FULL)
    told = {**setting(), "repeats": options.repeats, "model": options.model or "the one that ships"}
    print("\n".join(f"- {key}: {value}" for key, value in told.items()), flush=True)
    found = []
    for part in measured(options.only, chosen, options.threads, options.repeats, options.model):
        print(f"\n{part.markdown()}", flush=True)
        found.append(part.numbers())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"setting": told, "parts": found}, indent=1)
    options.out.write_text(content + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count")
    parser.add_argument("--model", help="name or folder; default: the one that ships")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "benchmarks.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
