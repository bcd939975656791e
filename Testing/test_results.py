"""The tables of results in the README and on the page of results say what the files say."""

import csv
import json
from pathlib import Path

import pytest

from MRIColorizeLib.network.card import read_card
from MRIColorizeLib.network.model import find_model

ROOT = Path(__file__).resolve().parents[1]
EVALUATION = "docs/evaluation/summary.csv"
# Rows of the tables, and what the evaluation calls them.
METHODS = {
    "natural": "natural",
    "natural colours": "natural",
    "structure": "structure-locked",
    "structure mode": "structure-locked",
    "constant colour": "constant colour",
    "table": "intensity table",
    "table told contrast and region": "table per contrast",
    "table of colours, told contrast and region": "table per contrast",
    "Reinhard transfer": "Reinhard",
    "optimal transport": "optimal transport",
    "grey copy of the MRI": "grey copy",
    "the photograph itself": "truth",
}
# Tables by their first header, and their columns: kind, measure, digits.
TABLES = {
    ("README.md", "| colouring | colour error"): (
        ("cryosection", "ciede2000", 1),
        ("MRI", "contrast", 1),
        ("cryosection", "ssim_body", 2),
    ),
    ("docs/results.md", "| | CIEDE2000 | colourfulness error | SSIM to the MRI"): (
        ("cryosection", "ciede2000", 1),
        ("cryosection", "dcf_body", 3),
        ("cryosection", "ssim_body", 2),
        ("cryosection", "ncc2", 2),
    ),
}
PUBLISHED = {
    "the slabs": ("cryosection", "all"),
    "real T1, three persons": ("MRI", "T1"),
    "all real MRI, four persons": ("MRI", "all"),
    "real T2, three persons": ("MRI", "T2"),
}
ARMS = {
    "ours, small": ("method", "small"),
    "free RGB instead of the palette": ("method", "rgb"),
    "photographs only, no labelled MRI": ("method", "one_sided"),
    "with cycle and adversarial terms": ("method", "cycle_adversarial"),
    "the paper's losses and optimizer": ("method", "paper_small"),
    "the same on unpaired slices alone": ("pairs", "paper_unpaired"),
    "the same in the network of the authors' code": ("competitors", "published_small"),
    "plain CycleGAN": ("competitors", "cyclegan"),
    "ChromaGAN-style, chroma alone": ("competitors", "chroma_gan"),
    "DDColor-style, chroma alone": ("competitors", "color_queries"),
    "ours without the colour loss": ("losses", "no_color"),
    "ours on pairs 2 mm out of register": ("misregistration", "misregistered_2mm"),
    "ours on pairs 5 mm out of register": ("misregistration", "misregistered_5mm"),
    "ours on pairs 10 mm out of register": ("misregistration", "misregistered_10mm"),
}
PARTS = {
    "the second decoder": ("decoders", "single_decoder", "plain"),
    "compression-and-activation": ("attention", "no_attention", "plain"),
    "the same, under 9 % of noise": ("attention", "no_attention", "noise-9"),
    "skips between the decoders": ("decoders", "no_cross_skips", "plain"),
    "the two lower resolutions, at 256 px": ("scales", "single_scale", "engine-256"),
}
ARM_COLUMNS = (("ciede2000", 1), ("contrast", 1), ("agreement_of_colors", 2), ("ssim_body", 2))
PART_COLUMNS = (
    *(("ciede2000", 1), ("dcf_body", 3)),
    *(("agreement_of_colors", 2), ("ncc2", 3), ("ssim_body", 3)),
)


def table(document, header):
    """Cells of the rows of a document's table that begins so, by the rows' first cells."""
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(header))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first.replace("*", "")] = cells
    return rows


def numbers(path, **wanted):
    """Rows of a CSV by their measure."""
    with (ROOT / path).open(newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if all(r[k] == v for k, v in wanted.items())]
    assert len({row["measure"] for row in rows}) == len(rows)
    return {row["measure"]: row for row in rows}


