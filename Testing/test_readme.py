"""The documents tell the truth: links, pictures, files, options and arrows exist as they say."""

import re
from pathlib import Path

import pytest

from MRIColorizeLib.cli import main
from test_arrows import BELOW

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "training", "Testing")
DOCUMENTS = (
    *sorted(ROOT.glob("*.md")),
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md")),
)
README, DEVELOPMENT = ROOT / "README.md", ROOT / "docs" / "development.md"


def prose(path):
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(path):
    """What links to headings of a document are called."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(path):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)", prose(path)):
        there = (path.parent / target) if target else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def test_the_readme_is_read_in_two_minutes_and_warns_first():
    text = README.read_text(encoding="utf-8")
    assert len(text.encode()) <= 9 * 1024
    assert "Not for diagnosis" in text[:1000]


def helped(capsys, *words):
    """Options that the help names."""
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def named(*documents):
    """Options that documents of the command name."""
    text = "".join(prose(ROOT / document) for document in documents)
    return set(re.findall(r"`(--[a-z-]+)", text))


def test_every_option_that_a_document_names_is_one(capsys):
    known = helped(capsys) | helped(capsys, "batch")
    assert named("README.md", "docs/command-line.md", "docs/archives.md") <= known


def test_every_option_of_the_command_is_documented(capsys):
    assert helped(capsys) <= named("docs/command-line.md")
    assert helped(capsys, "batch") <= named("docs/command-line.md", "docs/archives.md")


def test_files_that_the_development_page_names_exist():
    places = [ROOT / "MRIColorize" / "MRIColorizeLib", ROOT / "MRIColorize", ROOT]
    names = re.findall(r"`([\w/.*]+\.(?:py|toml|txt|ui|ctbl))`", prose(DEVELOPMENT))
    assert names
    for name in names:
        assert any(list(place.glob(name)) for place in (*places, places[1] / "Resources/UI")), name


def test_the_arrows_of_the_drawing_are_those_of_the_code():
    (drawing,) = re.findall(r"```mermaid\n(.*?)```", DEVELOPMENT.read_text(encoding="utf-8"), re.S)
    drawn = {name: set() for name in BELOW}
    for above, below in re.findall(r"(\w+) --> (\w+)", drawing):
        drawn.setdefault(above, set()).add(below)

    def reached(name):
        return drawn[name].union(*map(reached, drawn[name]))

    for name, allowed in BELOW.items():
        assert reached(name) == allowed, name
