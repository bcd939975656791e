"""How much main memory is free, so that what cannot fit is refused before it is tried."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .errors import InputError

# Where a container's limit and use stand, in cgroups of version 2.
LIMIT, USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def free_memory() -> int | None:
    """Free main memory in bytes where the system tells it without another package, else None."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    known = [int(kilobytes[0]) * 1024] if kilobytes else []
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        known.append(int(LIMIT.read_text()) - int(USED.read_text()))
    return min(known, default=None)


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
