"""Which files a run writes, and that none of them is one of its inputs."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..network.model import models_directory
from .colors import COLOR_SUFFIXES
from .kinds import stem, suffix

SAMPLE = "head_t1_seg3d_defaced.nii.gz"
# No folder is meant by these.
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")
DICOM = ".dcm"  # what the names of results in DICOM end in
# How the names of our own results end, and those of segmentations.
OURS = ("_color", "_confidence", "_tissue", ".seg")


@dataclass(frozen=True)
class Job:
    """One input and where its results go; `preview` is the picture of a single slice.

    tissue, confidence and page are written when they are asked for. series: of a folder of DICOM,
    as in its results' names; "" for the one that is chosen by itself.
    """

    source: Path
    volume: Path
    picture: Path
    rendering: Path
    preview: Path
    tissue: Path
    confidence: Path
    page: Path
    series: str = ""

    @property
    def title(self) -> str:
        """What the picture says it shows."""
        return f"{self.source.name} {self.series}".strip()

    @property
    def in_dicom(self) -> bool:
        """Whether the colours and the tissue map are DICOM."""
        return suffix(self.volume) == DICOM

    def results(self) -> tuple[Path, ...]:
        """All that may be written."""
        names = (self.volume, self.picture, self.rendering, self.preview)
        return (*names, self.tissue, self.confidence, self.page)

    def within(self, folder: Path) -> Job:
        """The same results under the same names in another folder."""

        def here(path: Path) -> Path:
            return folder / path.name

        return replace(
            self,
            volume=here(self.volume),
            picture=here(self.picture),
            rendering=here(self.rendering),
            preview=here(self.preview),
            tissue=here(self.tissue),
            confidence=here(self.confidence),
            page=here(self.page),
        )


def sample_path() -> Path:
    """The defaced head that ships: beside the models, in the source tree as in a wheel."""
    return models_directory().parent / "Sample" / SAMPLE


def is_sample(path: Path) -> bool:
    """Whether a file is the shipped sample or a copy of it; its face was removed."""
    sample = sample_path()
    return path.is_file() and sample.is_file() and filecmp.cmp(path, sample, shallow=False)


def plan_jobs(
    sources: Sequence[Path],
    out: Path | None,
    ending: str,
    mask: Path | None = None,
    series: str = "",
) -> list[Job]:
    """Name the results of every input.

    out: a folder; or, with one input, a file that ends in .nrrd, .nii.gz or .dcm; None puts
    the results beside each input. ending: ".nrrd", ".nii.gz" or ".dcm". mask: the file with it, if
    any. series: what was asked for of DICOM folders, which the names of the results then tell.
    Raises InputError when two inputs would write the same file or a result would replace a file
    that is read.
    """
    jobs = [_job(source, out, ending, len(sources) == 1, series) for source in sources]
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


def _job(source: Path, out: Path | None, ending: str, alone: bool, series: str) -> Job:
    if out is not None and suffix(out) and not out.is_dir():
        if not alone:
            raise InputError(f"-o {out} is one file for several inputs; give a folder.")
        if suffix(out) not in COLOR_SUFFIXES:
            raise InputError(
                f"-o {out} ends in {suffix(out)}, which holds no colour; use .nrrd, .nii.gz or "
                ".dcm."
            )
        return _named(source, out.parent, stem(out), suffix(out), stem(out), series)
    if out is not None and out.suffix.lower() in PICTURES and not out.is_dir():
        raise InputError(
            f"-o {out} has the name of a picture; give a folder, or a .nrrd, .nii.gz or .dcm "
            "file: its picture lies beside it."
        )
    return job_in(out if out is not None else _plain(source).parent, source, ending, series)


def job_in(folder: Path, source: Path, ending: str, series: str = "") -> Job:
    """Results in a folder, named after the input and, where it is told, its series."""
    label = as_name(series)
    name = stem(_plain(source)) + (f"_{label}" if label else "")
    return _named(source, folder, f"{name}_color", ending, name, series)


def as_name(text: str) -> str:
    """Any text as a part of a file's name."""
    return re.sub(r"[^\w.+-]+", "-", text).strip("-_.")[:80]


def _plain(path: Path) -> Path:
    """Absolute and without "..": a folder's own name, and not that of the way to it."""
    return Path(os.path.abspath(path))


def _named(source: Path, folder: Path, name: str, ending: str, plain: str, series: str) -> Job:
    return Job(
        source=source,
        volume=folder / f"{name}{ending}",
        picture=folder / f"{name}.png",
        rendering=folder / f"{name}_3d.png",
        preview=folder / f"{name}_preview.png",
        tissue=folder / f"{plain}_tissue.seg{ending if ending == DICOM else '.nrrd'}",
        confidence=folder / f"{plain}_confidence.nrrd",
        page=folder / f"{name}.html",
        series=series,
    )
