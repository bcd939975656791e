"""The parts of a report (headings, text, tables, pictures), written as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Terms:
    """A list of terms with what they mean."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table with its caption; every row is as long as the header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str


@dataclass(frozen=True)
class Picture:
    """A picture file beside the report."""

    name: str
    caption: str


Block = Heading | Text | Terms | Table | Picture


def as_markdown(blocks: Sequence[Block]) -> str:
    """The report as GitHub's Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Text(text):
            return text
        case Terms(items):
            return "\n".join(f"- **{term}**: {meaning}" for term, meaning in items)
        case Table(header, rows, caption):
            lines = [header, ["---"] * len(header), *rows]
            table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
            return f"{table}\n\n*{caption}*"
        case Picture(name, caption):
            return f"![{caption}]({name})"
