"""What became of a trial, and whether that is how the product promises to end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cli.made import Answer


class BrokenPromise(Exception):
    """A trial ended in a way that the product rules out; the message says how."""


@dataclass(frozen=True)
class Outcome:
    """A trial that kept every promise: `kind` of trial, and the sentence when it was refused."""

    kind: str
    refusal: str | None


def require(holds: object, promise: str) -> None:
    """Raise BrokenPromise, named by the promise, unless it holds."""
    if not holds:
        raise BrokenPromise(promise)


def sentence_of(text: str) -> str:
    """A refusal, checked to be one sentence in one line."""
    require(text.endswith(".") and "\n" not in text, f"not a sentence: {text!r}")
    require(15 < len(text) < 1000, f"no length for a sentence: {text[:200]!r}")
    return text


def refusal_of(answer: Answer) -> str | None:
    """The sentence of a command that refused; None when it did its work."""
    lines = [line for line in answer.err.splitlines() if not line.startswith("Warning: ")]
    if answer.code == 0:
        require(not lines, f"success with {answer.err!r}")
        return None
    require(answer.code == 2, f"exit code {answer.code}: {answer.err!r}")
    require(len(lines) == 1, f"not one line: {answer.err!r}")
    require(lines[0].startswith("mri-colorize: "), f"not ours: {answer.err!r}")
    return sentence_of(lines[0].removeprefix("mri-colorize: "))


def reason(refusal: str, *folders: Path) -> str:
    """A refusal without what differs from trial to trial: the class that it is counted in."""
    for folder in folders:
        refusal = re.sub(rf"\S*{re.escape(str(folder))}\S*", "FILE", refusal)
    refusal = re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", refusal)
    return re.sub(r"-?\d[\d.x,e+-]*", "N", refusal)
