"""The command line: colour MRI files and say what was done; on bad input one sentence, exit 2."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .batch.arguments import BATCH, batch_parser
from .batch.command import run_batch
from .command.arguments import BAD, FORMATS, NAME, options_from, parser
from .command.console import Console, speak
from .errors import Cancelled, InputError, MRIColorizeError, OutputError
from .files.masks import read_mask
from .files.naming import Job, plan_jobs, sample_path
from .files.packages import FOR_COMMAND, require
from .files.picture import write_preview
from .files.reading import read_volume
from .files.writing import Wanted, check_formats, segment_palette, write_results
from .network.palettes import Palette, model_palette
from .options import ColorizeOptions
from .provenance import NOTICE, told_certainty
from .staging import check_writable, staged
from .volume import ColorVolume, Volume, check_volume, choose_plane, slice_order

if TYPE_CHECKING:
    from .engine.colorizer import Colorizer

INTERRUPTED = 130


def run() -> NoReturn:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may not fit the terminal's coding
            stream.reconfigure(errors="backslashreplace")
    # Schedulers and containers end a process so; it clears up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 2 for bad input, 130 when interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    many = words[:1] == [BATCH]  # an input of that name is ./batch
    parsed = batch_parser().parse_args(words[1:]) if many else parser().parse_args(words)
    work = run_batch if many else colorize
    console = Console(parsed.quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module="MRIColorizeLib")
        warnings.showwarning = lambda message, *_args, **_kwargs: console.warn(str(message))
        try:
            return work(parsed, console)
        except (KeyboardInterrupt, Cancelled):
            speak(f"{NAME}: interrupted; nothing half-written is left.", sys.stderr)
            return INTERRUPTED
        except MemoryError:
            return _fail(InputError("There is not enough memory; crop or resample the volume."))
        except MRIColorizeError as error:
            return _fail(error)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if error.filename is None:  # as of a full disk
                return _fail(InputError(f"A file cannot be read or written: {reason}."))
            return _fail(InputError(f"{error.filename} cannot be used: {reason}; check its path."))


def colorize(arguments: argparse.Namespace, console: Console) -> int:
    """Colour every input. A bad input among several is told and the others go on."""
    require(FOR_COMMAND)
    if arguments.list:
        return list_inputs(arguments, console)
    options = options_from(arguments)
    if arguments.preview is not None and options.plane == "consensus":
        raise InputError("--preview shows one plane; give --plane axial, sagittal or coronal.")
    more = arguments.tissue or arguments.confidence or arguments.render or arguments.html
    if arguments.preview is not None and more:
        raise InputError(
            "--preview makes the picture of one slice alone; leave out --tissue, --confidence, "
            "--render and --html, or --preview."
        )
    sources = arguments.inputs or [sample_path()]
    out = arguments.out or (None if arguments.inputs else Path.cwd())
    jobs = plan_jobs(
        sources, out, FORMATS[arguments.format], arguments.mask, arguments.series or ""
    )
    if not arguments.inputs:
        console.say("No input given: colouring the sample that ships, a defaced T1 head.")
    started = time.perf_counter()
    engine: Colorizer | None = None
    written, failed = 0, False
    for job in jobs:
        try:
            began = time.perf_counter()
            volume = _read(job, arguments, console)
            if engine is None:
                engine = _engine(arguments, console, began)
            mask = None if arguments.mask is None else read_mask(arguments.mask, volume)
            options = replace(options, mask=mask)
            if arguments.preview is not None:
                _preview(job, volume, engine, options, arguments.preview, console)
            else:
                _whole(job, volume, engine, options, arguments, console)
            written += 1
        except MemoryError:
            failed = bool(_fail(InputError(f"There is not enough memory for {job.source}.")))
        except (InputError, OutputError) as error:
            failed = bool(_fail(error))
    if written:
        console.say(f"Done in {time.perf_counter() - started:.1f} s. {NOTICE}")
    return BAD if failed else 0


def list_inputs(arguments: argparse.Namespace, console: Console) -> int:
    """Print the series of folders of DICOM, whether they can be coloured, and why not."""
    from .files.dicom.choice import table
    from .files.dicom.folder import list_series

    if not arguments.inputs:
        raise InputError("--list needs a folder of DICOM; give one.")
    for folder in arguments.inputs:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; --list shows the series of DICOM folders.")
        for line in table(folder, list_series(folder)):
            speak(line, sys.stdout)
    return 0


def _read(job: Job, arguments: argparse.Namespace, console: Console) -> Volume:
    volume = check_volume(read_volume(job.source, series=arguments.series))
    if arguments.preview is None:
        check_formats(job, volume)
    check_writable(*_outputs(job, arguments))
    size = "x".join(str(n) for n in reversed(volume.array.shape))
    spacing = "x".join(f"{step:.2f}" for step in volume.spacing)
    console.say(f"{job.source}: {size} voxels of {spacing} mm")
    return volume


def _outputs(job: Job, arguments: argparse.Namespace) -> tuple[Path, ...]:
    """What will be written."""
    return _wanted(arguments).outputs(job) if arguments.preview is None else (job.preview,)


def _wanted(arguments: argparse.Namespace) -> Wanted:
    return Wanted(arguments.tissue, arguments.confidence, arguments.render, arguments.html)


def _engine(arguments: argparse.Namespace, console: Console, began: float) -> Colorizer:
    from .network.model import load_model

    model = load_model(arguments.model)
    from .engine.colorizer import Colorizer  # after load_model, which says so when torch is missing

    if arguments.tissue or arguments.confidence or arguments.palette:
        model_palette(model)  # says so when the model has none, before the work
    engine = Colorizer(model, arguments.device)
    console.say(
        f"Model {model.card.name} {model.card.version} on {engine.device}, "
        f"ready in {time.perf_counter() - began:.1f} s"
    )
    return engine


def _color(
    volume: Volume, engine: Colorizer, options: ColorizeOptions, console: Console
) -> ColorVolume:
    with console.progress() as show:
        color = engine.colorize(volume, options, show)
    made = color.provenance
    console.say(
        f"Coloured {made.slices} {made.plane} slices in {made.seconds:.1f} s "
        f"({made.slices / max(made.seconds, 1e-9):.1f} slices/s), {made.mode} mode, "
        f"{made.device}, {made.precision}"
    )
    return color


def _whole(
    job: Job,
    volume: Volume,
    engine: Colorizer,
    options: ColorizeOptions,
    arguments: argparse.Namespace,
    console: Console,
) -> None:
    color = _color(volume, engine, options, console)
    began = time.perf_counter()
    wanted = _wanted(arguments)
    palette = _palette(engine, options)
    # The volume is renamed last: where it is, all that was asked for is.
    with staged(job.volume.parent, last=job.volume.name) as stage:
        files = write_results(job.within(stage), volume, color, palette, wanted, console.note)
        written = {path.name: path.stat().st_size for path in files}
    if not wanted.renders(job):
        console.say("No 3D rendering, which may show a face; --render makes one.")
    console.say(f"Wrote in {time.perf_counter() - began:.1f} s:")
    for name, size in written.items():
        console.say(f"  {job.volume.with_name(name)} ({size / 1e6:.1f} MB)")
    if certainty := told_certainty(color.provenance):
        console.say(certainty)
    if wanted.makes_page(job):
        console.say(f"Open {job.page} in a browser: planes, tissues and 3D, without a network.")


def _palette(engine: Colorizer, options: ColorizeOptions) -> Palette | None:
    """The colours of tissue map and legend; None of a model that paints without a palette."""
    try:
        return segment_palette(engine.model, options)
    except InputError:
        return None


def _preview(
    job: Job,
    volume: Volume,
    engine: Colorizer,
    options: ColorizeOptions,
    index: int,
    console: Console,
) -> None:
    """Colour one slice, counted from 0 along the grid axis that the plane's slices follow."""
    plane = choose_plane(volume, options.plane)
    axis = slice_order(volume, plane)[0]
    count = volume.array.shape[axis]
    if not 0 <= index < count:
        raise InputError(f"--preview {index} is not one of the {plane} slices 0 to {count - 1}.")
    color = _color(volume, engine, replace(options, plane=plane, slice_index=index), console)
    write_preview(volume, color, plane, index, job.preview, job.title)
    console.say(f"Wrote {job.preview}")


def _fail(error: MRIColorizeError) -> int:
    speak(f"{NAME}: {error}", sys.stderr)
    return BAD
