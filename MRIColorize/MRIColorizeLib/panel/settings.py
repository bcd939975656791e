"""What belongs to this machine and not to the scene: device and model, kept by the application."""

from __future__ import annotations

import slicer

from ..options import DEVICES

GROUP = "MRIColorize/"


class MachineSettings:
    """Device, model and the folder of a model of one's own, in Slicer's settings."""

    @property
    def device(self) -> str:
        """One of DEVICES; "auto" until a person chooses."""
        device = self._read("Device")
        return device if device in DEVICES else "auto"

    @device.setter
    def device(self, device: str) -> None:
        self._write("Device", device)

    @property
    def model(self) -> str | None:
        """Name or folder of the chosen model, None for the default."""
        return self._read("Model") or None

    @model.setter
    def model(self, model: str | None) -> None:
        self._write("Model", model or "")

    @property
    def ownModel(self) -> str:
        """Folder of the model that a person added, "" when there is none."""
        return self._read("OwnModel")

    @ownModel.setter
    def ownModel(self, folder: str) -> None:
        self._write("OwnModel", folder)

    def reset(self) -> None:
        """Back to the default device and model; an added folder stays in the list."""
        self.device, self.model = "auto", None

    def _read(self, key: str) -> str:
        return str(slicer.app.userSettings().value(GROUP + key) or "")

    def _write(self, key: str, value: str) -> None:
        slicer.app.userSettings().setValue(GROUP + key, value)
