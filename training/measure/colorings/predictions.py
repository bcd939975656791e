"""Other systems' pictures: the slices they are to colour written, their colours read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from MRIColorizeLib.errors import InputError


@dataclass(frozen=True)
class Predictions:
    """One system's pictures: `folder`/CASE/NNNN.png, RGB, of the measured slices' own size."""

    name: str
    folder: Path

    def read(self, case: str, index: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Pictures (S, H, W, 3) uint8 of the slices `index`, made black outside the body.

        mask: (S, H, W). Raises InputError when a picture is missing or of another size.
        """
        pictures = [self._read_one(case, int(k), mask.shape[1:]) for k in index]
        return np.stack(pictures) * mask[..., None]

    def _read_one(self, case: str, k: int, size: tuple[int, ...]) -> np.ndarray:
        path = slice_path(self.folder, case, k)
        try:
            with Image.open(path) as image:
                picture = np.asarray(image.convert("RGB"))
        except OSError as error:
            raise InputError(
                f"{self.name} has no readable picture {path}; colour the slices that "
                "--inputs writes and keep their names."
            ) from error
        if picture.shape[:2] != size:
            raise InputError(
                f"{path} is {picture.shape[1]}x{picture.shape[0]}, the slice is "
                f"{size[1]}x{size[0]}; resize it to the slice."
            )
        return picture


def find_systems(folder: Path) -> list[str]:
    """The systems whose pictures lie in `folder`, a folder each. Raises InputError for none."""
    inside = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    if not inside:
        raise InputError(f"{folder} has no predictions; expected {folder}/SYSTEM/CASE/NNNN.png.")
    return inside


def slice_path(folder: Path, case: str, k: int) -> Path:
    """Where the picture of one slice lies."""
    return folder / case / f"{k:04d}.png"


def write_inputs(folder: Path, case: str, index: np.ndarray, mri: np.ndarray) -> None:
    """Write the slices (S, H, W) in [0, 1] as grey PNG, for another system to colour."""
    for k, image in zip(index, mri, strict=True):
        path = slice_path(folder, case, int(k))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(path)
