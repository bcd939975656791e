"""The files of one job: the colours, a picture, and what else was asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DependencyError
from ..network.palettes import Palette, model_palette
from ..options import ColorizeOptions
from ..volume import ColorVolume, Volume
from .colors import write_color
from .dicom.writing import check_source, write_dicom_colors, write_dicom_tissue
from .maps import write_confidence, write_tissue
from .naming import Job, is_sample
from .nifti_place import NiftiVolume
from .offscreen import write_rendering
from .picture import write_montage
from .webpage import write_page

if TYPE_CHECKING:
    from ..network.model import Model


@dataclass(frozen=True)
class Wanted:
    """What to write beside the colours and their picture.

    tissue, confidence: the maps. rendering, page: None makes them of the sample alone, whose face
    was removed.
    """

    tissue: bool = False
    confidence: bool = False
    rendering: bool | None = None
    page: bool | None = False

    def renders(self, job: Job) -> bool:
        """Whether this job gets a rendering in space."""
        return is_sample(job.source) if self.rendering is None else self.rendering

    def makes_page(self, job: Job) -> bool:
        """Whether this job gets a web page."""
        return is_sample(job.source) if self.page is None else self.page

    def outputs(self, job: Job) -> tuple[Path, ...]:
        """What this job will write, the colours first."""
        asked = {
            job.tissue: self.tissue,
            job.confidence: self.confidence,
            job.rendering: self.renders(job),
            job.page: self.makes_page(job),
        }
        return (job.volume, job.picture, *(path for path, wanted in asked.items() if wanted))


def write_results(
    job: Job,
    volume: Volume,
    color: ColorVolume,
    palette: Palette | None,
    wanted: Wanted,
    note: Callable[[str], object],
) -> list[Path]:
    """Write a coloured volume's files and return their paths, the colours first.

    palette: colours of the tissue map's segments and of the page's legend; None where the model
    tells no tissues. note: is told when there is no OpenGL for a rendering, which is then left out.
    Raises OutputError.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Drawing is done by another process; the other files are packed and written meanwhile.
        drawing = (
            beside.submit(write_rendering, color, job.rendering) if wanted.renders(job) else None
        )
        _write_colors(job, volume, color)
        write_montage(volume, color, job.picture, job.title)
        written = [job.volume, job.picture]
        if wanted.tissue and palette is not None:
            if job.in_dicom:
                write_dicom_tissue(volume, color, palette, job.tissue)
            else:
                write_tissue(color, palette, job.tissue)
            written.append(job.tissue)
        if wanted.confidence:
            write_confidence(color, job.confidence)
            written.append(job.confidence)
        if wanted.makes_page(job):
            write_page(volume, color, palette, job.page, job.title)
            written.append(job.page)
        if drawing is not None:
            try:
                drawing.result()
                written.append(job.rendering)
            except DependencyError as error:
                note(str(error))
    return written


def check_formats(job: Job, volume: Volume) -> None:
    """Raise now rather than after the work when this input's results cannot be of their format."""
    if job.in_dicom:
        check_source(volume)


def _write_colors(job: Job, volume: Volume, color: ColorVolume) -> None:
    if job.in_dicom:
        write_dicom_colors(volume, color, job.volume)
    else:
        forms = volume.forms if isinstance(volume, NiftiVolume) else None
        write_color(color, job.volume, forms)


def segment_palette(model: Model, options: ColorizeOptions) -> Palette:
    """The colours of a tissue map: those that were chosen, else the model's own."""
    own = model_palette(model)
    return own if options.palette is None else replace(own, lab=options.palette)
