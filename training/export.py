"""From a run to a model folder: averaged weights as safetensors, and the card about them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from MRIColorizeLib.network.card import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card
from MRIColorizeLib.network.generator import DualDecoderGenerator
from training.checkpoint import BEST, CHECKPOINT, read_state
from training.config import TrainConfig
from training.data.prepared import ManifestEntry
from training.errors import RunError
from training.journal import LOG, VALIDATION
from training.segmentation import load_segnet

TITLES = {"visible-human-body": "Visible Human colours for MRI of head and body"}
ORIENTATION = (
    "Rows from anterior to posterior or from superior to inferior, columns from the patient's "
    "right to the left or from anterior to posterior"
)
INTENDED_USE = (
    "Teaching, illustration and research: the colours of a cryosection on an MRI. "
    "Not for diagnosis."
)
LIMITS = (
    "Colours are those of one frozen cadaver and not of the person scanned. "
    "Lesions, contrast agents and tissues that were not trained on get the colour of what they "
    "resemble."
)


@dataclasses.dataclass(frozen=True)
class ExportNotes:
    """What a card says that the run does not know.

    version: of the model. hardware: what it was trained on; empty for what the run noted. notes:
    what the settings do not say, such as one that was changed on the way. limits: added to ours.
    """

    version: str
    hardware: str = ""
    notes: str = ""
    limits: str = ""


def export_model(
    run: Path,
    config: TrainConfig,
    manifest: Sequence[ManifestEntry],
    out: Path,
    about: ExportNotes,
    which: str = "best",
) -> ModelCard:
    """Write `out`/weights.safetensors and model.json from a run.

    which: `best` for the averaged weights that scored best on the validation part (the last, in a
    run that kept none), `last` for the last. Raises RunError when the run has no checkpoint or
    another generator than `config`, or a network that is for comparison only. The card is read back
    before it is returned.
    """
    if config.network != "dual-decoder":
        raise RunError(
            f"{run} trained {config.network}, which is for comparison; a model that ships is a "
            "dual-decoder network."
        )
    last = read_state(run / CHECKPOINT)
    best = which == "best" and (run / BEST).exists()
    chosen = read_state(run / BEST) if best else last
    generator = _generator(chosen["average"], config, run)
    raw = save({name: tensor.contiguous() for name, tensor in generator.state_dict().items()})
    card = {
        "name": config.name,
        "version": about.version,
        "title": TITLES.get(config.name, config.name),
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        "limits": " ".join(text for text in (LIMITS, about.limits) if text),
        "scale": dataclasses.asdict(config.slices.scale),
        "orientation": ORIENTATION,
        "temperature": config.temperature,
        "intensity": "0 at the volume's 0.5th percentile, 1 at the body's 99.5th; else clipped",
        "generator": dataclasses.asdict(config.generator),
        "weights": {
            "file": WEIGHTS_NAME,
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
        "training": _training(run, chosen, last, config, manifest, about),
        "validation": _scores_at(run / VALIDATION, int(chosen["step"])),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS_NAME).write_bytes(raw)
    (out / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return read_card(out)


def _generator(weights: Mapping, config: TrainConfig, run: Path) -> torch.nn.Module:
    generator = DualDecoderGenerator(config.generator)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"The weights in {run} are of a generator that is built otherwise; give the settings "
            "that it was trained with."
        ) from error
    return generator.eval()


def _training(
    run: Path,
    chosen: Mapping[str, Any],
    last: Mapping[str, Any],
    config: TrainConfig,
    manifest: Sequence[ManifestEntry],
    about: ExportNotes,
) -> dict[str, Any]:
    """The card's part about the run: how long, on what, with which settings and data."""
    training: dict[str, Any] = {
        "steps": int(chosen["step"]),
        "steps_of_the_run": int(last["step"]),
        "pixels_per_step": config.pixels,
        "minutes": round(float(last.get("seconds", _logged_seconds(run))) / 60, 1),
        "hardware": about.hardware or last.get("hardware", "not noted"),
        "notes": about.notes,
        "settings": dataclasses.asdict(config),
        "data": [
            {
                "name": entry.name,
                "kind": entry.kind,
                "split": entry.split,
                "licence": entry.licence,
                "source": entry.source,
                "source_sha256": entry.source_sha256,
            }
            for entry in manifest
            if entry.split != "test"
        ],
    }
    if "samples" in chosen:
        training["samples"] = int(chosen["samples"])
    if config.segnet.path:
        segnet = load_segnet(Path(config.segnet.path)).card
        training["segnet"] = {
            "sha256": segnet["weights"]["sha256"],
            "validation": segnet["validation"],
        }
    return training


def _logged_seconds(run: Path) -> float:
    """Time spent on training, over all the starts of a run (each counts from zero).

    For runs of version 0.1, whose checkpoints do not say it.
    """
    total = last = 0.0
    if (run / LOG).exists():
        with (run / LOG).open(newline="") as stream:
            for row in csv.DictReader(stream):
                seconds = float(row["seconds"])
                total += seconds - last if seconds > last else seconds
                last = seconds
    return total


def _scores_at(path: Path, step: int) -> dict[str, float]:
    """The validation's scores at a step, or the last ones before it."""
    if not path.exists():
        return {}
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if float(row["step"]) <= step]
    return {name: float(value) for name, value in rows[-1].items() if value} if rows else {}
