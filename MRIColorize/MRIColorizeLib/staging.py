"""Outputs whole or not at all: written into a hidden folder beside their place, then renamed."""

from __future__ import annotations

import errno
import os
import platform
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .errors import OutputError

try:
    import fcntl
except ImportError:  # Windows; what a killed process left is not told from a running one's there
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".mri-colorize-", ".part"
# What a new file replaces, until the whole set is in place.
KEPT = ".kept"
# Held by the process that fills a folder: the system lets go of it when that process dies.
LOCK = ".lock"


@contextmanager
def staged(folder: Path, last: str | None = None) -> Iterator[Path]:
    """Yield a hidden folder in `folder`; at the end the files in it move up, all or none.

    last: the file that is renamed after all others: where it is, the whole set is. On an error, or
    when the process is interrupted, everything stays as it was and the hidden folder goes; after a
    kill the next call for the same folder clears it away. Raises OutputError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        stage, lock = _make(folder)
    except OSError as error:
        raise _not_written(folder, error) from error
    try:
        yield stage
        _publish(stage, last)
    finally:
        if fcntl is None:  # Windows removes no file that is open
            os.close(lock)
            _remove(stage)
        else:
            _remove(stage)
            os.close(lock)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield where to write the file that shall be `path`: it is there at the end, or not at all.

    In a folder of `staged` that is `path` itself, and it moves up with the others.
    Raises OutputError.
    """
    if _is_stage(path.parent):
        with _naming(_final(path)):
            yield path
        return
    with staged(path.parent) as stage, atomic(stage / path.name) as inside:
        yield inside


def check_writable(*paths: Path) -> None:
    """Raise OutputError now rather than after the work when one of these could not be written."""
    for path in paths:
        with _naming(path):
            folder = path.absolute().parent
            while not folder.exists() and folder != folder.parent:
                folder = folder.parent
            with suppress(FileNotFoundError):
                (folder / path.name).lstat()  # refuses a name that is too long
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            with tempfile.TemporaryFile(dir=folder):
                pass


def _is_stage(folder: Path) -> bool:
    return folder.name.startswith(PREFIX) and folder.name.endswith(SUFFIX)


def _final(path: Path) -> Path:
    """Where a file of a hidden folder will be."""
    return path.parent.parent / path.name


def _prefix() -> str:
    """Hidden folders of this computer: another's locks do not show on every file system."""
    return f"{PREFIX}{zlib.crc32(platform.node().encode()):08x}-"


def _make(folder: Path) -> tuple[Path, int]:
    """A new hidden folder and its lock's descriptor."""
    while True:
        stage = Path(tempfile.mkdtemp(prefix=_prefix(), suffix=SUFFIX, dir=folder))
        try:
            lock = os.open(stage / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            continue  # another process has just taken it for what a dead one left
        if _try_lock(lock) is not False and (stage / LOCK).exists():
            return stage, lock
        os.close(lock)


def _try_lock(descriptor: int) -> bool | None:
    """Take a lock: True; False when another process holds it; None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _clear(folder: Path) -> None:
    """Remove the hidden folders of processes that died; what cannot be removed stays."""
    if fcntl is None:
        return
    for stage in folder.glob(f"{_prefix()}*{SUFFIX}"):
        if stage.is_symlink():
            continue
        try:
            lock = os.open(stage / LOCK, os.O_RDWR)
        except OSError:
            with suppress(OSError):
                stage.rmdir()  # died before it had a lock: then it is empty
            continue
        try:
            if _try_lock(lock):
                _remove(stage)
        finally:
            os.close(lock)


def _remove(stage: Path) -> None:
    """Remove a hidden folder, its lock last: what is interrupted can be taken up again."""
    with suppress(OSError):
        for path in sorted(stage.iterdir(), key=lambda path: path.name == LOCK):
            path.unlink()
        stage.rmdir()


def _publish(stage: Path, last: str | None) -> None:
    """Bring the files to the disk, then into their places."""
    files = sorted(
        (path for path in stage.iterdir() if path.name != LOCK),
        key=lambda path: (path.name == last, path.name),
    )
    for path in files:
        with _naming(_final(path)):
            _sync(path)
    _swap(files, stage.parent)


def _swap(files: Sequence[Path], folder: Path) -> None:
    """Rename files into a folder, all or none, in this order; what they replace goes before.

    So the last of them never stands beside others than its own, and when one cannot be renamed
    what was there comes back. A file alone takes its place in one step.
    """
    pairs = [(path, folder / path.name) for path in files]
    with ExitStack() as on_failure:
        for number, (path, place) in enumerate(reversed(pairs)):
            with _naming(place):
                if place.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                if len(pairs) > 1:
                    kept = path.with_name(f"{KEPT}{number}")
                    on_failure.callback(_put_back, kept, place)
                    with suppress(FileNotFoundError):  # nothing was there
                        place.replace(kept)
        for path, place in pairs:
            with _naming(place):
                on_failure.callback(_take_back, path, place)
                path.replace(place)
        on_failure.pop_all()


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Say of an OSError which output cannot be written."""
    try:
        yield
    except OSError as error:
        raise _not_written(place, error) from error


def _put_back(kept: Path, place: Path) -> None:
    with suppress(FileNotFoundError):
        kept.replace(place)


def _take_back(path: Path, place: Path) -> None:
    """Remove a file that was renamed, unless that is what failed."""
    if not path.exists():
        place.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file is on the disk: a power cut must not leave a name without its content."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {_reason(error)}.")


def _reason(error: OSError) -> str:
    reasons = {
        errno.ENOSPC: "the disk is full; free some space or choose another place with -o",
        errno.EDQUOT: "the disk quota is used up; free some space or choose another place with -o",
        errno.EFBIG: "the file is larger than the system allows; choose another place with -o",
        errno.EACCES: "no permission; choose another place with -o",
        errno.EPERM: "no permission; choose another place with -o",
        errno.EROFS: "the disk is read-only; choose another place with -o",
        errno.ENOTDIR: "a part of its path is a file, not a folder; choose another place with -o",
        errno.EEXIST: "a part of its path is a file, not a folder; choose another place with -o",
        errno.EISDIR: "a folder has that name; choose another name with -o",
        errno.ENAMETOOLONG: "its name is too long; choose a shorter one with -o",
    }
    return reasons.get(error.errno or 0, f"{error.strerror or error}; choose another place with -o")
