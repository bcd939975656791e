"""`slicer.i18n`: `tr` and `translate` that note what was asked for and return it unchanged."""

from __future__ import annotations

#: (context, text) of every text that a module offered for translation.
ASKED: list[tuple[str, str]] = []


def translate(context: str, text: str) -> str:
    """Return `text`; the host has no translations."""
    ASKED.append((context, text))
    return text


def tr(text: str) -> str:
    """Return `text`; Slicer would look up the calling file's context."""
    return translate("", text)
