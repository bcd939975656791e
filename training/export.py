"""From a run to a model folder: averaged weights as safetensors, and the card about them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save

from MRIColorizeLib.model import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card
from training.config import TrainConfig
from training.data.prepared import ManifestEntry
from training.trainer import LOG, trained_generator

TITLES = {"visible-human-head": "Visible Human colours for MRI of the head"}
INTENDED_USE = (
    "Teaching, illustration and research: the colours of a cryosection on an MRI. "
    "Not for diagnosis."
)
LIMITS = (
    "Colours are those of one frozen cadaver and not of the person scanned. "
    "Lesions, contrast agents and tissues that were not trained on get the colour of what they "
    "resemble. Outside the head the tissue classes are weak."
)


def export_model(
    run: Path,
    config: TrainConfig,
    manifest: Sequence[ManifestEntry],
    out: Path,
    version: str,
    hardware: str,
    notes: str = "",
) -> ModelCard:
    """Write `out`/weights.safetensors and model.json from the run's last checkpoint.

    hardware and notes are written on the card: what it was trained on, and what the settings do not
    say, such as a setting that was changed on the way.
    Raises OSError when the run has no checkpoint. The card is read back before it is returned.
    """
    generator, step = trained_generator(run, config)
    raw = save({name: tensor.contiguous() for name, tensor in generator.state_dict().items()})
    card = {
        "name": config.name,
        "version": version,
        "title": TITLES.get(config.name, config.name),
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "spacing_mm": config.slices.spacing_mm,
        "temperature": config.temperature,
        "intensity": "0 at the volume's 0.5th percentile, 1 at the body's 99.5th; else clipped",
        "generator": dataclasses.asdict(config.generator),
        "weights": {
            "file": WEIGHTS_NAME,
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
        "training": {
            "steps": step,
            "pixels_per_step": config.pixels,
            "minutes": round(_seconds(run) / 60, 1),
            "hardware": hardware,
            "notes": notes,
            "settings": {
                "slices": dataclasses.asdict(config.slices),
                "synthesis": dataclasses.asdict(config.synthesis),
                "losses": dataclasses.asdict(config.losses),
                "learning_rate": config.learning_rate,
                "precision": config.precision,
                "seed": config.seed,
            },
            "data": [
                {
                    "name": entry.name,
                    "kind": entry.kind,
                    "split": entry.split,
                    "licence": entry.licence,
                    "source_sha256": entry.source_sha256,
                }
                for entry in manifest
                if entry.split != "test"
            ],
        },
        "validation": _last_row(run / "validation.csv"),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS_NAME).write_bytes(raw)
    (out / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return read_card(out)


def _seconds(run: Path) -> float:
    """Time spent on training, over all the starts of a run (each counts from zero)."""
    total = last = 0.0
    with (run / LOG).open(newline="") as stream:
        for row in csv.DictReader(stream):
            seconds = float(row["seconds"])
            total += seconds - last if seconds > last else seconds
            last = seconds
    return total


def _last_row(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: float(value) for name, value in rows[-1].items()} if rows else {}
