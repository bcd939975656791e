"""The parts of a report (headings, text, tables, pictures), written as Markdown or as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1500px; padding: 0 1em;
  color: #1c1c1e; background: #fff }
table { border-collapse: collapse; font-size: 13px; margin: 0.5em 0 }
th, td { padding: 3px 9px; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid #888 }
tr:hover td { background: #f3f3f0 }
.table { overflow-x: auto }
.caption { color: #666; font-size: 12px }
img { max-width: 100% }
code { overflow-wrap: anywhere }"""


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


def as_html(blocks: Sequence[Block], title: str) -> str:
    """The report as one page; pictures lie beside it."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}'
        f"</title>\n<style>\n{STYLE}\n</style>\n<body>\n{body}\n</body>\n</html>\n"
    )


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


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text):
            return f"<p>{escape(text)}</p>"
        case Terms(items):
            listed = (f"<li><b>{escape(term)}</b>: {escape(text)}</li>" for term, text in items)
            return "<ul>\n" + "\n".join(listed) + "\n</ul>"
        case Table(header, rows, caption):
            head = _cells("th", header)
            lines = "\n".join(_cells("td", row) for row in rows)
            return (
                f'<div class="table"><table>\n<thead>{head}</thead>\n<tbody>\n{lines}\n</tbody>\n'
                f'</table></div>\n<p class="caption">{escape(caption)}</p>'
            )
        case Picture(name, caption):
            text = escape(caption)
            return (
                f'<figure><img src="{escape(name)}" alt="{text}" loading="lazy">'
                f'<figcaption class="caption">{text}</figcaption></figure>'
            )


def _cells(kind: str, row: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in row) + "</tr>"
