"""Comparisons written down: pages for people, summary.csv and differences.csv for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from MRIColorizeLib.files.colors import atomic
from training.measure.arms.cost import read_costs
from training.measure.arms.manifest import Manifest
from training.measure.cases.cases import SLAB
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.scores import Measure
from training.measure.colorings.selection import SMALLEST_BODY
from training.measure.report.cost_page import cost_parts
from training.measure.report.curves import write_curves
from training.measure.report.markdown import page, section, terms
from training.measure.report.numbers import CLEAR, KINDS, Evidence
from training.measure.report.tables import (
    BY_TISSUES,
    IN_BODY,
    WHOLE,
    arms_table,
    changed,
    difference_table,
    invariance_table,
    labels,
    measure_table,
    overview_table,
    plain,
)

OVERVIEW, COST = "README.md", "cost.md"
INTRODUCTION = (
    "Every arm has the small preset (width 16, crops of 128 pixels) unless its row says otherwise, "
    "and every arm of a comparison sees the same number of slices. These budgets are a small "
    "share of what the shipped model had: they rank choices, they do not show what a choice can "
    "reach in the end. An arm that was not run is marked so; nothing is estimated."
)
SPLITS = {
    "val": "The validation part: models and settings are chosen on it, so these numbers are no "
    "test of the one that was chosen.",
    "test": "The test part, for reports and not for choices; what was decided after a look at it "
    "all the same is to stand in the model's card.",
}
# Mathur et al., ISBI 2025, at 256 pixels, on the Visible Korean Human.
PUBLISHED = (
    "Published (Mathur et al. 2025, 256 pixels): SSIM 0.863, MS-SSIM 0.866, STSIM 0.901, dCF below "
    "0.01, of registered MRI and cryosections of the Visible Korean Human, which is not public. "
    "Ours come from other bodies, and where there is a truth, through a synthetic MRI: they are "
    "not the same experiment. Which STSIM the published one is, and whether its dCF is of whole "
    "slices, is not told."
)
TERMS = (
    (
        "natural, structure-locked",
        "the engine's two modes: the tissue's lightness, the MRI's. Every arm and every other "
        "system goes through the same engine.",
    ),
    (
        "truth",
        "the photograph itself, as if it were a colouring: a right answer has this much "
        "structure and no more.",
    ),
    (
        "units",
        "slabs of a cryosection (contrasts and frames averaged within), persons of MRI (all their "
        "volumes averaged within). Slabs of one body do not speak for people.",
    ),
    (
        "intervals and tests",
        "95 % of a hierarchical bootstrap over training seeds, units and slices, widened by "
        "Student's t for so few of them; of a single training they do not know how another start "
        "would have ended. p: Wilcoxon's signed-rank over units, adjusted by Holm over the rows "
        "that share a measure, kind, condition and reference (trained arms that were not run "
        "count); below six units there is none, and none for a finished model beside trained arms, "
        f"whose budget was another. Bold: p below {CLEAR} and an interval on one side of zero. "
        "Effect sizes, from six units on: rank-biserial is positive where the first is better, "
        "Cohen's dz has the sign of the difference.",
    ),
    (
        "cryosection",
        "held-out photographs, coloured from an MRI made by a fixed recipe of their labels and of "
        "three tenths of the photograph's own fine lightness, so errors of colour and detail are "
        "optimistic. The frames of the coarse series were brought to the colours of the fine ones, "
        "their cavities to one colour, and their skin seven tenths of the way to the fine ones': "
        "errors of skin and air are against that recipe as much as against a photograph.",
    ),
    (
        "CIEDE2000",
        "to the photograph, or to the palette painted on the labels of a labelled MRI; real MRI "
        "without labels has no truth.",
    ),
    (
        "tissue as labelled, same tissue",
        "by the model's own tissue map: share of the body that is as labelled, and share on which "
        "the maps of two contrasts of one person agree, beside the share that unrelated maps with "
        "the same sizes would have. By colour: the same with the tissue whose palette colour is "
        "nearest to the picture's, so that every colouring can be asked; on photographs it is not "
        "tested, because their own colours show the labelled tissue on a quarter of the body.",
    ),
    (
        "dCF, dCF-region",
        "|colourfulness - that of the photograph|, |colourfulness - mean of the training "
        "cryosections of this region, air in the body left out|, slice by slice (Hasler and "
        "Suesstrunk 2003, on 0 to 1).",
    ),
    (
        "contrast consistency",
        "mean CIEDE2000 between the colourings of one subject's contrasts. A constant colour has "
        "0: read it beside NCC².",
    ),
    (
        "NCC²",
        "squared local correlation of lightness and MRI, blind to reversed contrast.",
    ),
    (
        "SSIM, MS-SSIM, STSIM-1",
        "of the mean of R, G and B against the normalised MRI. A grey copy has 1, and "
        "structure-locked nearly so by construction: they say nothing about colour. MS-SSIM of "
        "whole slices takes the largest window that fits five scales: 11 pixels above 160 a side, "
        "7 at 128; below 97 pixels it is left out. In the body the window is always 11.",
    ),
    (
        "confidence",
        "mean probability that the model itself gives to the tissue it chose. It is no chance of "
        "being right.",
    ),
    (
        "256, 128, 64 px",
        "a square around the body on so many pixels, fed as if they were of the card's size, or "
        "resampled to that size by the engine; measured on the pixels given.",
    ),
    (
        "noise, bias field, wide pixels",
        "noise is Rician, in percent of the body's brightest tissue; the bias field a ramp from "
        "corner to corner; wider pixels are means. Structure is compared with the MRI before it. "
        "Tissue as unchanged, CIEDE2000 to unchanged: against the same slices as they are.",
    ),
    (
        "KID",
        "kernel distance to the photographs on the features of our SegNet; comparable within the "
        "table alone.",
    ),
    ("flicker", "change from slice to slice over that of the MRI: a grey copy has 1."),
    (
        "which slices",
        f"slices whose body is less than {SMALLEST_BODY:.0%} of the fullest slice's are left out; "
        "of the others, evenly spaced pairs of neighbours are measured.",
    ),
)


def write_report(manifest: Manifest, records: Path, out: Path, split: str = "val") -> Path:
    """Write overview, a page for each comparison, and all numbers into `out`.

    records: folder of the record files. Returns the overview. Raises RecordError, OutputError.
    """
    found = [Evidence(manifest, c, records, split) for c in manifest.comparisons]
    write_numbers(found, out)
    for evidence in found:
        name = evidence.comparison.name
        parts = [f"# {evidence.comparison.title}", *_opened(evidence), *tables(evidence, out)]
        parts.append(f"What the words mean is told in [the overview]({OVERVIEW}).")
        write_page(parts, out / f"{name}.md")
    costs, hardware = read_costs(records)
    if costs:
        write_page(cost_parts(found, costs, hardware), out / COST)
    write_page(_overview(found, split, bool(costs)), out / OVERVIEW)
    return out / OVERVIEW


def write_numbers(found: Sequence[Evidence], out: Path) -> None:
    """Write summary.csv and differences.csv of comparisons. Raises OutputError."""
    for name in ("summary", "differences"):
        tables = [getattr(evidence, name) for evidence in found]
        known = [table for table in tables if len(table)] or tables[:1] or [pd.DataFrame()]
        with atomic(out / f"{name}.csv") as temporary:
            pd.concat(known).to_csv(temporary, index=False, float_format="%.6g")


def write_page(parts: Iterable[str], path: Path) -> None:
    """Write a page, whole or not at all. Raises OutputError."""
    with atomic(path) as temporary:
        temporary.write_text(page(parts), encoding="utf-8")


def tables(evidence: Evidence, out: Path) -> Iterator[str]:
    """All tables of a comparison, and its curves, which are written into `out`."""
    yield arms_table(evidence)
    for kind, title in KINDS.items():
        every, alone = plain(evidence, kind), plain(evidence, kind, single=True)
        for what, measures in _tabled(evidence):
            columns = labels(measures)
            yield from section(f"{title}, {what}", measure_table(evidence, every, columns))
            other = measure_table(evidence, changed(evidence, kind), columns)
            yield from section(f"{title}, {what}: under other conditions", other)
            single = measure_table(evidence, alone, columns)
            yield from section(f"{title}, {what}: contrasts by themselves", single)
        yield from section(
            f"{title}: is the difference more than chance?", difference_table(evidence, kind)
        )
    by_tissue = measure_table(evidence, plain(evidence, SLAB), BY_TISSUES)
    yield from section("Colour error of each tissue, held-out cryosections", by_tissue)
    yield from section("Colour change where no tissue changed", invariance_table(evidence))
    yield from write_curves(evidence, out)


def _tabled(evidence: Evidence) -> Iterator[tuple[str, Sequence[Measure]]]:
    """The sets of measures that have tables of their own."""
    yield "in the body", IN_BODY
    if (evidence.scores["measure"] == Measure.SSIM_SLICE.key).any():
        yield "whole slices", WHOLE


def words() -> list[str]:
    """What the words of all pages mean, the trivial colourings by their own documentation."""
    trivial = [(n, " ".join((f.__doc__ or "").split())) for n, f in BASELINES.items()]
    return section("What the words mean", terms((*TERMS, *trivial)))


def _opened(evidence: Evidence) -> Iterator[str]:
    """The part, the question, and how alike two trainings are."""
    yield SPLITS[evidence.split]
    yield evidence.comparison.question
    differ, asked = evidence.of_itself()
    if asked:
        yield (
            f"Two seeds of {evidence.comparison.reference} itself differ with a p below {CLEAR}, "
            f"not adjusted, in {differ} of {asked} tests (every seed stands in several), so that a "
            "small p between single trainings means little."
        )


def _overview(found: Sequence[Evidence], split: str, costs: bool) -> Iterator[str]:
    """What was compared, and how much of it was run."""
    yield "# Experiments"
    yield INTRODUCTION
    yield SPLITS[split]
    yield overview_table(found)
    if costs:
        yield f"What every network takes of memory and time: [its page]({COST})."
    for evidence in found:
        comparison = evidence.comparison
        yield f"## {comparison.title}"
        yield f"{comparison.question} [All its tables]({comparison.name}.md)"
    yield from words()
