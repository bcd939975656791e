"""The trap written down: structure-trap.md with its table, picture and numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from MRIColorizeLib.files.colors import atomic
from MRIColorizeLib.files.picture import compose
from MRIColorizeLib.network.model import ModelCard
from MRIColorizeLib.provenance import NOTICE
from MRIColorizeLib.volume import bounding_box
from training.config import TrainConfig
from training.evaluate.blocks import Block, Heading, Picture, Table, Text, as_markdown
from training.evaluate.montage import BORDER, slice_tile
from training.evaluate.stacks import NATURAL, STRUCTURE
from training.trap.measure import CONTRASTS, Row, Seen

PAGE, PICTURE, NUMBERS = "structure-trap.md", "structure-trap.png", "structure-trap.json"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What was done: the model, the settings of the last arm, and what came of it.

    seen, rows: by colouring, in the order of the page: the model itself, its structure mode, a grey
    copy, then the arms; seen: without the grey copy, and both modes in one.
    """

    card: ModelCard
    config: TrainConfig
    command: str
    person: str
    slabs: int
    seen: Mapping[str, Seen]
    rows: Sequence[Row]


def write_page(experiment: Experiment, out: Path) -> None:
    """Write structure-trap.md, .png and .json into `out`. Raises OutputError."""
    out.mkdir(parents=True, exist_ok=True)
    _write_picture(experiment, out / PICTURE)
    with atomic(out / NUMBERS) as temporary:
        numbers = {
            "model": f"{experiment.card.name} {experiment.card.version}",
            "weights_sha256": experiment.card.weights_sha256,
            "steps": experiment.config.steps,
            "rows": [dataclasses.asdict(row) for row in experiment.rows],
        }
        temporary.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    with atomic(out / PAGE) as temporary:
        temporary.write_text(as_markdown(_blocks(experiment)), encoding="utf-8")


def _blocks(experiment: Experiment) -> list[Block]:
    config, rows = experiment.config, {row.name: row for row in experiment.rows}
    card = experiment.card
    first, _, _, plain, bounded, free = experiment.rows
    return [
        Heading("What a structure loss does to tissues", 1),
        Text(
            "A colouring is often judged, and trained, by the similarity of its grey to the MRI "
            "(SSIM). A grey copy of the MRI has an SSIM of 1. So this similarity can be bought, "
            "and what it is bought with are the tissues: in T2 white matter is dark, and a "
            "network that must please the MRI paints it as something dark."
        ),
        Text(
            f"Here the model {card.name} {card.version} is trained on for "
            f"{config.steps} steps, three times from the same weights on the same draws: without "
            "an SSIM term, with one that may change the bounded lightness residual and what leads "
            "to it (`losses.reach=lightness`), and with one that may change the tissues as well "
            "(`losses.reach=all`). The term is the paper's: the sum over windows of "
            f"{', '.join(map(str, config.losses.windows))} pixels of 1 - SSIM of the mean of R, G "
            "and B and the MRI, with weight 1. All other losses stay as they are, the ones that "
            "know the tissues among them."
        ),
        Text(f"`{experiment.command}` makes this page. {NOTICE}"),
        Heading("What came of it"),
        _table(experiment),
        Text(_conclusion(first, plain, free)),
        Text(_bounded(plain, bounded)),
        Text(_structure_mode(rows[first.name], experiment.rows[1])),
        Picture(
            PICTURE,
            "The same slice of one person in T1 (above) and T2 (below), and what each network "
            "makes of it",
        ),
        Text(
            "The two rows of a colouring show the same tissues of the same person and should be "
            "one picture. Where an SSIM term may change the tissues, each row resembles its MRI, "
            "and the two no longer resemble each other."
        ),
        Heading("How to read the table"),
        Text(
            f"Validation part. SSIM, NCC² and tissues: {first.slices} slices of "
            f"`{experiment.person}` in its real T1 and T2, in the body. *Same tissue* is the share "
            "of the body that gets one tissue in both contrasts (*by chance*: what two unrelated "
            "maps of the same class sizes would share); *T1 to T2* the CIEDE2000 between the two "
            "colourings; *as labelled* the share whose tissue is the label's, in T1 / T2. "
            f"*Photograph*: CIEDE2000 to {experiment.slabs} held-out pictures of cryosections, "
            "coloured from synthetic T1 and T2 made of their labels, and the SSIM to those. One "
            "training each and one person: the direction is plain, the size is no estimate for "
            "people."
        ),
        Heading("What follows"),
        Text(
            "Structure is never reported without colour here, nor without a grey copy beside it; "
            "structure terms have no direct way to the tissue scores; and who wants the MRI's own "
            "lightness gets it at the end, as *structure* mode, where it changes no tissue map."
        ),
    ]


