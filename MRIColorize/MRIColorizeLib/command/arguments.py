"""The words of the command line, and the options that they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ..network.palettes import find_palette
from ..options import DEVICES, OPTIONS, ColorizeOptions, Place
from .console import one_line

NAME = "mri-colorize"
BAD = 2
FORMATS = {"nrrd": ".nrrd", "nii.gz": ".nii.gz", "dicom": ".dcm"}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD, f"{NAME}: {one_line(message)} (see {self.prog} --help).\n")


def parser() -> argparse.ArgumentParser:
    """The command's parser; a bad word ends the process with one sentence and code 2."""
    result = Parser(
        prog=NAME,
        description="Paint MRI in the colours of tissue: a colour volume on the same grid, a "
        "picture of slices and a rendering in space. Without an input it colours the sample.",
        epilog=f"{NAME} batch IN_DIR OUT_DIR colours whole archives: see {NAME} batch --help. "
        "The colours are synthetic. Not for diagnosis.",
    )
    add = result.add_argument
    add("inputs", nargs="*", type=Path, metavar="IN", help="NIfTI, NRRD, MHA, MGZ, DICOM folder")
    add("-o", "--out", type=Path, help="folder, or file for one input (default: beside the input)")
    add("--series", metavar="N|NAME", help="series of a DICOM folder (default: the largest scan)")
    add("--list", action="store_true", help="list the series of DICOM folders and colour nothing")
    page = argparse.BooleanOptionalAction
    add("--html", action=page, help="a web page to pass on (default: only of the defaced sample)")
    add("--preview", type=int, metavar="K", help="colour slice K of the plane only, as a picture")
    add_engine(result)
    add_look(result)
    add_results(result)
    return result


def add_engine(result: argparse.ArgumentParser) -> None:
    """How and where a volume is coloured."""
    _add_options(result, "where")
    add = result.add_argument
    add("--device", choices=DEVICES, default="auto", help="where to compute (default: the fastest)")
    add("--model", metavar="NAME|DIR", help="model that ships, or a model's folder")


def add_results(result: argparse.ArgumentParser) -> None:
    """What is written and said."""
    add = result.add_argument
    add(
        "--format",
        choices=FORMATS,
        default="nrrd",
        help="format of the volume (default: nrrd); dicom for an input of DICOM, beside its scan",
    )
    add("--mask", type=Path, metavar="FILE", help="where to colour: a label map or segmentation")
    add("--tissue", action="store_true", help="also write the tissue map, a segmentation in Slicer")
    _add_options(result, "results")
    render = argparse.BooleanOptionalAction
    add("--render", action=render, help="rendering in space (default: only the defaced sample)")
    add("--quiet", action="store_true", help="say nothing but warnings and errors")
    add("--version", action="version", version=f"MRIColorize {__version__}")


def add_look(result: argparse.ArgumentParser) -> None:
    """What the colours look like."""
    colours = result.add_argument_group("colours")
    _add_options(colours, "colours")
    colours.add_argument(
        "--palette", metavar="NAME|FILE", help="a palette that ships, or a .ctbl or .csv of Slicer"
    )


def _add_options(result: argparse._ActionsContainer, place: Place) -> None:
    """The flags of the options that have this place in the help."""
    for name, option in OPTIONS.items():
        if option.place != place:
            continue
        kind: dict[str, Any] = {"default": option.default}
        if isinstance(option.default, bool):
            kind = {"action": "store_true"}
        elif option.words:
            kind["choices"] = option.words
        else:
            kind["type"] = type(option.default)
        told = option.help.format(low=option.low, high=option.high, default=option.default)
        result.add_argument(f"--{name.replace('_', '-')}", help=told, **kind)


def options_from(arguments: argparse.Namespace) -> ColorizeOptions:
    """The engine's options, without the mask, which needs the volume's grid. Raises InputError."""
    palette = None if arguments.palette is None else find_palette(arguments.palette)
    return ColorizeOptions(
        palette=None if palette is None else palette.lab,
        palette_name="" if palette is None else palette.name,
        **{name: getattr(arguments, name) for name, option in OPTIONS.items() if option.place},
    )
