"""One file over HTTP: resumed where it stopped, kept under a temporary name until it is whole."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from training.data.sources import SourceError

ATTEMPTS = 4
TIMEOUT_S = 30.0
BLOCK = 1 << 16
BUSY = (429, 500, 502, 503, 504)  # answers after which another attempt may succeed
RANGE_REFUSED = 416


class UnreachableError(SourceError):
    """The server cannot be reached at all, so that the other files need not be tried."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(address: str, path: Path, sha256: str | None = None, pause_s: float = 1.0) -> None:
    """Bring the file at `address` to `path`; what an earlier try left in `path`.part is kept.

    sha256: what the file must have; None when the caller checks. pause_s: seconds before the
    second attempt, doubled before each further one. Raises SourceError; then `path` is untouched,
    and the part stays unless its content is wrong.
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            if _transfer(address, part):
                break
        except urllib.error.HTTPError as error:
            if error.code == RANGE_REFUSED:
                part.unlink(missing_ok=True)
            elif error.code not in BUSY:
                raise SourceError(f"{address} answers {error.code} ({error.reason}).") from error
        except urllib.error.URLError as error:
            raise UnreachableError(
                f"{address} cannot be reached ({error.reason}); go online, or give a folder that "
                "holds the file with --from."
            ) from error
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            continue  # what came is in the part; the next attempt goes on from there
    else:
        raise SourceError(
            f"{address} stopped short {ATTEMPTS} times; run the same command again to go on."
        )
    if sha256 is not None and sha256_of(part) != sha256:
        part.unlink()
        raise SourceError(
            f"What {address} sent has another SHA-256 than listed and was thrown away; run the "
            "same command again, or give the file with --from."
        )
    part.replace(path)


def _transfer(address: str, part: Path) -> bool:
    """Append to the part what it lacks; whether the file is whole now."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # the server sends the file from its beginning
        length = answer.headers.get("Content-Length")
        came = 0
        with part.open("ab" if start else "wb") as stream:
            while block := answer.read(BLOCK):
                stream.write(block)
                came += len(block)
    return length is None or came == int(length)
