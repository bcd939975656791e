"""An evaluation written down: report.md and report.html for people, CSV and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from MRIColorizeLib.output import atomic
from training.evaluate import model_tables, tables
from training.evaluate.blocks import (
    Block,
    Heading,
    Picture,
    Table,
    Terms,
    Text,
    as_html,
    as_markdown,
)
from training.evaluate.cases import MRI, SLAB
from training.evaluate.evaluation import Evaluation
from training.evaluate.figures import write_box_plots
from training.evaluate.montage import write_montages
from training.evaluate.records import write_records
from training.evaluate.stacks import SMALLEST_BODY

PURPOSE = {
    "val": "The validation part: models and settings are chosen on it, so these numbers are no "
    "test of the one that was chosen.",
    "test": "The test part: nothing may be chosen on it.",
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
        "slabs of a cryosection (three contrasts and all frames averaged within), volumes of MRI. "
        "Intervals are 95 % of a hierarchical bootstrap over units and slices. Slabs of one body "
        "do not speak for people, nor several volumes of one person for several. p is Wilcoxon's "
        "signed-rank, adjusted by Holm over the comparisons in one measure; below six units there "
        "is none.",
    ),
    (
        "cryosection",
        "held-out photographs, coloured from an MRI made of their labels by a fixed recipe. The "
        "recipe shares its labels with the truth, so these colour errors are optimistic.",
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
        "cryosections of this region|, slice by slice (Hasler and Suesstrunk 2003, on 0 to 1).",
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
        "share of the chroma's gradient where the MRI has no edge; the truth's own share is the "
        "best to be expected.",
    ),
    (
        "NCC², orientation, fine detail",
        "squared local correlation of lightness and MRI, cosine of twice the angle between their "
        "gradients, NCC² of what a Gaussian of 1 pixel takes away. Blind to reversed contrast.",
    ),
    (
        "SSIM, MS-SSIM, STSIM-1, STSIM-2, FSIM",
        "of the mean of R, G and B against the normalised MRI. A grey copy has 1, and "
        "structure-locked nearly so by construction: they say nothing about colour. MS-SSIM of "
        "whole slices takes the largest window that fits five scales: 11 pixels above 160 a side, "
        "7 at 124; below 97 pixels it is left out. In the body the window is always 11.",
    ),
    ("flicker", "change from slice to slice over that of the MRI: a grey copy has 1."),
)
CHOSEN = (
    "Slices whose body is less than {share:.0%} of the fullest slice's are left out; of the "
    "others, evenly spaced pairs of neighbours are measured."
)
SHORT_OF_DATA = (
    "The published numbers come from registered MRI and cryosections of the Visible Korean Human, "
    "which is not public; ours from other bodies, and where there is a truth, through a synthetic "
    "MRI. They are not the same experiment."
)


def write_report(evaluation: Evaluation, out: Path) -> None:
    """Write report.md, report.html, report.json, scores.csv, summary.csv and pictures into `out`.

    Raises OutputError.
    """
    write_records(evaluation, out)
    figures = write_box_plots(evaluation, out)
    montages = write_montages(evaluation.stacks, out)
    blocks = list(_blocks(evaluation, [*figures, *montages]))
    title = f"Evaluation of {evaluation.setting.model_name} {evaluation.setting.model_version}"
    for name, text in (
        ("report.md", as_markdown(blocks)),
        ("report.html", as_html(blocks, title)),
    ):
        with atomic(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _blocks(evaluation: Evaluation, pictures: list[Picture]) -> Iterator[Block]:
    setting = evaluation.setting
    yield Heading(f"Evaluation of {setting.model_name} {setting.model_version}", 1)
    yield Text(
        f"{PURPOSE[setting.split]} Made on {setting.device}, {setting.precision}, with "
        f"{setting.threads} threads, {setting.software}; weights {setting.weights_sha256}."
    )
    if evaluation.known:
        yield Text(f"Seen in training, so no test: {', '.join(evaluation.known)}.")
    yield from _tables(evaluation)
    yield Heading("Pictures")
    yield from pictures
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
    yield Heading("Beside the published numbers")
    yield tables.claims(evaluation)
    yield Text(SHORT_OF_DATA)


def _section(title: str, table: Table | None) -> Iterator[Block]:
    if table is not None:
        yield Heading(title)
        yield table
