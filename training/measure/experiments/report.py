"""The experiments written down: pages for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from MRIColorizeLib.files.colors import atomic
from training.measure.evaluation.blocks import (
    Block,
    Heading,
    Picture,
    Table,
    Terms,
    Text,
    as_markdown,
)
from training.measure.experiments.cost import read_costs
from training.measure.experiments.cost_page import cost_blocks
from training.measure.experiments.differences import (
    DIFFERENCE_FIELDS,
    Finding,
    difference_rows,
    difference_table,
    findings,
    of_itself,
)
from training.measure.experiments.evidence import Evidence
from training.measure.experiments.figures import write_curves
from training.measure.experiments.manifest import Manifest
from training.measure.experiments.tables import (
    CSV_FIELDS,
    KINDS,
    csv_rows,
    measure_table,
    overview_table,
    training_table,
)

OVERVIEW, FINDINGS, COST = "README.md", "findings.json", "cost.md"
TABLES = {
    "summary.csv": (CSV_FIELDS, csv_rows),
    "differences.csv": (DIFFERENCE_FIELDS, difference_rows),
}
INTRODUCTION = (
    "Every arm has the small preset (width 16, crops of 128 pixels) unless its row says otherwise, "
    "and every arm of a comparison sees the same number of slices. These budgets are a small "
    "share of what the shipped model had: they rank choices, they do not show what a choice can "
    "reach in the end. An arm that was not run is marked so; nothing is estimated."
)
SPLITS = {
    "val": "Measured on the validation part. Nothing was chosen on it within an arm (the last "
    "averaged weights are measured), but between arms it was looked at.",
    "test": "Measured on the test part.",
}
TERMS = (
    (
        "natural, structure-locked",
        "the engine's two modes: the colouring's own lightness, or the MRI's. Every arm and every "
        "competitor goes through the same engine.",
    ),
    (
        "tissue as labelled, same tissue",
        "by the model's own tissue map, which only the palette head has: share of the body that is "
        "as labelled, and share on which the maps of T1, T2 and FLAIR of one person agree.",
    ),
    (
        "tissue by colour, same tissue by colour",
        "the same with the tissue whose palette colour is nearest to the picture's colour, so that "
        "every colouring can be asked. A photograph's own colours show the labelled tissue on a "
        "quarter of the body only (the row of the truth), so on photographs neither more nor less "
        "is better, and it is not tested.",
    ),
    (
        "contrast consistency",
        "CIEDE2000 between the colourings of one person's contrasts; a constant colour has 0.",
    ),
    ("64 px of padding, gain 0.85", "CIEDE2000 by which the network's colours change."),
    (
        "intervals and tests",
        "95 % of a hierarchical bootstrap over training seeds, units (slabs of a cryosection, "
        "persons of MRI with all their volumes) and slices, widened by Student's t for so few of "
        "them; of a single training they do not know how another start would have ended. p: "
        "Wilcoxon's signed-rank over units, adjusted by Holm over the comparison's trained arms, "
        "run or not, in one measure on one kind under one condition, and not over these; below "
        "six units there is none, and none for a finished model, which had another budget. It "
        "takes the trainings as they came. What was found has a p below 0.05 and an interval on "
        "one side of zero. Effect sizes are those of paired units, from six on: rank-biserial is "
        "positive where the arm is better than the reference, Cohen's dz has the sign of the "
        "difference.",
    ),
    (
        "truth",
        "held-out photographs are coloured from an MRI made of their own labels and three tenths "
        "of their fine lightness, so errors of colour and detail on them are optimistic; most of "
        "their skin and all of their air have the colours of the training's photographs. The "
        "truth of labelled MRI is the palette painted on the labels. Slabs of one body do not "
        "speak for people.",
    ),
)


def write_report(manifest: Manifest, results: Path, out: Path, split: str = "val") -> Path:
    """Write overview, a page for each comparison, and all numbers into `out`.

    results: folder of the result files. Returns the overview. Raises ResultError, OutputError.
    """
    found = [Evidence(manifest, c, results, split) for c in manifest.comparisons]
    for name, (fields, rows) in TABLES.items():
        with atomic(out / name) as temporary, temporary.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(fields)
            for evidence in found:
                writer.writerows(rows(evidence))
    known = {e.comparison.name: list(findings(e)) for e in found}
    with atomic(out / FINDINGS) as temporary:
        told = {
            name: {one.arm: dataclasses.asdict(one) for one in those}
            for name, those in known.items()
        }
        temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for evidence in found:
        name = evidence.comparison.name
        _write(_page(evidence, split, known[name], write_curves(evidence, out)), out / f"{name}.md")
    costs, hardware = read_costs(results)
    if costs:
        _write(cost_blocks(found, costs, hardware, out), out / COST)
    _write(_overview(found, split, known, bool(costs)), out / OVERVIEW)
    return out / OVERVIEW


def _write(blocks: Iterable[Block], path: Path) -> None:
    with atomic(path) as temporary:
        temporary.write_text(as_markdown(list(blocks)), encoding="utf-8")


def _overview(
    found: Sequence[Evidence], split: str, known: Mapping[str, Sequence[Finding]], costs: bool
) -> Iterator[Block]:
    """What was compared, how much of it was run, and what was found."""
    yield Heading("Experiments", 1)
    yield Text(INTRODUCTION)
    yield Text(SPLITS[split])
    yield overview_table(found)
    if costs:
        yield Text(f"What every network takes of memory and time: [its page]({COST}).")
    for evidence in found:
        comparison = evidence.comparison
        yield Heading(comparison.title)
        yield from _told(evidence, known[comparison.name])
        yield Text(f"[All its tables]({comparison.name}.md)")
    yield Heading("What the words mean")
    yield Terms(TERMS)


def _page(
    evidence: Evidence, split: str, known: Sequence[Finding], curves: Iterable[Picture]
) -> Iterator[Block]:
    """All tables and curves of one comparison."""
    yield Heading(evidence.comparison.title, 1)
    yield Text(f"{SPLITS[split]} What the words mean is told in [the overview]({OVERVIEW}).")
    yield from _told(evidence, known)
    yield training_table(evidence)
    for kind, title in KINDS.items():
        yield from _section(f"{title}: colour and structure", measure_table(evidence, kind))
        yield from _section(
            f"{title}: each arm against {evidence.comparison.reference}",
            difference_table(evidence, kind),
        )
    yield from curves


def _told(evidence: Evidence, known: Sequence[Finding]) -> Iterator[Block]:
    """The question, and what was found."""
    yield Text(evidence.comparison.question)
    if known:
        yield Text(f"What was found, each arm against {evidence.comparison.reference}:")
        yield Terms([(f"{one.arm} ({one.trained})", one.text) for one in known])
    if text := of_itself(evidence):
        yield Text(text)


def _section(title: str, table: Table | None) -> Iterator[Block]:
    if table is not None:
        yield Heading(title)
        yield table
