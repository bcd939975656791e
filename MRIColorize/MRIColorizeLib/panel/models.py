"""The panel's machine side: devices, models with their cards, the folder of models of one's own."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import ModelError, MRIColorizeError
from ..network.card import ModelCard, read_card
from ..network.model import cache_folder, cached_bytes, clear_cache, list_models
from ..options import DEVICES
from .settings import MachineSettings


class ModelPanel:
    """Chooses device and model into the machine's settings; imports torch only when asked."""

    def __init__(self, ui: Any, settings: MachineSettings, installer: Any) -> None:
        self.ui = ui
        self._settings = settings
        self._installer = installer
        self._models: list[tuple[str | None, ModelCard]] = []
        for name in DEVICES:
            self.ui.deviceComboBox.addItem(device_names()[name])
        self.ui.deviceComboBox.connect("currentIndexChanged(int)", self._onDevice)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self._onModel)
        self.ui.checkDevicesButton.connect("clicked()", self._onCheck)
        self.ui.addModelButton.connect("clicked()", self._onAdd)
        self.ui.openCacheButton.connect("clicked()", self._onOpenCache)
        self.ui.emptyCacheButton.connect("clicked()", self._onEmptyCache)
        self.update()

    def update(self) -> None:
        """Show what the settings say, which models there are and what is known of the devices.

        A chosen model that has gone is forgotten: the default is taken.
        """
        self.ui.deviceComboBox.currentIndex = DEVICES.index(self._settings.device)
        self._models = self._found()
        identities = [identity for identity, card in self._models]
        chosen = self._settings.model
        if chosen not in identities:
            chosen = self._settings.model = None
        blocked = self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.clear()
        for _identity, card in self._models:
            self.ui.modelComboBox.addItem(f"{card.title} ({card.version})")
        self.ui.modelComboBox.currentIndex = identities.index(chosen) if chosen in identities else 0
        self.ui.modelComboBox.blockSignals(blocked)
        self._showCard()
        self._showCache()
        self.showDevices()

    def showDevices(self) -> None:
        """Say what PyTorch finds, when it has been started already."""
        if "torch" not in sys.modules:
            self.ui.deviceInfoLabel.text = _("Graphics cards are looked for at the first run.")
            return
        from ..engine.devices import describe_devices

        self.ui.deviceInfoLabel.text = "\n".join(
            f"{found.label}: {_free(found.free_bytes)}" for found in describe_devices()
        )

    def _found(self) -> list[tuple[str | None, ModelCard]]:
        """(what the settings keep, card) of every model; the default first, as None."""
        found: list[tuple[str | None, ModelCard]] = []
        with contextlib.suppress(ModelError):  # a damaged installation is said in the card's place
            found += [(card.name if n else None, card) for n, card in enumerate(list_models())]
        own = self._settings.ownModel
        if own:
            # When its folder has gone it is not offered any more.
            with contextlib.suppress(ModelError):
                found.append((own, read_card(Path(own))))
        return found

    def _showCard(self) -> None:
        index = self.ui.modelComboBox.currentIndex
        if not 0 <= index < len(self._models):
            self.ui.cardLabel.text = _("No model is installed: install MRI Colorize again.")
            return
        card = self._models[index][1]
        self.ui.cardLabel.text = _(
            "{title}. Licence {licence}, {size:.1f} MB. {use} {limits}"
        ).format(
            title=card.title,  # the box may be too narrow for it
            licence=card.licence,
            size=card.weights_bytes / 1e6,
            use=card.details.get("intended_use", ""),
            limits=card.details.get("limits", ""),
        )

    def _showCache(self) -> None:
        size = cached_bytes()
        self.ui.cacheLabel.text = _("Yours ({size:.1f} MB):").format(size=size / 1e6)
        # A line that scrolls: the path as a label would widen Slicer's panel for good.
        self.ui.cacheFolderLineEdit.text = str(cache_folder())
        self.ui.cacheFolderLineEdit.setCursorPosition(0)
        self.ui.emptyCacheButton.enabled = size > 0

    def _onDevice(self, index: int) -> None:
        self._settings.device = DEVICES[index]

    def _onModel(self, index: int) -> None:
        if 0 <= index < len(self._models):
            self._settings.model = self._models[index][0]
        self._showCard()

    def _onCheck(self) -> None:
        try:
            self._installer.ensure()
        except MRIColorizeError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
            return

        self.showDevices()

    def _onAdd(self) -> None:
        folder = self.askFolder()
        if not folder:
            return
        try:
            read_card(Path(folder))
        except ModelError as error:
            slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
            return
        self._settings.ownModel = self._settings.model = folder
        self.update()

    def askFolder(self) -> str:
        """Ask for a model's folder; "" when the person declines."""
        return qt.QFileDialog.getExistingDirectory(None, _("Folder of a model"))

    def _onOpenCache(self) -> None:
        cache_folder().mkdir(parents=True, exist_ok=True)
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(cache_folder())))

    def _onEmptyCache(self) -> None:
        question = _("Delete all models in {folder}?").format(folder=cache_folder())
        if slicer.util.confirmOkCancelDisplay(question, windowTitle=_("MRI Colorize")):
            try:
                clear_cache()
            except ModelError as error:
                slicer.util.errorDisplay(str(error), windowTitle=_("MRI Colorize"))
            self.update()


def device_names() -> dict[str, str]:
    """What a person reads for each device."""
    return {
        "auto": _("Automatic"),
        "cuda": _("NVIDIA graphics card (CUDA)"),
        "mps": _("Apple graphics (MPS)"),
        "cpu": _("Processor (CPU)"),
    }


def _free(free_bytes: int | None) -> str:
    if free_bytes is None:
        return _("free memory unknown")
    return _("{free:.1f} GB free").format(free=free_bytes / 1e9)
