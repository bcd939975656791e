"""How much main memory is free, so that what cannot fit is refused before it is tried."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .errors import InputError

# Where a container's limit and use stand, in cgroups of version 2.
CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Free main memory in bytes where the system tells it without another package, else None."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    known = [int(kilobytes[0]) * 1024] if kilobytes else []
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        limit, used = (int((CGROUP / f"memory.{x}").read_text()) for x in ("max", "current"))
        known.append(limit - used + _file_cache())
    return min(known, default=None)


def _file_cache() -> int:
    """Bytes that count as used and that the system gives up as soon as they are needed."""
    with suppress(OSError, ValueError):
        for line in (CGROUP / "memory.stat").read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "inactive_file":
                return int(number)
    return 0


def check_fits(needed: int, what: str) -> None:
    """Raise InputError when so many bytes are more than what is free. Linux alone tells.

    Without this the system ends the process, as memory is given out before it is there.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{what} needs {needed / 1e9:.1f} GB of memory, and {max(free, 0) / 1e9:.1f} GB are "
            "free; crop or resample it."
        )
