"""A TOML table that says which tissue every class number of foreign label pictures is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.errors import TrainingError

CLASSES_NAME = "classes.toml"
FORM = Path(__file__).with_name("vkh_classes.toml")
HIGHEST = 65535  # class numbers are those of 8 or 16 bit pictures
_UNLISTED = 255  # in the look-up table; no tissue has this code


class ClassTableError(TrainingError):
    """A table of class numbers is wrong, or does not fit the label pictures."""


class ClassTable:
    """Turns class numbers into tissue codes."""

    def __init__(self, path: Path) -> None:
        """Read a table in the form of vkh_classes.toml. Raises ClassTableError."""
        self.path = path
        try:
            listed = tomllib.loads(path.read_text(encoding="utf-8"))["tissues"]
            tissues = {Tissue[name.upper()]: list(numbers) for name, numbers in listed.items()}
        except FileNotFoundError as error:
            raise ClassTableError(
                f"{path} is missing: it says which tissue each class number is; fill in {FORM}."
            ) from error
        except KeyError as error:
            raise ClassTableError(
                f"{path} has {error} in place of a tissue or of [tissues]; compare it with {FORM}."
            ) from error
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise ClassTableError(f"{path} is no table of classes: {error}") from error
        self._codes = np.full(HIGHEST + 1, _UNLISTED, np.uint8)
        for tissue, numbers in tissues.items():
            for number in numbers:
                self._add(number, tissue)

    def _add(self, number: object, tissue: Tissue) -> None:
        if not isinstance(number, int) or not 0 <= number <= HIGHEST:
            raise ClassTableError(
                f"{self.path}: {number!r} is no class number; they go from 0 to {HIGHEST}."
            )
        if self._codes[number] != _UNLISTED:
            raise ClassTableError(f"{self.path} lists class {number} twice.")
        self._codes[number] = tissue

    def tissues(self, numbers: np.ndarray, name: str) -> np.ndarray:
        """Tissue codes (uint8) of class numbers, same shape; `name` is the picture's, for errors.

        Raises ClassTableError when a number is not in the table.
        """
        codes = self._codes[numbers]
        if (codes == _UNLISTED).any():
            unknown = np.unique(numbers[codes == _UNLISTED])
            shown = ", ".join(str(number) for number in unknown[:5])
            rest = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise ClassTableError(
                f"{name} holds class {shown}{rest}, which {self.path} gives no tissue; add it."
            )
        return codes
