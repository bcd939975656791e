"""An evaluation written down: report.md for people, report.json for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from MRIColorizeLib.output import atomic
from training.evaluate.evaluation import Evaluation, PairRow, Setting, Spread, StackRow
from training.evaluate.stacks import METHODS, SMALLEST_BODY

DEFINITIONS = f"""\
- **natural**, **structure-locked**: the model's two modes. **grey copy**: the MRI in three
  channels. **intensity table**: the palette's mean colour at each intensity of the labelled
  training MRI (all T1). **Reinhard**: mean and spread of the training cryosections in CIELAB.
  **constant colour**: their mean colour everywhere.
- **SSIM**: Gaussian 11 x 11, sigma 1.5, of the mean of R, G and B against the normalised MRI;
  *slice* over the whole slice with its black background (pytorch-msssim), *body* the full map
  averaged over the body (scikit-image). A grey copy has 1, and structure-locked has 1 by
  construction: SSIM says nothing about colour.
- **NCC^2**: squared local correlation of CIELAB lightness and MRI, 9 x 9 Gaussian of sigma 1.5,
  over the body; blind to a reversal of contrast. **Orientation**: mean cosine of twice the angle
  between the gradients of lightness and MRI, weighted by the MRI's: 1 alike, 0 unrelated.
- **Colourfulness**: Hasler and Suesstrunk 2003 on [0, 1], over the whole slice and over the body.
- **Flicker**: mean difference of neighbouring slices over that of the MRI; a grey copy has 1.
- **CIEDE2000**, **a,b**: distance between the colourings of two contrasts of one person, over the
  pixels of both bodies; a constant colour has 0, so read it beside NCC^2. **Tissue**: share of
  these pixels with the same tissue, and the share that two unrelated maps of the same class sizes
  have.
- Slices whose body is less than {SMALLEST_BODY:.0%} of the fullest slice's are left out. Entries
  are mean ± standard deviation over slices, or over volumes where it says so. These volumes are
  few and of fewer people: no test of significance, no interval."""


def write_report(evaluation: Evaluation, out: Path) -> None:
    """Write `out`/report.md and `out`/report.json. Raises OutputError."""
    with atomic(out / "report.json") as temporary:
        text = json.dumps(_plain(dataclasses.asdict(evaluation)), indent=1, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    with atomic(out / "report.md") as temporary:
        temporary.write_text(as_markdown(evaluation), encoding="utf-8")


def as_markdown(evaluation: Evaluation) -> str:
    """The whole report."""
    setting, statistics = evaluation.setting, evaluation.statistics
    parts = [
        f"# Evaluation of {setting.model_name} {setting.model_version}",
        f"{setting.plane.capitalize()} slices, {setting.device}, {setting.precision}, "
        f"{setting.threads} threads, {setting.software}; weights {setting.weights_sha256}.",
        DEFINITIONS,
        _known(evaluation),
        "## Structure and colourfulness of each volume",
        _table(STACK_HEADER, [_stack_cells(row) for row in evaluation.stacks]),
        _caption(setting),
        f"The training cryosections ({statistics.frames} frames of heads) have a colourfulness of "
        f"{statistics.colorfulness:.3f} in the body; the intensity table comes from "
        f"{statistics.volumes} labelled volumes.",
        "## Means over the volumes",
        _table(MEAN_HEADER, _mean_cells(evaluation.stacks)),
        _caption(setting),
    ]
    if evaluation.pairs:
        parts += [
            "## One person in several contrasts",
            _table(PAIR_HEADER, [_pair_cells(row) for row in evaluation.pairs]),
            _caption(setting),
        ]
    with_dice = [row for row in evaluation.pairs if row.dice]
    if with_dice:
        parts += [
            "Dice of each tissue between the contrasts' tissue maps (– where neither map has it):",
            _dice_table(with_dice),
            _caption(setting),
        ]
    if evaluation.uncompared:
        parts.append(
            "Not compared, because they do not lie voxel on voxel: "
            + "; ".join(evaluation.uncompared)
            + "."
        )
    parts += ["## Pictures", *(f"![{name}]({name})" for name in evaluation.pictures)]
    return "\n\n".join(part for part in parts if part) + "\n"


STACK_HEADER = (
    "volume",
    "colouring",
    "slices",
    "SSIM slice",
    "SSIM body",
    "NCC^2",
    "orientation",
    "colourfulness slice",
    "colourfulness body",
    "flicker",
)
MEAN_HEADER = ("colouring", "volumes", *STACK_HEADER[3:])
PAIR_HEADER = (
    "person",
    "contrasts",
    "colouring",
    "slices",
    "CIEDE2000",
    "a,b",
    "same tissue",
    "by chance",
)


def _measured(row: StackRow) -> tuple[Spread, ...]:
    return (
        row.ssim_whole,
        row.ssim_body,
        row.squared_ncc,
        row.orientation,
        row.colorfulness_whole,
        row.colorfulness_body,
    )


def _stack_cells(row: StackRow) -> list[str]:
    spreads = [_spread(spread) for spread in _measured(row)]
    return [row.volume, row.method, str(row.slices), *spreads, _number(row.flicker, 2)]


def _mean_cells(rows: Sequence[StackRow]) -> list[list[str]]:
    """One row a method: mean and deviation of the volumes' means."""
    lines = []
    for method in METHODS:
        same = [row for row in rows if row.method == method]
        columns = zip(*(_measured(row) for row in same), strict=True)
        means = [_spread(Spread.of([spread.mean for spread in column])) for column in columns]
        flicker = _spread(Spread.of([row.flicker for row in same]), 2)
        lines.append([method, str(len(same)), *means, flicker])
    return lines


def _pair_cells(row: PairRow) -> list[str]:
    return [
        row.subject,
        row.contrasts,
        row.method,
        str(row.slices),
        _spread(row.ciede2000, 1),
        _spread(row.ab, 1),
        "–" if row.share is None else _spread(row.share, 2),
        "–" if row.by_chance is None else _number(row.by_chance, 2),
    ]


def _dice_table(rows: Sequence[PairRow]) -> str:
    tissues = list(dict.fromkeys(name for row in rows for name in row.dice or {}))
    cells = [
        [row.contrasts, *(_number((row.dice or {}).get(name, math.nan), 2) for name in tissues)]
        for row in rows
    ]
    return _table(("contrasts", *(name.lower().replace("_", " ") for name in tissues)), cells)


def _known(evaluation: Evaluation) -> str:
    if not evaluation.known:
        return ""
    names = ", ".join(evaluation.known)
    return f"**Seen in training, so no test: {names}.**"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _caption(setting: Setting) -> str:
    return f"*{setting.model_name} {setting.model_version}; `{setting.command}`*"


def _spread(spread: Spread, digits: int = 3) -> str:
    if math.isnan(spread.deviation):
        return _number(spread.mean, digits)
    return f"{_number(spread.mean, digits)} ± {spread.deviation:.{digits}f}"


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _plain(value: Any) -> Any:
    """What JSON can hold: arrays become lists, NaN becomes null."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