def _table(experiment: Experiment) -> Table:
    header = (
        "colouring",
        "SSIM T1",
        "SSIM T2",
        "NCC² T1",
        "NCC² T2",
        "same tissue",
        "by chance",
        "T1 to T2",
        "as labelled",
        "photograph",
        "its SSIM",
    )
    rows = [
        [
            row.name,
            *(f"{value:.2f}" for value in (*row.ssim, *row.ncc2)),
            _maybe(row.agreement),
            _maybe(row.by_chance),
            f"{row.apart:.1f}",
            "–" if row.labelled is None else " / ".join(f"{value:.2f}" for value in row.labelled),
            f"{row.photograph:.1f}",
            f"{row.photograph_ssim:.2f}",
        ]
        for row in experiment.rows
    ]
    card = experiment.card
    return Table(header, rows, f"{card.name} {card.version}, validation part")


def _conclusion(first: Row, plain: Row, free: Row) -> str:
    return (
        f"In T2 the free term moves SSIM from {first.ssim[1]:.2f} to {free.ssim[1]:.2f} "
        f"({plain.ssim[1]:.2f} without it); the tissue that T1 and T2 share goes from "
        f"{_maybe(first.agreement)} to {_maybe(free.agreement)} ({_maybe(plain.agreement)} "
        f"without it), their colours from {first.apart:.1f} to {free.apart:.1f} CIEDE2000 apart "
        f"({plain.apart:.1f}), and the distance to the photographs from {first.photograph:.1f} to "
        f"{free.photograph:.1f} ({plain.photograph:.1f})."
    )


def _bounded(plain: Row, bounded: Row) -> str:
    return (
        "With the term bound to the lightness residual T1 and T2 share "
        f"{_maybe(bounded.agreement)} of the tissue ({_maybe(plain.agreement)} without the term): "
        "no gradient of the term goes to the tissue scores themselves, but the layers before them "
        "are shared and move with it. It costs colour all the same: SSIM in T2 goes to "
        f"{bounded.ssim[1]:.2f} by flattening the lightness, the colours of T1 and T2 lie "
        f"{bounded.apart:.1f} apart instead of "
        f"{plain.apart:.1f}, and the photographs {bounded.photograph:.1f} away instead of "
        f"{plain.photograph:.1f}. The model that ships was trained with NCC², which is blind to "
        "reversed contrast, in place of SSIM."
    )


def _structure_mode(natural: Row, locked: Row) -> str:
    return (
        "Structure mode of the model itself does the same to the eye without touching the "
        f"tissue map: SSIM {locked.ssim[0]:.2f} and {locked.ssim[1]:.2f} in T1 and T2 (natural: "
        f"{natural.ssim[0]:.2f} and {natural.ssim[1]:.2f}), but {locked.apart:.1f} CIEDE2000 "
        f"between the two instead of {natural.apart:.1f}, and {locked.photograph:.1f} to the "
        f"photographs instead of {natural.photograph:.1f}."
    )


def _maybe(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _write_picture(experiment: Experiment, path: Path) -> None:
    """T1 over T2; the MRI, both modes of the model itself, then every arm in natural mode."""
    shipped = next(iter(experiment.seen.values()))
    middle = len(shipped.t1.index) // 2
    body = shipped.t1.mask[middle] | shipped.t2.mask[middle]
    box = bounding_box(body, (BORDER, BORDER))
    rows = []
    for place, contrast in enumerate(CONTRASTS):
        stack = (shipped.t1, shipped.t2)[place]
        shown = [(np.rint(stack.mri[middle] * 255).astype(np.uint8), f"{contrast} MRI")]
        for name, seen in experiment.seen.items():
            pictures = (seen.t1, seen.t2)[place].pictures
            shown.append((pictures[NATURAL][middle], name))
            if seen is shipped:
                shown.append((pictures[STRUCTURE][middle], STRUCTURE))
        rows.append([slice_tile(stack, pixels, box, text) for pixels, text in shown])
    title = f"{experiment.person}: one axial slice in T1 (above) and T2"
    card = experiment.card
    footer = f"{NOTICE}  Model {card.name} {card.version}, {experiment.config.steps} steps"
    picture = compose(rows, title, footer)
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")
