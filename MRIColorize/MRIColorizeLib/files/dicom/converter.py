"""The converter dcm2niix, run on the files of one series: NIfTI volumes and their sidecars."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...memory import check_fits
from ..packages import FOR_DICOM, require
from .headers import DEFLATED, ImageFile

# -g i: not the person's own defaults. -l n: 16 bits with a sign where the values allow; without it
# a missing slice ends the converter. -p n: the scanner's scale, not Philips's second one. -x i:
# neither cropped nor turned. -d 0: no folders below. -w 2: nothing overwritten.
OPTIONS = (
    *("-g", "i", "-b", "y", "-ba", "y", "-z", "n", "-l", "n", "-x", "i", "-d", "0", "-w", "2"),
    *("-p", "n", "-f", "v"),
)
SECONDS = 60.0
SECONDS_PER_BYTE = 1e-6  # a disk of 1 MB/s
# What it makes beside a volume: one with gaps filled in, one without its shear, and its overlays.
MADE_FROM_OTHERS = re.compile(r"_(Eq|Tilt|ROI)_?\d*$")
# Slices of one stack whose directions differ by less than ROUNDING, in a volume of 250 mm by less
# than 0.3 mm, are one volume.
SPLIT_FROM, ROUNDING = 1e-6, 1e-3


@dataclass(frozen=True)
class Converted:
    """A volume that the converter made.

    nifti: its file. part: what it added to the name to tell volumes of a series apart, as "e2" for
    the second echo; "" for nothing.
    """

    nifti: Path
    part: str
    sidecar: dict[str, Any]


def convert(files: Sequence[ImageFile], room: Path) -> list[Converted]:
    """Convert the files of one series into `room`, an empty folder.

    Raises DependencyError when the converter is missing and InputError with its reason when it
    makes nothing of them.
    """
    require(FOR_DICOM)
    source, made = room / "in", room / "out"
    source.mkdir()
    made.mkdir()
    common = _common_directions(files)
    stored = sum(_hand_over(file, source / f"{n:06d}.dcm", common) for n, file in enumerate(files))
    check_fits(2 * stored, f"Converting the series of {files[0].path}")
    words = [*OPTIONS, "-o", str(made), str(source)]
    said = _run(words, SECONDS + SECONDS_PER_BYTE * stored)
    shutil.rmtree(source)
    volumes = _collect(made)
    if not volumes:
        raise InputError(f"the converter dcm2niix makes no volume of it{_complaint(said)}")
    return volumes


def _hand_over(file: ImageFile, target: Path, directions: np.ndarray | None) -> int:
    """Put a file at the converter's hand by a link, a copy where there are none; its bytes.

    directions: to be written instead of the file's own, if any.
    """
    path = file.path.absolute()
    if file.syntax == DEFLATED or directions is not None:
        _rewrite(path, target, directions)
        return target.stat().st_size
    for way in (target.symlink_to, target.hardlink_to):
        with suppress(OSError):
            way(path)
            break
    else:
        shutil.copyfile(path, target)
    return path.stat().st_size


def _rewrite(path: Path, target: Path, directions: np.ndarray | None) -> None:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    data = pydicom.dcmread(path, force=True)
    if directions is not None:
        data.ImageOrientationPatient = [f"{number:.9f}" for number in directions]
    if data.file_meta.get("TransferSyntaxUID") == DEFLATED:
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.save_as(target)


def _common_directions(files: Sequence[ImageFile]) -> np.ndarray | None:
    """The mean of directions that differ by their rounding only, which the converter would split.

    None when they are all the same, or differ by more, or are those of enhanced files.
    """
    if any(file.frames > 1 for file in files):
        return None
    all_ = np.concatenate([file.directions for file in files])
    spread = np.ptp(all_, axis=0).max()
    return all_.mean(axis=0) if SPLIT_FROM < spread < ROUNDING else None


def _run(words: Sequence[str], seconds: float) -> str:
    """What the converter says. A code other than 0 may still come with good volumes."""
    import dcm2niix

    try:
        done = subprocess.run(
            [dcm2niix.bin, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"the converter dcm2niix did not end in {seconds:.0f} s") from error
    except OSError as error:
        raise InputError(f"the converter dcm2niix cannot be run ({error.strerror})") from error
    if done.returncode < 0:
        raise InputError(f"the converter dcm2niix broke down at it (signal {-done.returncode})")
    return done.stdout.decode("utf-8", "replace")


def _complaint(said: str) -> str:
    """What it printed of an error, in brackets."""
    found = re.search(r"^Error: *(.+?)\.?$", said, re.MULTILINE)
    return f" ({found[1].strip()})" if found else ""


def _collect(folder: Path) -> list[Converted]:
    volumes = []
    for nifti in sorted(folder.glob("*.nii")):
        if MADE_FROM_OTHERS.search(nifti.stem):
            continue
        sidecar: Any = None
        with suppress(OSError, ValueError):
            sidecar = json.loads(nifti.with_suffix(".json").read_text("utf-8", "replace"))
        volumes.append(
            Converted(
                nifti,
                nifti.stem.removeprefix("v").strip("_"),
                sidecar if isinstance(sidecar, dict) else {},
            )
        )
    return volumes
