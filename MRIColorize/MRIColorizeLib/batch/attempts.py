"""The attempts at a volume, each a folder of its own: begun, whole, counted, cleared away.

They lie on the disk that all workers see, so that an attempt counts whose worker died, and so that
what it left can never be taken for a result.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Cancelled, OutputError

# Below the output folder; hidden, so that it is never taken for input.
STATE = ".mri-colorize"
WHOLE = ".whole"


def unique_name() -> str:
    """A name for a run or an attempt that tells host and process."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


@contextmanager
def opened_run(out: Path, run: str) -> Iterator[Path]:
    """The folder of a run's attempts while it lasts; an output folder left empty goes with it."""
    is_new = not out.exists()
    folder = open_run(out, run)
    try:
        yield folder
    finally:
        close_run(folder)
        if is_new:
            with suppress(OSError):  # not empty: there are results
                out.rmdir()


def open_run(out: Path, run: str) -> Path:
    """Make the folder of a run's attempts; raises OutputError when nothing can be written there."""
    folder = run_folder(out, run)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written ({error.strerror}); choose another OUT_DIR."
        ) from error
    for other in folder.parent.iterdir():
        if _is_abandoned(other.name):
            shutil.rmtree(other, ignore_errors=True)
    return folder


def close_run(folder: Path) -> None:
    """Remove a run's attempts, which also ends those that still go on, and the notes if empty."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)  # what a worker wrote meanwhile
    with suppress(OSError):  # not empty: there are results, or other runs
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


def run_folder(out: Path, run: str) -> Path:
    """Where a run keeps its attempts; when it is gone the run is over."""
    return out.absolute() / STATE / "runs" / run


def begin(attempts: Path) -> Path:
    """The folder of a new attempt. Raises Cancelled when the run is over, or OutputError."""
    staging = attempts / unique_name()
    try:
        attempts.mkdir(exist_ok=True)
        staging.mkdir()
    except FileNotFoundError as error:
        raise Cancelled from error
    except OSError as error:
        raise OutputError(f"{attempts} cannot be written ({error.strerror}).") from error
    return staging


def finish(staging: Path) -> None:
    """Say that an attempt made its whole result."""
    with suppress(FileNotFoundError):  # the run is over
        staging.rename(staging.with_name(staging.name + WHOLE))


def give_up(staging: Path) -> None:
    """Free what an attempt that failed has written; that it was begun still counts."""
    with suppress(FileNotFoundError):
        for path in staging.iterdir():
            path.unlink(missing_ok=True)


def count(attempts: Path) -> int:
    """How often a volume was begun in this run."""
    return len(_names(attempts))


def count_whole(attempts: Path) -> int:
    """How often its result was made whole."""
    return sum(name.endswith(WHOLE) for name in _names(attempts))


def _names(attempts: Path) -> list[str]:
    try:
        return os.listdir(attempts)
    except OSError:
        return []


def _is_abandoned(run: str) -> bool:
    """Whether a run of this host is over without having cleared up, as after kill -9."""
    import psutil  # comes with Dask

    host, _, process = run.rpartition("-")[0].rpartition("-")
    here = host == socket.gethostname() and process.isdigit()
    return here and not psutil.pid_exists(int(process))
