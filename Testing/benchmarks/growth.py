"""How time and memory grow with the number of slices and with their pixels."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial

from benchmarks.interleaved import Candidate, measure
from benchmarks.machine import use_threads
from benchmarks.peak import MIB, Usage, in_fresh_process, used
from benchmarks.report import Part
from benchmarks.volumes import ONE_PLANE, ball, trunk
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.network.model import load_model

COLUMNS = ("slices", "pixels", "seconds", "CPU seconds", "input MiB", "output MiB", "beyond MiB")


def growth(
    model: str | None,
    device: str,
    threads: int,
    sizes: Sequence[tuple[int, int]],
    repeats: int,
) -> Part:
    """sizes: (slices, pixels of a side). Each run has a process of its own, sizes in turn.

    "Beyond" is the peak of memory above the input and the output.
    """
    found: dict[tuple[int, int], list[tuple[Usage, float, float]]] = {size: [] for size in sizes}
    for _ in range(repeats):
        for size in sizes:
            found[size].append(in_fresh_process(_colored, model, device, threads, *size))
    rows = []
    for (slices, pixels), runs in found.items():
        usages = [usage for usage, _, _ in runs]
        _, source, result = runs[0]
        rows.append(
            (
                slices,
                pixels,
                statistics.median(one.seconds for one in usages),
                statistics.median(one.processor for one in usages),
                source,
                result,
                max(one.peak_mib for one in usages) - result,
            )
        )
    plural = "s" if threads > 1 else ""
    title = f"Growth, {device}, {threads} thread{plural}"
    return Part(title, COLUMNS, rows, _ratio(model, device, threads, sizes, repeats))


def _ratio(
    model: str | None, device: str, threads: int, sizes: Sequence[tuple[int, int]], repeats: int
) -> dict[str, float | str]:
    """How many times as long most slices take as half of them: in one process, in turns.

    Processes of their own differ by a tenth from one to the next, by where their memory lies.
    """
    most, pixels = max(sizes, key=lambda size: size[0])
    if (most // 2, pixels) not in sizes:
        return {}
    use_threads(threads)
    engine = Colorizer(load_model(model), device)
    half, whole = measure(
        [
            Candidate(
                f"{count} slices",
                "auto",
                1,
                partial(engine.colorize, trunk(count, pixels), ONE_PLANE),
            )
            for count in (most // 2, most)
        ],
        repeats,
    )
    name = f"{most} / {most // 2} slices of {pixels}"
    return {
        name: whole.clock / half.clock,
        f"{name}, CPU": whole.processor / half.processor,
    }


def _colored(
    model: str | None, device: str, threads: int, slices: int, pixels: int
) -> tuple[Usage, float, float]:
    """Colour a made body; with MiB of input and output."""
    use_threads(threads)
    engine = Colorizer(load_model(model), device)
    engine.colorize(ball(24, 96.0))  # what is loaded once is not the volume's
    volume = trunk(slices, pixels)
    results = []
    usage = used(lambda: results.append(engine.colorize(volume, ONE_PLANE)))
    maps = (results[0].array, results[0].mask, results[0].tissue)
    output = sum(one.nbytes for one in maps if one is not None)
    return usage, volume.array.nbytes / MIB, output / MIB
