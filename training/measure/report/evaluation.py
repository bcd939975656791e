"""A finished model assessed, with the trivial colourings and other systems beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.measure.arms.assessment import Assessor
from training.measure.arms.manifest import Arm, Comparison, Manifest
from training.measure.arms.queue import measure, new_record
from training.measure.arms.records import Record, write_record
from training.measure.arms.subjects import finished_subject, pictured_subject
from training.measure.arms.workplace import Workplace
from training.measure.colorings.conditions import CONDITIONS, PLAIN
from training.measure.colorings.predictions import find_systems
from training.measure.metrics.kid import Features
from training.measure.report.gallery import Gallery
from training.measure.report.markdown import section
from training.measure.report.numbers import Evidence
from training.measure.report.report import (
    PUBLISHED,
    SPLITS,
    tables,
    words,
    write_numbers,
    write_page,
)

NAME = "evaluation"  # of the comparison that a model and other systems make
UNASKED = ("scan-", "lesions", "contrast-")  # conditions that the split's own contrasts answer
ASKED = tuple(name for name in CONDITIONS if not name.startswith(UNASKED))
QUESTION = (
    "How right are the colours, how much of the MRI's structure do they keep, and what would "
    "trivial colourings reach?"
)
HOW = (
    "Another system gets rows by its own pictures: `--inputs FOLDER` writes the measured slices as "
    "grey PNG, and `--predictions FOLDER` reads what the system made of them, from a folder with "
    "the system's name."
)


@dataclass(frozen=True)
class Evaluated:
    """A model measured: its record, those of other systems, and its failures."""

    manifest: Manifest
    records: tuple[Record, ...]
    gallery: Gallery


def evaluate(
    place: Workplace,
    model: str | None,
    device: str = "auto",
    features: Features | None = None,
    progress: Callable[[str], None] = print,
    conditions: Sequence[str] = ASKED,
) -> Evaluated:
    """Measure a model (None: the one that ships) under the conditions, and write nothing.

    features: for the kernel distance. conditions: of ASKED, plain among them. Raises
    MRIColorizeError, TrainingError, ValueError.
    """
    subject = finished_subject(model, trivial=True, device=device)
    systems = [] if place.predictions is None else find_systems(place.predictions)
    name = subject.colorizer.model.card.name
    arms = [Arm(name, subject.title, model=name, trivial=True)]
    arms += [Arm(system, "its own pictures, given", absent="") for system in systems]
    title = f"Evaluation of {subject.title}"
    names = tuple(arm.name for arm in arms)
    comparison = Comparison(NAME, title, QUESTION, name, names, (0,), tuple(conditions))
    records = []
    for system in systems:  # first, because a picture may be missing
        pictured = pictured_subject(place.predictions / system)  # type: ignore[operator]
        assessor = Assessor(pictured, place.statistics, features)
        record, _ = measure(new_record(system, 0, pictured), assessor, place, PLAIN, progress)
        records.append(record)
    gallery = Gallery()
    assessor = Assessor(subject, place.statistics, features)
    record = new_record(name, 0, subject)
    for condition in conditions:
        if condition == PLAIN or place.cases(CONDITIONS[condition].plane):
            record, assessment = measure(record, assessor, place, condition, progress)
            gallery.see(condition, assessment)
    manifest = Manifest({arm.name: arm for arm in arms}, (comparison,))
    return Evaluated(manifest, (record, *records), gallery)


def write_evaluation(
    evaluated: Evaluated, place: Workplace, command: str, excerpt: Path | None = None
) -> Path:
    """Write records, report.md, its numbers and pictures into the workplace's folder.

    excerpt: a folder that gets the same without the records. Returns report.md. Raises OutputError.
    """
    for record in evaluated.records:
        write_record(record, place.records)
    (comparison,) = evaluated.manifest.comparisons
    evidence = Evidence(evaluated.manifest, comparison, place.records, place.split)
    for out in (place.out, excerpt):
        if out is not None:
            write_numbers([evidence], out)
            parts = _parts(evaluated, evidence, command, out)
            write_page(parts, out / "report.md")
    return place.out / "report.md"


def _parts(evaluated: Evaluated, evidence: Evidence, command: str, out: Path) -> list[str]:
    record = evaluated.records[0]
    minutes = sum(measured.seconds for measured in record.conditions.values()) / 60
    known = sorted({name for part in record.conditions.values() for name in part.known})
    return [
        f"# {evidence.comparison.title}",
        f"{SPLITS[evidence.split]} Made by `{command}` on {record.where}, in {minutes:.1f} "
        f"minutes; weights {record.weights}.",
        f"What the model's card says of its training: {record.notes}" if record.notes else "",
        f"Seen in training, so no test: {', '.join(known)}." if known else "",
        evidence.comparison.question,
        PUBLISHED,
        *tables(evidence, out),
        HOW,
        *section("Failures, and how to recognise them", *evaluated.gallery.write(out)),
        *words(),
    ]
