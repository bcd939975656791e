"""What a benchmark found: a table for people, the same numbers as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Part:
    """One part of the benchmark. rows: one number or text for each column; summary: what counts."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    summary: Mapping[str, float | str] = field(default_factory=dict)

    def markdown(self) -> str:
        """The title, the table and the summary."""
        lines = [f"### {self.title}", ""]
        for row in (self.columns, ["---"] * len(self.columns), *self.rows):
            lines.append("| " + " | ".join(_text(value) for value in row) + " |")
        lines.append("")
        lines.extend(f"- {key}: {_text(value)}" for key, value in self.summary.items())
        return "\n".join(lines)

    def numbers(self) -> dict[str, object]:
        """For JSON: each row as a mapping."""
        found = asdict(self)
        found["rows"] = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return found


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:.2e}" if abs(value) < 0.01 else f"{value:.0f}"
