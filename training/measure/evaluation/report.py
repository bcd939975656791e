"""An evaluation written down: report.md for people, CSV and JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from MRIColorizeLib.files.colors import atomic
from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.selection import SMALLEST_BODY
from training.measure.evaluation import generalisation, model_tables, size_tables, systems, tables
from training.measure.evaluation.blocks import (
    Block,
    Heading,
    Picture,
    Table,
    Terms,
    Text,
    as_markdown,
)
from training.measure.evaluation.curves import write_size_curves
from training.measure.evaluation.evaluation import Evaluation
from training.measure.evaluation.excerpt import LEFT_OUT, write_excerpt
from training.measure.evaluation.figures import write_box_plots
from training.measure.evaluation.gallery import write_gallery
from training.measure.evaluation.montage import write_montages
from training.measure.evaluation.records import write_records

PURPOSE = {
    "val": "The validation part: models and settings are chosen on it, so these numbers are no "
    "test of the one that was chosen.",
    "test": "The test part, for reports and not for choices; what was decided after a look at it "
    "all the same is to stand in the model's card.",
}
TERMS = (
    ("natural, structure-locked", "the model's two modes: the tissue's lightness, the MRI's."),
    (
        "truth",
        "the photograph itself, as if it were a colouring: a right answer has this much "
        "structure and no more.",
    ),
    (
        "units",
        "slabs of a cryosection (three contrasts and all frames averaged within), persons of MRI "
        "(all their volumes averaged within). Intervals are 95 % of a hierarchical bootstrap over "
        "units and slices, widened by Student's t for so few units. Slabs of one body do not speak "
        "for people. p is Wilcoxon's signed-rank, adjusted by Holm over the comparisons in one "
        "measure on one kind; below six units there is none. Effect sizes, from six units on: "
        "rank-biserial is positive where the first is better, Cohen's dz has the sign of the "
        "difference.",
    ),
    (
        "cryosection",
        "held-out photographs, coloured from an MRI made by a fixed recipe of their labels and of "
        "three tenths of the photograph's own fine lightness. The MRI shares labels and texture "
        "with the truth, so errors of colour and detail are optimistic. The frames of the coarse "
        "series were brought to the colours of the fine ones, their cavities to one colour, and "
        "their skin, around which sharpening had left a pale seam, seven tenths of the way to the "
        "fine ones' skin: errors of skin and air are against that recipe as much as against a "
        "photograph.",
    ),
    (
        "CIEDE2000, a,b distance",
        "to the photograph, or to the palette painted on the labels of a labelled MRI; real MRI "
        "without labels has no truth.",
    ),
    ("tissue as labelled", "share of the body where the model's tissue map is the label."),
    (
        "dCF, dCF-region",
        "|colourfulness - that of the photograph|, |colourfulness - mean of the training "
        "cryosections of this region, air in the body left out|, slice by slice (Hasler and "
        "Suesstrunk 2003, on 0 to 1).",
    ),
    (
        "contrast consistency",
        "mean CIEDE2000 between the colourings of T1, T2 and FLAIR of one subject. A constant "
        "colour has 0: read it beside NCC².",
    ),
    (
        "border sharpness",
        "chroma gradient within 2 pixels of label borders over the truth's: 1 alike, below 1 "
        "colours bleed.",
    ),
    (
        "invented structure",
        "share of the chroma's gradient where the MRI has no edge. Neither more nor less is "
        "better: above the truth's share colours have borders that no tissue has, below it they "
        "lack what the photograph has within tissues that the MRI shows as one.",
    ),
    (
        "NCC², orientation, fine detail",
        "squared local correlation of lightness and MRI, cosine of twice the angle between their "
        "gradients, NCC² of what a Gaussian of 1 pixel takes away. Blind to reversed contrast.",
    ),
    (
        "SSIM, MS-SSIM, STSIM-1, STSIM-2",
        "of the mean of R, G and B against the normalised MRI. A grey copy has 1, and "
        "structure-locked nearly so by construction: they say nothing about colour. MS-SSIM of "
        "whole slices takes the largest window that fits five scales: 11 pixels above 160 a side, "
        "7 at 124; below 97 pixels it is left out. In the body the window is always 11.",
    ),
    (
        "confidence",
        "mean probability that the model itself gives to the tissue it chose. It is no chance of "
        "being right.",
    ),
    (
        "raw, engine",
        "a square around the body on so many pixels, fed as if they were of the card's size, and "
        "resampled to that size by the engine; measured on the pixels given. MS-SSIM has a window "
        "of 11 pixels at 256, 7 at 128 and 3 at 64, which makes it another measure at each.",
    ),
    (
        "disturbed MRI",
        "noise is Rician, in percent of the body's brightest tissue; the bias field a ramp from "
        "corner to corner; wider pixels and thicker slices are means. Compared with the same "
        "slices as they are, and along another plane voxel by voxel.",
    ),
    (
        "source, disease",
        "the public collection that a volume comes from, which stands for scanner and site (the "
        "files name none), and what the collection says of the person.",
    ),
    ("flicker", "change from slice to slice over that of the MRI: a grey copy has 1."),
)
CHOSEN = (
    "Slices whose body is less than {share:.0%} of the fullest slice's are left out; of the "
    "others, evenly spaced pairs of neighbours are measured."
)
TARGETS = (
    "Asked of structure (whole slices, against the MRI) and of colourfulness (against the "
    "photographs of the same slabs), on 256 pixels resampled by the engine. Both at once need a "
    "picture with the MRI's lightness and as much colour as the photograph, not the right ones: a "
    "colouring that knows no tissue can have both. A wide black border raises SSIM and lowers dCF "
    "and changes no colour, so the slices are cut to a square around the body; on the slices with "
    "the border that they came with, see the table above."
)
SHORT_OF_DATA = (
    "The published numbers come from registered MRI and cryosections of the Visible Korean Human, "
    "which is not public; ours from other bodies, and where there is a truth, through a synthetic "
    "MRI. They are not the same experiment. Which STSIM the published one is, and whether "
    "its dCF is of whole slices, is not told."
)


def write_report(evaluation: Evaluation, out: Path, excerpt: Path | None = None) -> None:
    """Write report.md, report.json, scores.csv, summary.csv and pictures into `out`.

    excerpt: folder for the short copy. Raises OutputError.
    """
    write_records(evaluation, out)
    pictures = Pictures(
        boxes=write_box_plots(evaluation, out),
        curves=write_size_curves(evaluation, out),
        failures=list(write_gallery(evaluation, out)),
        montages=write_montages(evaluation.stacks, out),
    )
    with atomic(out / "report.md") as temporary:
        temporary.write_text(as_markdown(list(_blocks(evaluation, pictures))), encoding="utf-8")
    if excerpt is not None:
        short = dataclasses.replace(pictures, montages=[LEFT_OUT])
        write_excerpt(list(_blocks(evaluation, short)), out, excerpt)


@dataclass(frozen=True)
class Pictures:
    """What was drawn for a report: where it goes is the report's business."""

    boxes: Sequence[Picture]
    curves: Sequence[Picture]
    failures: Sequence[Block]
    montages: Sequence[Block]


