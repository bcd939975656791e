"""A model's card as a page, with its measures and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from MRIColorizeLib.model import ModelCard
from training.evaluate.cells import MISSING
from training.evaluate.scores import Measure
from training.evaluate.stacks import NATURAL, STRUCTURE
from training.experiments.tables import KINDS

SHOWN = (
    Measure.CIEDE2000,
    Measure.TISSUE,
    Measure.DCF_BODY,
    Measure.DCF_REGION,
    Measure.CONTRAST,
    Measure.NCC2,
    Measure.SSIM_BODY,
    Measure.MS_SSIM_BODY,
    Measure.STSIM1_BODY,
    Measure.FLICKER,
)
METHODS = (NATURAL, STRUCTURE, "constant colour", "table per contrast", "grey copy")
UNSAID = "not said"


def model_page(
    card: ModelCard, measures: Sequence[Mapping[str, str]] = (), pictures: Sequence[str] = ()
) -> str:
    """The page, Markdown. measures: rows of an evaluation's summary.csv; pictures: addresses."""
    facts = card.details
    lines = [
        f"# {card.title}",
        f"Model `{card.name}` {card.version}, {card.licence}. **Not for diagnosis.**",
        "",
        facts.get("intended_use", UNSAID),
        "",
        "## Limits",
        facts.get("limits", UNSAID),
        "",
        *_training(card),
        *_validation(facts.get("validation", {})),
        *(line for kind in KINDS for line in _measures(kind, measures)),
        *_data(facts.get("training", {}).get("data", ())),
    ]
    if pictures:
        lines += ["## Pictures", *(f"![{Path(name).stem}]({name})" for name in pictures), ""]
    return "\n".join(lines).rstrip() + "\n"


def _training(card: ModelCard) -> Iterator[str]:
    training: Mapping[str, Any] = card.details.get("training", {})
    settings = training.get("settings", {})
    rows = {
        "weights": f"{card.weights_bytes:,} bytes, SHA-256 `{card.weights_sha256[:16]}…`",
        "pixels of the network": f"{card.spacing_mm:g} mm",
        "intensities": card.details.get("intensity"),
        "steps": training.get("steps"),
        "slices seen": training.get("samples"),
        "minutes": training.get("minutes"),
        "hardware": training.get("hardware"),
        "learning rate": settings.get("learning_rate"),
        "precision": settings.get("precision"),
        "SegNet": training.get("segnet", {}).get("sha256", "none"),
        "notes": training.get("notes"),
    }
    yield from ("## Training", "| | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in rows.items() if value is not None)
    yield "Every setting is in `model.json` beside the weights."
    yield ""


def _validation(scores: Mapping[str, float]) -> Iterator[str]:
    """What the run measured on the validation part while it went on."""
    if "delta_e" not in scores:
        return
    spread = f" ± {scores['delta_e_spread']:.1f}" if "delta_e_spread" in scores else ""
    yield "## Validation while training"
    yield f"CIE76 {scores['delta_e']:.1f}{spread} between slices, strongly randomised draws."
    dice = {name[5:]: value for name, value in scores.items() if name.startswith("dice_")}
    yield from ("", "| tissue | Dice |", "|---|---|")
    yield from (f"| {name} | {value:.2f} |" for name, value in dice.items())
    yield ""


def _measures(kind: str, rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """A table of one kind of cases: a row a colouring, mean with interval and spread."""
    found = {
        (row["method"], row["measure"]): row
        for row in rows
        if row["kind"] == kind and row["contrast"] == "all"
    }
    shown = [m for m in SHOWN if (NATURAL, m.name.lower()) in found]
    if not shown:
        return
    units = max(int(found[NATURAL, m.name.lower()]["units"]) for m in shown)
    yield f"## {KINDS[kind]}"
    yield f"Mean [95 % interval] ± standard deviation over {units} units of the report."
    yield ""
    yield " | ".join(("| colouring", *(m.label for m in shown))) + " |"
    yield "|---" * (len(shown) + 1) + "|"
    for method in METHODS:
        cells = [_cell(m, found.get((method, m.name.lower()))) for m in shown]
        if set(cells) != {MISSING}:
            yield " | ".join((f"| {method}", *cells)) + " |"
    yield ""


def _cell(measure: Measure, row: Mapping[str, str] | None) -> str:
    if row is None:
        return MISSING
    mean, low, high, spread = (
        float(row[name] or "nan") for name in ("mean", "low", "high", "deviation")
    )
    digits = measure.digits
    text = f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    return text if math.isnan(spread) else f"{text} ± {spread:.{digits}f}"


def _data(entries: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if not entries:
        return
    yield from ("## Data", "| name | kind | part | licence | SHA-256 of the source |")
    yield "|---|---|---|---|---|"
    for entry in entries:
        digest = f"`{entry.get('source_sha256', UNSAID)[:16]}…`"
        cells = (*(entry.get(key, UNSAID) for key in ("name", "kind", "split", "licence")), digest)
        yield "| " + " | ".join(cells) + " |"
    yield ""
