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
    "the same on unpaired slices alone": ("pairs", "paper_unpaired"),
    "the same in the network of the authors' code": ("competitors", "published_small"),
    "plain CycleGAN": ("competitors", "cyclegan"),
    "ChromaGAN-style, chroma alone": ("competitors", "chroma_gan"),
    "DDColor-style, chroma alone": ("competitors", "color_queries"),
    "ours without the colour loss": ("losses", "no_color"),
    "ours without the pseudo-cryosection's loss": ("losses", "no_pseudo"),
    "ours without the gradient loss": ("losses", "no_gradient"),
    "ours without the tissue loss": ("losses", "no_tissue"),
    "ours without the structure loss": ("losses", "no_structure"),
    "ours with instance norm": ("norm", "instance_norm"),
    "ours on pairs 2 mm out of register": ("misregistration", "misregistered_2mm"),
    "ours on pairs 5 mm out of register": ("misregistration", "misregistered_5mm"),
    "ours on pairs 10 mm out of register": ("misregistration", "misregistered_10mm"),
    "ours on pairs bent by 5 mm": ("misregistration", "misregistered_elastic"),
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
MRI_PART_COLUMNS = (("ciede2000", 1), *PART_COLUMNS[2:])


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


@pytest.mark.parametrize(
    ("header", "kind", "columns"),
    [
        ("| without | CIEDE2000", "cryosection", PART_COLUMNS),
        ("| without, on labelled MRI |", "MRI", MRI_PART_COLUMNS),
    ],
)
@pytest.mark.parametrize(("row", "names"), PARTS.items())
def test_the_table_of_the_parts(row, names, header, kind, columns):
    cells = table(header)[row]
    comparison, arm, condition = names
    known = numbers(
        "docs/experiments/differences.csv",
        comparison=comparison,
        condition=condition,
        arm=arm,
        kind=kind,
    )
    for cell, (measure, digits) in zip(cells, columns, strict=True):
        found = known[measure]
        assert found["seeds"] == "3"
        mean, low, high = (f"{float(found[x]):+.{digits}f}" for x in ("difference", *INTERVAL[1:]))
        told = f"{mean} [{low}, {high}]"
        assert cell == (f"**{told}**" if found["clear"] == "true" else told), measure


def test_every_row_of_the_tables_is_compared():
    assert set(table("| | CIEDE2000 | colourfulness error | SSIM to the MRI")) == set(PHOTOGRAPHS)
    assert set(table("| | CIEDE2000 | T1, T2 and FLAIR apart")) == set(ARMS)
    assert set(table("| without | CIEDE2000")) == set(PARTS)
    assert set(table("| without, on labelled MRI |")) == set(PARTS)


@pytest.mark.parametrize(
    ("row", "kind", "contrast"),
    [
        ("the slabs", "cryosection", "all"),
        ("real T1, three persons", "MRI", "T1"),
        ("all real MRI, four persons", "MRI", "all"),
        ("real T2, three persons", "MRI", "T2"),
    ],
)
def test_the_table_beside_the_published_numbers(row, kind, contrast):
    known = numbers("docs/evaluation/summary.csv", kind=kind, contrast=contrast, method="natural")
    names = ("ssim_slice", "ms_ssim_slice", "stsim1_slice", "dcf_slice")
    found = [f"{float(known[n]['mean']):.3f}" if n in known else "no truth" for n in names]
    assert table("| natural colours | SSIM")[row] == found


def test_what_is_said_of_256_pixels():
    """SSIM and dCF at once, and that optimal transport has both too."""
    text = " ".join((ROOT / "README.md").read_text().split())
    for method, said in (
        ("natural", "have SSIM {ssim_slice} and dCF {dcf_slice} at once"),
        ("natural", "({ssim_body} and {dcf_body} in the body alone"),
        ("optimal transport", "knows no tissue, has {ssim_slice} and {dcf_slice} with"),
    ):
        known = numbers(
            "docs/evaluation/sizes.csv",
            kind="cryosection",
            contrast="all",
            method=f"{method}, 256 px engine",
        )
        assert said.format(**{n: f"{float(r['mean']):.3f}" for n, r in known.items()}) in text