def _blocks(evaluation: Evaluation, pictures: Pictures) -> Iterator[Block]:
    setting = evaluation.setting
    yield Heading(f"Evaluation of {setting.model_name} {setting.model_version}", 1)
    yield Text(
        f"{PURPOSE[setting.split]} Made on {setting.device}, {setting.precision}, with "
        f"{setting.threads} threads, {setting.software}, in {setting.minutes:.1f} minutes, "
        f"{setting.processor_minutes:.1f} of them of a processor's time, without the pictures; "
        f"weights {setting.weights_sha256}."
    )
    notes = evaluation.training_notes
    if notes:
        yield Text(f"What the model's card says of its training: {notes}")
    if evaluation.known:
        yield Text(f"Seen in training, so no test: {', '.join(evaluation.known)}.")
    yield from _published(evaluation, pictures)
    yield from _tables(evaluation)
    yield Heading("Every unit in every colouring")
    yield from pictures.boxes
    yield from _generalisation(evaluation, pictures)
    yield Heading("Slices, the worst first")
    yield from pictures.montages
    yield Heading("What the words mean")
    yield Terms((*TERMS, *tables.methods_explained()))
    yield Text(CHOSEN.format(share=SMALLEST_BODY))


def _tables(evaluation: Evaluation) -> Iterator[Block]:
    for kind, title in ((SLAB, "Held-out cryosections"), (MRI, "MRI")):
        for what, measures in (("in the body", tables.IN_BODY), ("whole slices", tables.WHOLE)):
            yield from _section(
                f"{title}: colour and structure, {what}",
                tables.overview(evaluation, kind, measures),
            )
        yield from _section(
            f"{title}: is the difference more than chance?", tables.verdicts(evaluation, kind)
        )
        yield from _section(f"{title}: by contrast", tables.by_contrast(evaluation, kind))
    yield from _section("Colour error of each tissue", tables.per_tissue(evaluation))
    yield from _section("One subject in several contrasts", model_tables.contrasts(evaluation))
    if evaluation.uncompared:
        pairs = "; ".join(evaluation.uncompared)
        yield Text(f"Not compared, because they do not lie voxel on voxel: {pairs}.")
    yield from _section("Agreement of the tissue maps (Dice)", model_tables.dice(evaluation))
    yield from _section("Every MRI volume", tables.by_volume(evaluation))
    yield from _section(
        "Colour change where no tissue changed", model_tables.invariances(evaluation)
    )
    distance = model_tables.kernel(evaluation)
    yield from _section("Distance to the photographs (KID)", distance)
    if distance is None:
        yield Text("KID was not computed: no segmentation network was given.")


def _published(evaluation: Evaluation, pictures: Pictures) -> Iterator[Block]:
    """The published claims and targets, and what becomes of them here."""
    yield Heading("Beside the published numbers")
    yield tables.claims(evaluation)
    yield Text(SHORT_OF_DATA)
    if texts := size_tables.targets(evaluation):
        yield Heading("SSIM above 0.8 and dCF under 0.01 at once, at 256 pixels")
        yield Text(TARGETS)
        for text in texts:
            yield Text(text)
        yield Text(size_tables.smoothing(evaluation))
    for kind in (SLAB, MRI):
        yield from _section(
            f"{kind}: 256, 128 and 64 pixels", size_tables.by_size(evaluation, kind)
        )
    yield from _section("What 128 and 64 pixels cost", size_tables.losses(evaluation))
    yield from pictures.curves
    yield Heading("Other systems")
    yield systems.others(evaluation)
    yield Text(systems.HOW)


def _generalisation(evaluation: Evaluation, pictures: Pictures) -> Iterator[Block]:
    """How far the colours carry, and the failures."""
    yield from _section(
        "How far it carries: scanned MRI, natural colours", generalisation.by_group(evaluation)
    )
    yield from _section(
        "How far it carries: worse MRI and other planes", generalisation.by_disturbance(evaluation)
    )
    if pictures.failures:
        yield Heading("Failures, and how to recognise them")
        yield from pictures.failures


def _section(title: str, table: Table | None) -> Iterator[Block]:
    if table is not None:
        yield Heading(title)
        yield table
