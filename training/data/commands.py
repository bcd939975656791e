"""The data's commands of `python -m training`: fetch, visible-human, prepare, labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.data.sources import SourceError
from training.data.visible_human import BODIES, CAMERAS


def add_data_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the data's commands to the parser."""
    fetch = commands.add_parser("fetch", help="bring the public source files, each checked")
    fetch.add_argument("names", nargs="*", metavar="NAME", help="e.g. 'mri/*'; default: all")
    fetch.add_argument("--out", type=Path, required=True, help="the data folder")
    fetch.add_argument(
        "--from",
        type=Path,
        action="append",
        default=[],
        dest="folders",
        metavar="FOLDER",
        help="take files from here where it holds the same bytes; may be given several times",
    )
    fetch.set_defaults(run=_fetch)

    human = commands.add_parser("visible-human", help="download all photographs of a body, 14 GB")
    human.add_argument("--out", type=Path, required=True, help="folder for the DICOM files")
    human.add_argument("--body", choices=tuple(BODIES), default="male", help="female: 39 GB")
    human.add_argument("--camera", choices=tuple(CAMERAS), default="digital", help="film: 62 GB")
    human.set_defaults(run=_visible_human)

    prepare = commands.add_parser("prepare", help="make labelled training data from the sources")
    prepare.add_argument("--data", type=Path, help="folder that fetch filled")
    prepare.add_argument("--vkh", type=Path, help="folder of registered slices: mri/, cryo/, seg/")
    prepare.add_argument("--spacing", type=float, help="of --vkh, mm a pixel")
    prepare.add_argument("--slice-spacing", type=float, help="of --vkh, mm; default: --spacing")
    prepare.add_argument("--classes", type=Path, help="of --vkh; default: its classes.toml")
    prepare.add_argument("--visible-human", type=Path, help="folder that visible-human filled")
    prepare.add_argument("--segnet", type=Path, help="labels --visible-human; made by segnet")
    prepare.add_argument("--out", type=Path, required=True, help="folder for the prepared data")
    prepare.add_argument("--pictures", type=Path, help="folder for a picture of every step")
    prepare.set_defaults(run=_prepare)

    labels = commands.add_parser("labels", help="write prepared labels as Slicer segmentations")
    labels.add_argument("names", nargs="*", metavar="NAME", help="of volumes; default: all")
    labels.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    labels.add_argument("--out", type=Path, required=True, help="folder for .seg.nrrd files")
    labels.set_defaults(run=_labels)


def _fetch(options: argparse.Namespace) -> None:
    from training.data.fetch import fetch

    done = fetch(options.out, options.names, options.folders)
    print(
        f"{options.out}: {done.kept} files were there, {done.copied} copied, "
        f"{done.downloaded} downloaded."
    )


def _visible_human(options: argparse.Namespace) -> None:
    from training.data.visible_human import download_series, find_series, open_index

    client = open_index()
    series = find_series(client, options.body, options.camera)
    files = download_series(client, series, options.out)
    print(f"{len(files)} photographs are in {options.out}, whole.")


def _prepare(options: argparse.Namespace) -> None:
    given = {"--data": options.data, "--vkh": options.vkh, "--visible-human": options.visible_human}
    if not any(given.values()):
        raise SourceError(f"There is nothing to prepare; give {', '.join(given)}.")
    if options.vkh and options.spacing is None:
        raise SourceError("--vkh needs --spacing: the millimetres of a pixel.")
    if options.visible_human and options.segnet is None:
        raise SourceError("--visible-human needs --segnet: the network that labels it.")
    count = 0
    if options.data:
        count += _prepare_sources(options)
    if options.vkh:
        count += _prepare_registered(options)
    if options.visible_human:
        count += _prepare_visible_human(options)
    print(f"{count} labelled volumes are in {options.out}.")


def _prepare_sources(options: argparse.Namespace) -> int:
    from training.data.body_maps import prepare_maps
    from training.data.cryosection import prepare_cryosections
    from training.data.mri_labels import BODY, has_bodies, prepare_mri

    photographs = prepare_cryosections(options.data / "cryosection", options.out, options.pictures)
    maps = prepare_maps(options.out, options.pictures)
    scans = prepare_mri(options.data, options.out, options.pictures)
    if not has_bodies(options.data):
        print(f"{options.data} has no folder {BODY}: the knee of the validation part is left out.")
    return len(photographs) + len(maps) + len(scans)


def _prepare_registered(options: argparse.Namespace) -> int:
    from training.data.cryosection import write_picture
    from training.data.registered import prepare_registered

    volume = prepare_registered(
        options.vkh, options.out, options.spacing, options.slice_spacing, options.classes
    )
    if options.pictures:
        write_picture(volume, options.pictures / f"{volume.entry.name}.png")
    return 1


def _prepare_visible_human(options: argparse.Namespace) -> int:
    from training.data.cryosection import write_picture
    from training.data.visible_human_prepare import prepare_visible_human
    from training.segmentation import load_segnet

    network = load_segnet(options.segnet).network
    volume = prepare_visible_human(options.visible_human, options.out, network)
    if options.pictures:
        write_picture(volume, options.pictures / f"{volume.entry.name}.png")
    return 1


def _labels(options: argparse.Namespace) -> None:
    from training.data.label_maps import write_label_maps

    written = write_label_maps(options.prepared, options.out, options.names)
    print(f"{len(written)} files are in {options.out}; open the .seg.nrrd in 3D Slicer.")
