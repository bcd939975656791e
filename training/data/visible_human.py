"""The full Visible Human from the NCI Imaging Data Commons: downloaded, and checked to the byte."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from training.data.download import sha256_of
from training.errors import TrainingError

COLLECTION = "nlm_visible_human_project"
BODIES = {"male": "VHP-M", "female": "VHP-F"}
# The photographs as the digital camera took them; the film was scanned later, at twice the size.
CAMERAS = {"digital": "Fullcolor - direct digital", "film": "70mm film - digitized"}
CHECKSUMS = "checksums.toml"
ATTEMPTS = 3


class VisibleHumanError(TrainingError):
    """The Visible Human cannot be had, or what came is damaged."""


class IndexClient(Protocol):
    """What is used of idc_index.IDCClient."""

    def sql_query(self, sql_query: str) -> Any:
        """A pandas data frame."""

    def download_from_selection(self, downloadDir: str, **selection: Any) -> None:
        """Files of a series into a folder; with use_s5cmd_sync those that are missing there."""


@dataclass(frozen=True)
class Series:
    """One series of the collection: its DICOM identifier, its number of files, their bytes."""

    uid: str
    files: int
    bytes: int


def open_index() -> IndexClient:
    """The index of the Imaging Data Commons. Raises VisibleHumanError without idc-index."""
    try:
        from idc_index import IDCClient  # type: ignore[import-not-found]
    except ImportError as error:
        raise VisibleHumanError(
            "The Visible Human is downloaded by idc-index, which is missing: "
            "run `pip install idc-index`."
        ) from error
    client: IndexClient = IDCClient()
    return client


def find_series(client: IndexClient, body: str, camera: str = "digital") -> Series:
    """The series of photographs of a body (BODIES) by a camera (CAMERAS).

    Raises VisibleHumanError when the index has none or several.
    """
    table = client.sql_query(
        "SELECT SeriesInstanceUID, instanceCount, series_size_MB FROM index "
        f"WHERE collection_id = '{COLLECTION}' AND Modality = 'XC' "
        f"AND PatientID = '{BODIES[body]}' AND SeriesDescription = '{CAMERAS[camera]}'"
    )
    rows: Sequence[Mapping[str, Any]] = table.to_dict(orient="records")
    if len(rows) != 1:
        raise VisibleHumanError(
            f"The index has {len(rows)} series '{CAMERAS[camera]}' of {BODIES[body]} where one is "
            "expected; try another version of idc-index."
        )
    row = rows[0]
    size = round(float(row["series_size_MB"]) * 1e6)  # the index gives bytes as millions
    return Series(str(row["SeriesInstanceUID"]), int(row["instanceCount"]), size)


def download_series(
    client: IndexClient, series: Series, folder: Path, report: Callable[[str], None] = print
) -> list[Path]:
    """Bring a whole series into `folder`; what is there and right is kept. Returns its files.

    Files that were whole before are known by their SHA-256 in `folder`/checksums.toml, new ones by
    number, bytes and readability; a damaged one is removed and brought again. Raises
    VisibleHumanError when the series is not whole after some attempts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_damaged(folder, report)
    for _ in range(ATTEMPTS):
        files = sorted(folder.glob("*.dcm"))
        if len(files) > series.files:
            raise VisibleHumanError(
                f"{folder} holds {len(files)} files, the series has {series.files}; move the "
                "others elsewhere."
            )
        if _is_whole(files, series):
            break
        report(f"{len(files)} of {series.files} slices are in {folder}; the others are on the way.")
        client.download_from_selection(
            downloadDir=str(folder),
            seriesInstanceUID=[series.uid],
            dirTemplate=None,
            use_s5cmd_sync=True,
            quiet=True,
        )
    files = sorted(folder.glob("*.dcm"))
    if not _is_whole(files, series):
        raise VisibleHumanError(
            f"{folder} holds {len(files)} files of {_bytes(files)} bytes, the series has "
            f"{series.files} of {series.bytes}; run the same command again to go on."
        )
    _check_headers(files, series)
    _write_checksums(folder, files)
    return files


def _is_whole(files: Sequence[Path], series: Series) -> bool:
    return len(files) == series.files and _bytes(files) == series.bytes


def _bytes(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _remove_damaged(folder: Path, report: Callable[[str], None]) -> None:
    """Remove the files that have changed since their checksum was taken."""
    try:
        known = tomllib.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise VisibleHumanError(f"{folder / CHECKSUMS} cannot be read; remove it.") from error
    for name, sha256 in known.items():
        path = folder / name
        if path.is_file() and sha256_of(path) != sha256:
            report(f"{path} is damaged and is brought again.")
            path.unlink()


def _check_headers(files: Sequence[Path], series: Series) -> None:
    """Every file is another image of the series."""
    import pydicom

    seen: set[str] = set()
    for path in files:
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            uid, image = str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
        except (pydicom.errors.InvalidDicomError, AttributeError, EOFError) as error:
            raise VisibleHumanError(f"{path} is no DICOM image; remove it.") from error
        if uid != series.uid or image in seen:
            raise VisibleHumanError(f"{path} does not belong to the series; remove it.")
        seen.add(image)


def _write_checksums(folder: Path, files: Sequence[Path]) -> None:
    lines = [f'"{path.name}" = "{sha256_of(path)}"' for path in files]
    temporary = folder / f".{CHECKSUMS}.part"
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    temporary.replace(folder / CHECKSUMS)
