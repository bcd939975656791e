"""`slicer.packaging` that notes what a module wants installed and never installs anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement


@dataclass(frozen=True)
class Request:
    """One call for packages: which, by whom, and through which function."""

    requirements: tuple[str, ...]
    requester: str | None
    function: str


#: Every call since the host started.
REQUESTS: list[Request] = []


def load_requirements(path: str | Path) -> list[Requirement]:
    """Read a requirements file; comments and pip options are left out."""
    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def _parsed(requirements: Any) -> list[Requirement]:
    if isinstance(requirements, str):
        requirements = requirements.split()
    if isinstance(requirements, Requirement):
        requirements = [requirements]
    return [r if isinstance(r, Requirement) else Requirement(r) for r in requirements]


def _note(requirements: Iterable[Requirement], requester: str | None, function: str) -> None:
    REQUESTS.append(Request(tuple(map(str, requirements)), requester, function))


def pip_ensure(requirements: Any, *, requester: str | None = None, **_options: Any) -> None:
    """Note the request; like Slicer in testing mode, install nothing and return None."""
    _note(_parsed(requirements), requester, "pip_ensure")


def pip_install(requirements: Any, *, requester: str | None = None, **_options: Any) -> None:
    """Note the request; install nothing."""
    _note(_parsed(requirements), requester, "pip_install")


def pip_uninstall(requirements: Any, **_options: Any) -> None:
    """Note the request; remove nothing."""
    _note(_parsed(requirements), None, "pip_uninstall")
