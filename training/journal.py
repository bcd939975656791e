"""What a run tells: lines with the time left, CSV files, pictures, and TensorBoard if wished."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.errors import ConfigError

LOG = "log.csv"
VALIDATION = "validation.csv"
PICTURES = "pictures"


class Journal:
    """Writes into a run's folder; goes on where an earlier start of the run ended."""

    def __init__(self, folder: Path, tensorboard: bool) -> None:
        self.folder = folder
        self._board = _open_board(folder / "tensorboard") if tensorboard else None

    def losses(self, step: int, steps: int, seconds: float, left: float, means: Any) -> None:
        """Mean losses since the last report. seconds: of the whole run; left: to its end."""
        append_row(self.folder / LOG, {"step": step, "seconds": seconds, **means})
        text = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(f"step {step}/{steps}  {duration(left)} left  {text}", flush=True)
        self._scalars("loss", step, means)

    def scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Scores on the validation part."""
        append_row(self.folder / VALIDATION, {"step": step, **scores})
        self._scalars("validation", step, scores)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """A grid of pictures, uint8 (H, W, 3)."""
        path = self.folder / PICTURES / f"{name}_{step:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
        if self._board is not None:
            self._board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        """Write out what TensorBoard still holds back."""
        if self._board is not None:
            self._board.flush()

    def _scalars(self, group: str, step: int, values: Mapping[str, float]) -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)


def append_row(path: Path, row: Mapping[str, float]) -> None:
    """Add a row to a CSV file under the columns that it has; a new file gets the row's."""
    columns = list(row)
    new = not path.exists()
    if not new:
        with path.open(newline="") as stream:
            columns = next(csv.reader(stream), columns)
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def duration(seconds: float) -> str:
    """`42 s`, `7 min` or `3 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            "tensorboard=true needs a package that is missing: `pip install tensorboard`, or "
            "leave it out; the run's CSV files and pictures say the same."
        ) from error
    return SummaryWriter(str(folder))
