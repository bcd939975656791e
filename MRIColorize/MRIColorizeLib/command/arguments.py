"""The words of the command line, and the options that they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from .. import __version__
from ..network.palettes import find_palette
from ..options import BACKGROUNDS, DEVICES, MODES, PLANES, ColorizeOptions
from .console import one_line

NAME = "mri-colorize"
BAD = 2
FORMATS = {"nrrd": ".nrrd", "nii.gz": ".nii.gz"}


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
    add("--preview", type=int, metavar="K", help="colour slice K of the plane only, as a picture")
    add_engine(result)
    add_look(result)
    add_results(result)
    return result


def add_engine(result: argparse.ArgumentParser) -> None:
    """How and where a volume is coloured."""
    add = result.add_argument
    add("--plane", choices=PLANES, default="auto", help="slicing plane (default: from the volume)")
    add("--device", choices=DEVICES, default="auto", help="where to compute (default: the fastest)")
    add("--model", metavar="NAME|DIR", help="model that ships, or a model's folder")


def add_results(result: argparse.ArgumentParser) -> None:
    """What is written and said."""
    add = result.add_argument
    add("--format", choices=FORMATS, default="nrrd", help="format of the volume (default: nrrd)")
    add("--mask", type=Path, metavar="FILE", help="where to colour: a label map or segmentation")
    add("--tissue", action="store_true", help="also write the tissue map, a segmentation in Slicer")
    add("--confidence", action="store_true", help="also write how sure the model is, 0 to 255")
    render = argparse.BooleanOptionalAction
    add("--render", action=render, help="rendering in space (default: only the defaced sample)")
    add("--quiet", action="store_true", help="say nothing but warnings and errors")
    add("--version", action="version", version=f"MRIColorize {__version__}")


def add_look(result: argparse.ArgumentParser) -> None:
    """What the colours look like."""
    add = result.add_argument_group("colours").add_argument
    add("--mode", choices=MODES, default="natural", help="tissue's lightness, or the MRI's")
    add("--detail", type=float, default=0.5, help="fine detail of the MRI, 0 to 1 (default: 0.5)")
    add("--saturation", type=float, default=1.0, help="of the colours, 0 to 2 (default: 1)")
    add("--blend", type=float, default=1.0, help="0 the grey MRI to 1 the colours (default: 1)")
    add("--background", choices=BACKGROUNDS, default="black", help="what lies outside the body")
    add("--palette", metavar="NAME|FILE", help="a palette that ships, or a .ctbl or .csv of Slicer")


def options_from(chosen: argparse.Namespace) -> ColorizeOptions:
    """The engine's options, without the mask, which needs the volume's grid. Raises InputError."""
    palette = None if chosen.palette is None else find_palette(chosen.palette)
    return ColorizeOptions(
        plane=chosen.plane,
        mode=chosen.mode,
        detail=chosen.detail,
        saturation=chosen.saturation,
        blend=chosen.blend,
        background=chosen.background,
        palette=None if palette is None else palette.lab,
        palette_name="" if palette is None else palette.name,
        confidence=chosen.confidence,
    )
