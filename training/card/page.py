"""A model's card as a page, with its measures and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from MRIColorizeLib.network.model import ModelCard
from MRIColorizeLib.scale import Scale
from training.evaluate.blocks import Block, Heading, Picture, Table, Text, as_markdown
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
    return as_markdown(list(_blocks(card, measures, pictures)))


def _blocks(
    card: ModelCard, measures: Sequence[Mapping[str, str]], pictures: Sequence[str]
) -> Iterator[Block]:
    facts = card.details
    yield Heading(card.title, 1)
    yield Text(f"Model `{card.name}` {card.version}, {card.licence}. **Not for diagnosis.**")
    yield Text(facts.get("intended_use", UNSAID))
    yield Heading("Limits")
    yield Text(facts.get("limits", UNSAID))
    tables = {"Training": _training(card), "Validation while training": _validation(card)}
    tables |= {title: _measures(kind, measures) for kind, title in KINDS.items()}
    tables["Data"] = _data(facts.get("training", {}).get("data", ()))
    for title, table in tables.items():
        if table is not None:
            yield Heading(title)
            yield table
    if pictures:
        yield Heading("Pictures")
        yield from (Picture(name, Path(name).stem) for name in pictures)


def _pixels(scale: Scale) -> str:
    if scale.least_mm == scale.most_mm:
        return f"{scale.least_mm:g} mm"
    return (
        f"the longer side of a section spans {scale.pixels} of them, each {scale.least_mm:g} to "
        f"{scale.most_mm:g} mm"
    )


def _training(card: ModelCard) -> Table:
    training: Mapping[str, Any] = card.details.get("training", {})
    settings = training.get("settings", {})
    rows = {
        "weights": f"{card.weights_bytes:,} bytes, SHA-256 `{card.weights_sha256[:16]}…`",
        "pixels of the network": _pixels(card.scale),
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
    told = [(name, str(value)) for name, value in rows.items() if value is not None]
    return Table(("what", "value"), told, "Every setting is in model.json beside the weights.")


def _validation(card: ModelCard) -> Table | None:
    """What the run measured on the validation part while it went on."""
    scores: Mapping[str, float] = card.details.get("validation", {})
    if "delta_e" not in scores:
        return None
    spread = f" ± {scores['delta_e_spread']:.1f}" if "delta_e_spread" in scores else ""
    rows = [
        (name.removeprefix("dice_"), f"{value:.2f}")
        for name, value in scores.items()
        if name.startswith("dice_")
    ]
    told = f"CIE76 {scores['delta_e']:.1f}{spread} between slices, strongly randomised draws."
    return Table(("tissue", "Dice"), rows, told)


def _measures(kind: str, rows: Sequence[Mapping[str, str]]) -> Table | None:
    """A row a colouring of one kind of cases: mean with interval and spread."""
    found = {
        (row["method"], row["measure"]): row
        for row in rows
        if row["kind"] == kind and row["contrast"] == "all"
    }
    shown = [m for m in SHOWN if (NATURAL, m.name.lower()) in found]
    if not shown:
        return None
    units = max(int(found[NATURAL, m.name.lower()]["units"]) for m in shown)
    lines = [
        (method, *(_cell(m, found.get((method, m.name.lower()))) for m in shown))
        for method in METHODS
    ]
    lines = [line for line in lines if set(line[1:]) != {MISSING}]
    told = f"Mean [95 % interval] ± standard deviation over {units} units of the report."
    return Table(("colouring", *(m.label for m in shown)), lines, told)


def _cell(measure: Measure, row: Mapping[str, str] | None) -> str:
    if row is None:
        return MISSING
    mean, low, high, spread = (
        float(row[name] or "nan") for name in ("mean", "low", "high", "deviation")
    )
    digits = measure.digits
    text = f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    return text if math.isnan(spread) else f"{text} ± {spread:.{digits}f}"


def _data(entries: Sequence[Mapping[str, str]]) -> Table | None:
    if not entries:
        return None
    keys = ("name", "kind", "split", "licence")
    rows = [
        (
            *(entry.get(key, UNSAID) for key in keys),
            f"`{entry.get('source_sha256', UNSAID)[:16]}…`",
        )
        for entry in entries
    ]
    header = ("name", "kind", "part", "licence", "SHA-256 of the source")
    return Table(header, rows, "What the model was trained on and chosen with.")
