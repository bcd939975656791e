"""Training throughput: a step of the model that ships against the published step in float32.

    python Testing/benchmarks/training_step.py --prepared PREPARED [--threads N] [--repeats N]

Whole steps on drawn samples (drawing, both passes, optimizers), in one process with the same
threads, in turns. The published step is published_network.toml in float32: its network at
256 pixels, cycle, two discriminators, SegNet (untrained: its time does not depend on its weights).
As samples differ in size, pixels a second stand beside samples a second.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("", "MRIColorize", "Testing"):
    sys.path.insert(0, str(REPOSITORY / folder))

from benchmarks.interleaved import Candidate, measure  # noqa: E402
from benchmarks.machine import processor_name  # noqa: E402
from training.config import CONFIGS, TrainConfig  # noqa: E402
from training.data.prepared import PreparedVolume, load_all  # noqa: E402
from training.data.synthesis import Random  # noqa: E402
from training.learner import Learner  # noqa: E402
from training.networks.segnet import SegNet  # noqa: E402
from training.parallel import make_fabric  # noqa: E402
from training.sampling import StepSource  # noqa: E402
from training.settings import load_config  # noqa: E402


@dataclass(frozen=True)
class Speed:
    """Median throughput of one kind of step; pixels_per_sample: of its square crops."""

    name: str
    precision: str
    samples_per_step: int
    pixels_per_sample: int
    samples_per_second: float
    pixels_per_second: float


def candidate(name: str, config: TrainConfig, volumes: Sequence[PreparedVolume]) -> Candidate:
    """A whole training step of a configuration."""
    segnet = (
        SegNet(config.segnet.width, config.segnet.levels) if config.losses.segmentation else None
    )
    learner = Learner(config, make_fabric(config.precision), segnet)
    source, rng = StepSource(volumes, "train", config), Random(config.seed)
    samples = source.draw(0.5, rng).samples
    return Candidate(
        name, config.precision, samples, lambda: learner.step(source.draw(0.5, rng), 0)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count")
    parser.add_argument(
        "--side", type=int, default=256, help="pixels of the published step's crops"
    )
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "training_step.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    volumes = load_all(options.prepared)
    side = options.side
    ours = ["slices.crops=[160]"]
    published = [
        f"slices.crops=[{side}]",
        f"pixels={4 * side * side}",  # registered, MRI, cryosection: two, one and one samples
        "precision=32-true",
        "segnet.path=made here",
    ]
    files = {
        "published, float32": ("published_network.toml", published),
        "ships, float32": ("default.toml", [*ours, "precision=32-true"]),
        "ships": ("default.toml", ours),
    }
    configs = {name: load_config(CONFIGS / file, more) for name, (file, more) in files.items()}
    found = [candidate(name, config, volumes) for name, config in configs.items()]
    speeds = []
    for timing, config in zip(measure(found, options.repeats), configs.values(), strict=True):
        rate, pixels = 1 / timing.clock, config.slices.crops[0] ** 2
        speeds.append(
            Speed(timing.name, timing.precision, timing.units, pixels, rate, rate * pixels)
        )
    print(f"{processor_name()}, {options.threads} threads, torch {torch.__version__}\n")
    print("| step | precision | samples | samples/s | times | megapixels/s | times |")
    print("|---|---|---|---|---|---|---|")
    first = speeds[0]
    for speed in speeds:
        print(
            f"| {speed.name} | {speed.precision} | {speed.samples_per_step} of "
            f"{speed.pixels_per_sample**0.5:.0f} px | {speed.samples_per_second:.2f} | "
            f"{speed.samples_per_second / first.samples_per_second:.1f} | "
            f"{speed.pixels_per_second / 1e6:.3f} | "
            f"{speed.pixels_per_second / first.pixels_per_second:.1f} |"
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps([vars(speed) for speed in speeds], indent=1) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
