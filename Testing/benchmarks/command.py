"""The command line on large volumes: peak memory of the whole process; and the time files take."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nibabel
import numpy as np

from benchmarks.interleaved import Candidate, measure
from benchmarks.peak import MIB, Usage, run_command
from benchmarks.report import Part
from benchmarks.volumes import ball, head
from MRIColorizeLib.files.colors import write_color
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.volume import ColorVolume, Provenance, Volume

LIBRARY = Path(__file__).resolve().parents[2] / "MRIColorize"


def command_memory(
    model: str | None, threads: int, sides: Sequence[int], endings: Sequence[str]
) -> Part:
    """Colour cubes of float32, 200 mm wide, from file to file: all that the process holds.

    Output is counted as the colours alone, 3 bytes a voxel; Python and its libraries are part of
    what lies beyond.
    """
    rows = []
    for side in sides:
        for ending in endings:
            with tempfile.TemporaryDirectory() as folder:
                usage = _color_file(Path(folder), model, threads, side, ending)
            source, result = 4 * side**3 / MIB, 3 * side**3 / MIB
            beyond = usage.peak_mib - source - result
            times = (usage.seconds, usage.processor)
            rows.append((f"{side}³", ending, *times, source, result, usage.peak_mib, beyond))
    columns = ("voxels", "files", "seconds", "CPU seconds", "input MiB", "output MiB", "peak MiB")
    summary = {"most beyond input and output, MiB": max(float(row[-1]) for row in rows)}
    return Part("Command line, whole process", (*columns, "beyond MiB"), rows, summary)


def _color_file(folder: Path, model: str | None, threads: int, side: int, ending: str) -> Usage:
    source, target = folder / f"made{ending}", folder / f"color{ending}"
    made = ball(side, 200.0)
    if ending == ".nrrd":
        import nrrd

        nrrd.write(str(source), made.array, {"encoding": "raw", **_space(made)}, index_order="C")
    else:
        nibabel.save(nibabel.Nifti1Image(made.array.T, made.ijk_to_ras), source)
    del made
    command: list[str | Path] = [sys.executable, "-m", "MRIColorizeLib", source, "-o", target]
    if model is not None:
        command += ["--model", model]
    paths = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(threads)}
    return run_command([*command, "--quiet", "--no-render"], environment)


def _space(volume: Volume) -> dict[str, object]:
    return {
        "space": "right-anterior-superior",
        "space directions": volume.ijk_to_ras[:3, :3].T,
        "space origin": volume.ijk_to_ras[:3, 3],
    }


def file_times(slices: int, repeats: int) -> Part:
    """Reading and writing a head of `slices` slices of 256x256: apart from the engine's time."""
    volume = head(slices)
    rgb = np.repeat(np.clip(volume.array / volume.array.max() * 255, 0, 255)[..., None], 3, axis=3)
    made = Provenance("made", "1", "cpu", "float32", "axial", slices, 0.0)
    color = ColorVolume(rgb.astype(np.uint8), rgb[..., 0] > 0, None, volume.ijk_to_ras, made)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidates = []
        for ending in (".nii", ".nii.gz"):
            source = folder / f"head{ending}"
            nibabel.save(nibabel.Nifti1Image(volume.array.T, volume.ijk_to_ras), source)
            read = partial(read_volume, source)
            candidates.append(Candidate(f"read {ending}", "float32", 1, read))
        for ending in (".nrrd", ".nii.gz", ".nii"):
            write = partial(write_color, color, folder / f"color{ending}")
            candidates.append(Candidate(f"write {ending}", "uint8", 1, write))
        timings = measure(candidates, repeats)
    rows = [(one.name, one.precision, one.clock, one.processor) for one in timings]
    return Part("Files", ("what", "voxels", "seconds", "CPU seconds"), rows)
