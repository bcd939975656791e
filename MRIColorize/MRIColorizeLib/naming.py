"""Which files a run writes, and that none of them is one of its inputs."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .files import stem, suffix
from .model import models_directory
from .output import COLOR_SUFFIXES

SAMPLE = "head_t1_seg3d_defaced.nii.gz"
# No folder is meant by these.
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")
# How the names of our own results end, and those of segmentations.
OURS = ("_color", "_confidence", "_tissue", ".seg")


@dataclass(frozen=True)
class Job:
    """One input and where its results go; `preview` is the picture of a single slice.

    tissue and confidence are written when they are asked for.
    """

    source: Path
    volume: Path
    picture: Path
    rendering: Path
    preview: Path
    tissue: Path
    confidence: Path

    def results(self) -> tuple[Path, ...]:
        """All that may be written."""
        names = (self.volume, self.picture, self.rendering, self.preview)
        return (*names, self.tissue, self.confidence)

    def within(self, folder: Path) -> Job:
        """The same results under the same names in another folder."""
        return Job(self.source, *(folder / path.name for path in self.results()))


def sample_path() -> Path:
    """The defaced head that ships: beside the models, in the source tree as in a wheel."""
    return models_directory().parent / "Sample" / SAMPLE


def is_sample(path: Path) -> bool:
    """Whether a file is the shipped sample or a copy of it; its face was removed."""
    sample = sample_path()
    return path.is_file() and sample.is_file() and filecmp.cmp(path, sample, shallow=False)


def plan_jobs(
    sources: Sequence[Path], out: Path | None, ending: str, mask: Path | None = None
) -> list[Job]:
    """Name the results of every input.

    out: a folder; or, with one input, a file that ends in .nrrd or .nii.gz; None puts the results
    beside each input. ending: ".nrrd" or ".nii.gz". mask: the file with it, if any. Raises
    InputError when two inputs would write the same file or a result would replace a file that is
    read.
    """
    jobs = [_job(source, out, ending, alone=len(sources) == 1) for source in sources]
    read = (*sources, *([] if mask is None else [mask]))
    writers: dict[str, Path] = {os.path.realpath(path): path for path in read}
    for job in jobs:
        for path in job.results():
            place = os.path.realpath(path)  # Path.resolve fails at a loop of links
            other = writers.setdefault(place, job.source)
            if place == os.path.realpath(other):
                raise InputError(f"{path} is read and so is not overwritten; choose another -o.")
            if other is not job.source:
                raise InputError(
                    f"{other} and {job.source} would both be written to {path}; "
                    "colour them one by one with different -o."
                )
    return jobs


def _job(source: Path, out: Path | None, ending: str, alone: bool) -> Job:
    if out is not None and suffix(out) and not out.is_dir():
        if not alone:
            raise InputError(f"-o {out} is one file for several inputs; give a folder.")
        if suffix(out) not in COLOR_SUFFIXES:
            raise InputError(
                f"-o {out} ends in {suffix(out)}, which holds no colour; use .nrrd or .nii.gz."
            )
        return _named(source, out.parent, stem(out), suffix(out), stem(out))
    if out is not None and out.suffix.lower() in PICTURES and not out.is_dir():
        raise InputError(
            f"-o {out} has the name of a picture; give a folder, or a .nrrd or .nii.gz file: its "
            "picture lies beside it."
        )
    return job_in(out if out is not None else _plain(source).parent, source, ending)


def job_in(folder: Path, source: Path, ending: str) -> Job:
    """Results in a folder, named after the input."""
    name = stem(_plain(source))
    return _named(source, folder, f"{name}_color", ending, name)


def _plain(path: Path) -> Path:
    """Absolute and without "..": a folder's own name, and not that of the way to it."""
    return Path(os.path.abspath(path))


def _named(source: Path, folder: Path, name: str, ending: str, plain: str) -> Job:
    return Job(
        source=source,
        volume=folder / f"{name}{ending}",
        picture=folder / f"{name}.png",
        rendering=folder / f"{name}_3d.png",
        preview=folder / f"{name}_preview.png",
        tissue=folder / f"{plain}_tissue.seg.nrrd",
        confidence=folder / f"{plain}_confidence.nrrd",
    )