@pytest.mark.parametrize(("place", "columns"), TABLES.items())
def test_numbers_of_the_model_are_those_of_its_evaluation(place, columns):
    for name, cells in table(*place).items():
        method = METHODS[name]
        for cell, (kind, measure, digits) in zip(cells, columns, strict=True):
            which = {"kind": kind, "contrast": "all", "method": method}
            row = numbers(EVALUATION, condition="plain", **which).get(measure)
            if row is None:  # a photograph against itself, or what it has not
                assert (method, cell) in (("truth", "0.0"), ("truth", "–"))
                continue
            mean, low, high = (f"{float(row[x]):.{digits}f}" for x in ("mean", "low", "high"))
            assert cell in (mean, f"{mean} [{low}, {high}]"), (name, measure)


def test_the_evaluation_is_of_the_model_that_ships():
    card = read_card(find_model())
    report = (ROOT / "docs/evaluation/report.md").read_text(encoding="utf-8")
    assert f"{card.name} {card.version}" in report
    assert card.weights_sha256 in report


def test_the_trap_is_of_the_model_that_it_names():
    trap = json.loads((ROOT / "docs/evaluation/structure-trap.json").read_text(encoding="utf-8"))
    card = read_card(find_model("visible-human-head"))
    assert trap["model"] == f"{card.name} {card.version}"
    assert trap["weights_sha256"] == card.weights_sha256


@pytest.mark.parametrize(("row", "where"), PUBLISHED.items())
def test_numbers_beside_the_published_ones(row, where):
    which = {"kind": where[0], "contrast": where[1], "method": "natural"}
    known = numbers(EVALUATION, condition="plain", **which)
    names = ("ssim_slice", "ms_ssim_slice", "stsim1_slice", "dcf_slice")
    told = [f"{float(known[n]['mean']):.3f}" if n in known else "no truth" for n in names]
    assert table("docs/results.md", "| natural colours | SSIM")[row] == told


def test_numbers_of_the_experiments_arms():
    rows = table("docs/results.md", "| | CIEDE2000 | T1, T2 and FLAIR apart")
    assert set(rows) == set(ARMS)
    for row, (comparison, arm) in ARMS.items():
        *cells, last = rows[row]
        which = {"comparison": comparison, "condition": "plain", "arm": arm, "method": "natural"}
        which["contrast"] = "all"
        slabs, mri = (
            numbers("docs/experiments/summary.csv", kind=kind, **which)
            for kind in ("cryosection", "MRI")
        )
        for cell, (measure, digits) in zip(cells, ARM_COLUMNS, strict=True):
            means = [float(known[measure]["mean"]) for known in (slabs, mri)]
            assert cell == " / ".join(f"{mean:.{digits}f}" for mean in means), (row, measure)
        assert last == f"{float(slabs['dcf_body']['mean']):.3f}"


def test_numbers_of_the_parts_that_were_left_out():
    rows = table("docs/results.md", "| without | CIEDE2000")
    assert set(rows) == set(PARTS)
    for row, (comparison, arm, condition) in PARTS.items():
        which = {"comparison": comparison, "condition": condition, "arm": arm, "method": "natural"}
        known = numbers("docs/experiments/differences.csv", kind="cryosection", **which)
        for cell, (measure, digits) in zip(rows[row], PART_COLUMNS, strict=True):
            one = known[measure]
            assert one["seeds"] == "3"
            mean, low, high = (
                f"{float(one[x]):+.{digits}f}" for x in ("difference", "low", "high")
            )
            told = f"{mean} [{low}, {high}]"
            assert cell == (f"**{told}**" if one["clear"] == "true" else told), (row, measure)


def test_numbers_of_the_trap():
    told = table("docs/how-it-works.md", "| colouring | SSIM T1")
    trap = json.loads((ROOT / "docs/evaluation/structure-trap.json").read_text(encoding="utf-8"))
    assert {row["name"] for row in trap["rows"]} == set(told)
    for row in trap["rows"]:
        cells = told[row["name"]]
        assert cells[:4] == [f"{value:.2f}" for value in (*row["ssim"], *row["ncc2"])]
        assert cells[6] == f"{row['apart']:.1f}"
        assert cells[8] == f"{row['photograph']:.1f}"
