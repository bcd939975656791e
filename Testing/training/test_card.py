"""The card's page: everything on it is the card's or the report's."""

import csv
import dataclasses

from MRIColorizeLib.network.model import find_model, read_card
from training.__main__ import main
from training.card.page import model_page

NAMES = ("kind", "contrast", "method", "measure")
NUMBERS = ("mean", "low", "high", "deviation", "units", "slices")


def _report(folder, *rows):
    folder.mkdir()
    with (folder / "summary.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([(*NAMES, *NUMBERS), *rows])
    return folder


def test_the_page_says_what_the_card_says():
    card = read_card(find_model(None))
    page = model_page(card)
    assert card.version in page
    assert "Not for diagnosis" in page
    for text in (card.details["limits"], card.details["training"]["notes"]):
        assert text in page
    for entry in card.details["training"]["data"]:
        assert (
            f"| {entry['name']} | {entry['kind']} | {entry['split']} | {entry['licence']}" in page
        )


def test_measures_come_from_the_report_with_interval_and_spread(tmp_path):
    report = _report(
        tmp_path / "report",
        ["MRI", "all", "natural", "ncc2", 0.51, 0.4, 0.6, 0.07, 5, 40],
        ["MRI", "all", "natural", "flicker", 0.8, 0.7, 0.9, "nan", 5, 40],
        ["MRI", "all", "grey copy", "ncc2", 1, 1, 1, 0, 5, 40],
        ["MRI", "T1", "natural", "ssim_body", 0.3, 0.2, 0.4, 0.1, 5, 40],
    )
    picture = tmp_path / "brain.jpg"
    picture.touch()
    page = tmp_path / "docs" / "card.md"
    page.parent.mkdir()
    given = ["card", "--report", str(report), "--picture", str(picture), "--out", str(page)]
    assert main(given) == 0
    text = page.read_text()
    assert "over 5 units" in text
    assert "| natural | 0.510 [0.400, 0.600] ± 0.070 | 0.80 [0.70, 0.90] |" in text
    assert "| grey copy | 1.000 [1.000, 1.000] ± 0.000 | – |" in text
    assert "SSIM" not in text  # of one contrast alone
    assert "![brain](../brain.jpg)" in text


def test_a_card_that_says_little_still_has_its_page():
    card = read_card(find_model(None))
    page = model_page(dataclasses.replace(card, details={"training": {"data": [{"name": "x"}]}}))
    assert card.title in page
    assert "| x | not said |" in page
    assert "Not for diagnosis" in page


def test_what_is_not_there_is_named(tmp_path, capsys):
    page = ["--out", str(tmp_path / "card.md")]
    assert main(["card", "--report", str(tmp_path), *page]) == 2
    assert main(["card", "--picture", str(tmp_path / "none.png"), *page]) == 2
    assert main(["card", "no such model", *page]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert "summary.csv" in lines[0]
    assert "none.png" in lines[1]
    assert not (tmp_path / "card.md").exists()
