"""Gets what colouring needs into Slicer's Python, after asking: PyTorch and safetensors."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import re
import sys
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import DependencyError


class DependencyInstaller:
    """Gets PyTorch through its own extension and safetensors through pip, after asking once."""

    # The oldest versions that will do; PyTorch before 2.7 cannot shrink pictures on Apple graphics.
    OLDEST = {"torch": (2, 7), "safetensors": (0, 4)}
    PACKAGES = tuple(OLDEST)

    def __init__(self) -> None:
        self._isInstalling = False

    def missing(self) -> list[str]:
        """Names of the packages that are not installed or too old; imports none of them."""
        importlib.invalidate_caches()
        return [name for name, oldest in self.OLDEST.items() if _version(name) < oldest]

    def ensure(self) -> None:
        """Return when all is there; ask and install what is missing. Raises DependencyError."""
        # While pip works Slicer goes on handling clicks.
        if self._isInstalling:
            raise DependencyError(_("Packages are being installed: wait until they are there."))
        missing = self.missing()
        if not missing:
            return
        if "torch" in missing:
            self._checkPlatform()
        names = ", ".join(missing)
        # Under test every dialog answers "OK" by itself: that is nobody's consent.
        if self.isTesting():
            raise DependencyError(
                _("Colouring needs {packages}; tests install nothing.").format(packages=names)
            )
        torchUtils = self._torchUtils() if "torch" in missing else None
        if not self._isAgreed(names):
            raise DependencyError(
                _("Colouring needs {packages}: press Colorize again to install.").format(
                    packages=names
                )
            )
        torchWasLoaded = "torch" in missing and self._isLoaded("torch")
        self._isInstalling = True
        try:
            self._install(missing, torchUtils)
        finally:
            self._isInstalling = False
        if still := self.missing():
            raise DependencyError(
                _("{packages} could not be installed: restart Slicer and try again.").format(
                    packages=", ".join(still)
                )
            )
        if torchWasLoaded:
            raise DependencyError(
                _("PyTorch was renewed: restart Slicer and press Colorize again.")
            )

    def _checkPlatform(self) -> None:
        """Say so where no PyTorch that will do exists, before anything is asked or downloaded."""
        if sys.platform == "darwin" and platform.machine() == "x86_64":
            raise DependencyError(
                _(
                    "Colouring needs PyTorch {version} or newer, which is not made for Slicer for "
                    "Intel Macs: use Slicer for Apple silicon, Linux or Windows."
                ).format(version=".".join(map(str, self.OLDEST["torch"])))
            )

    def _isAgreed(self, names: str) -> bool:
        question = _(
            "Colouring needs Python packages that are not installed: {packages}.\n\n"
            "They are downloaded and installed into Slicer's Python, which may take minutes "
            "(PyTorch: up to 3 GB). Continue?"
        ).format(packages=names)
        return slicer.util.confirmOkCancelDisplay(question, windowTitle=_("MRI Colorize"))

    def _install(self, missing: list[str], torchUtils: Any) -> None:
        try:
            if torchUtils is not None:
                torchUtils.PyTorchUtilsLogic().installTorch(
                    askConfirmation=False,
                    torchVersionRequirement=self._requirement("torch").removeprefix("torch"),
                )
            if "safetensors" in missing:
                self._pipInstall(self._requirement("safetensors"))
        except Exception as error:  # the installers' failures have no common class
            raise DependencyError(
                _(
                    "Installing failed ({reason}): check the internet connection and try again."
                ).format(reason=error)
            ) from error

    def _requirement(self, name: str) -> str:
        return f"{name}>=" + ".".join(map(str, self.OLDEST[name]))

    def _isLoaded(self, name: str) -> bool:
        return name in sys.modules

    def isTesting(self) -> bool:
        """Whether Slicer runs its tests."""
        return bool(slicer.app.testingEnabled())

    def _torchUtils(self) -> Any:
        try:
            return importlib.import_module("PyTorchUtils")
        except ModuleNotFoundError as error:
            raise DependencyError(
                _(
                    "Colouring needs PyTorch: install the PyTorch extension in the Extensions "
                    "Manager, restart Slicer and press Colorize again."
                )
            ) from error

    def _pipInstall(self, requirement: str) -> None:
        try:
            from slicer.packaging import pip_ensure
        except ImportError:  # Slicer 5.10
            slicer.util.pip_install(requirement)
        else:
            pip_ensure(requirement, requester="MRIColorize", prompt_install=False)


def _version(name: str) -> tuple[int, ...]:
    """Major and minor version of an installed package, () when it is not there."""
    try:
        text = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(map(int, re.findall(r"\d+", text)[:2]))
