"""The README's tables of results say what the committed files say."""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHS = {
    "natural": "natural",
    "structure": "structure-locked",
    "constant colour": "constant colour",
    "table": "intensity table",
    "table told contrast and region": "table per contrast",
    "Reinhard transfer": "Reinhard",
    "optimal transport": "optimal transport",
    "grey copy of the MRI": "grey copy",
    "the photograph itself": "truth",
}
ARMS = {
    "ours, small": ("method", "small"),
    "free RGB instead of the palette": ("method", "rgb"),
    "photographs only, no labelled MRI": ("method", "one_sided"),
    "with a segmentation loss on the pseudo-cryosection": ("method", "segmentation"),
    "with the adversarial terms": ("method", "adversarial"),
    "with the cycle": ("method", "cycle"),
    "with cycle and adversarial terms": ("method", "cycle_adversarial"),
    "the paper's losses and optimizer": ("method", "paper_small"),
    "ChromaGAN-style, chroma alone": ("competitors", "chroma_gan"),
    "DDColor-style, chroma alone": ("competitors", "color_queries"),
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
# The measures of the README's columns, each with its digits.
PHOTOGRAPH_COLUMNS = (("ciede2000", 1), ("dcf_body", 3), ("ssim_body", 2), ("ncc2", 2))
ARM_COLUMNS = (("ciede2000", 1), ("contrast", 1), ("agreement_of_colors", 2), ("ssim_body", 2))
INTERVAL = ("mean", "low", "high")
PART_COLUMNS = (
    *(("ciede2000", 1), ("dcf_body", 3)),
    *(("agreement_of_colors", 2), ("ncc2", 3), ("ssim_body", 3)),
)


def table(header):
    """Cells of the rows of the README's table that begins so, by the rows' first cells."""
    lines = (ROOT / "README.md").read_text().splitlines()
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
        found = [r for r in csv.DictReader(stream) if all(r[k] == v for k, v in wanted.items())]
    assert len({row["measure"] for row in found}) == len(found)
    return {row["measure"]: row for row in found}


@pytest.mark.parametrize(("row", "method"), PHOTOGRAPHS.items())
def test_the_table_of_photographs(row, method):
    cells = table("| | CIEDE2000 | colourfulness error | SSIM to the MRI")[row]
    known = numbers(
        "docs/evaluation/summary.csv", kind="cryosection", contrast="all", method=method
    )
    for cell, (measure, digits) in zip(cells, PHOTOGRAPH_COLUMNS, strict=True):
        if method == "truth" and measure not in known:
            assert cell == "0.0"  # the colours of the photograph against themselves
            continue
        mean, low, high = (f"{float(known[measure][x]):.{digits}f}" for x in INTERVAL)
        assert cell in (mean, f"{mean} [{low}, {high}]"), measure


@pytest.mark.parametrize(("row", "names"), ARMS.items())
def test_the_table_of_the_method(row, names):
    *cells, last = table("| | CIEDE2000 | T1, T2 and FLAIR apart")[row]
    comparison, arm = names
    slabs, mri = (
        numbers(
            "docs/experiments/summary.csv",
            comparison=comparison,
            condition="plain",
            kind=kind,
            arm=arm,
            method="natural",
        )
        for kind in ("cryosection", "MRI")
    )
    for cell, (measure, digits) in zip(cells, ARM_COLUMNS, strict=True):
        means = [float(known[measure]["mean"]) for known in (slabs, mri)]
        assert cell == " / ".join(f"{mean:.{digits}f}" for mean in means), measure
    assert last == f"{float(slabs['dcf_body']['mean']):.3f}"


@pytest.mark.parametrize(("row", "names"), PARTS.items())
def test_the_table_of_the_parts(row, names):
    cells = table("| without | CIEDE2000")[row]
    comparison, arm, condition = names
    known = numbers(
        "docs/experiments/differences.csv",
        comparison=comparison,
        condition=condition,
        arm=arm,
        kind="cryosection",
    )
    for cell, (measure, digits) in zip(cells, PART_COLUMNS, strict=True):
        found = known[measure]
        assert found["seeds"] == "3"
        mean, low, high = (f"{float(found[x]):+.{digits}f}" for x in ("difference", *INTERVAL[1:]))
        told = f"{mean} [{low}, {high}]"
        assert cell == (f"**{told}**" if found["clear"] == "true" else told), measure


def test_every_row_of_the_tables_is_compared():
    assert set(table("| | CIEDE2000 | colourfulness error | SSIM to the MRI")) == set(PHOTOGRAPHS)
    assert set(table("| | CIEDE2000 | T1, T2 and FLAIR apart")) == set(ARMS)
    assert set(table("| without | CIEDE2000")) == set(PARTS)
