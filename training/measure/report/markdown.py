"""The parts of a page (headings, tables, terms, pictures) and the cells of tables, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

MISSING = "–"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """A table with its caption, without columns that hold nothing but dashes; "" without rows."""
    rows = list(rows)
    if not rows:
        return ""
    kept = [i for i in range(len(header)) if any(row[i] != MISSING for row in rows)]
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(line[i] for i in kept) + " |" for line in lines)
    return f"{text}\n\n*{caption}*"


def terms(items: Iterable[tuple[str, str]]) -> str:
    """A list of terms with what they mean."""
    return "\n".join(f"- **{term}**: {meaning}" for term, meaning in items)


def section(title: str, *parts: str) -> list[str]:
    """A heading and what stands under it; nothing where there is nothing."""
    found = [part for part in parts if part]
    return [f"## {title}", *found] if found else []


def page(parts: Iterable[str]) -> str:
    """All parts as one text."""
    return "\n\n".join(part for part in parts if part) + "\n"


def told(mean: float, low: float, high: float, digits: int, sign: str = "") -> str:
    """A mean and its interval, the mean alone where its ends are the same, a dash for NaN."""
    if math.isnan(mean):
        return MISSING
    cells = [f"{value:{sign}.{digits}f}" for value in (mean, low, high)]
    return cells[0] if len(set(cells)) == 1 else f"{cells[0]} [{cells[1]}, {cells[2]}]"


def told_p(p: float | None) -> str:
    """A p-value; None below the least number of units."""
    if p is None or math.isnan(p):
        return MISSING
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"
