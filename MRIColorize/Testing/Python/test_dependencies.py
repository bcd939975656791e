"""Claims about getting PyTorch and safetensors: asked for first, explained when absent."""

import sys
import types
import unittest
from importlib.metadata import PackageNotFoundError
from unittest import mock

import MRIColorize
from MRIColorizeLib.errors import DependencyError


class PretendInstaller(MRIColorize.DependencyInstaller):
    """Packages are missing until they are installed; outside of tests, so that it may ask."""

    def __init__(self, *missing):
        super().__init__()
        self.absent = set(missing)
        self.installed = []

    def missing(self):
        return [name for name in self.PACKAGES if name in self.absent]

    def isTesting(self):
        return False

    def _isLoaded(self, name):
        return False

    def _pipInstall(self, requirement):
        self.installed.append(requirement)
        self.absent.discard("safetensors")


def pretend_extension(installer, result="installed"):
    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation=False, torchVersionRequirement=None):
            if isinstance(result, Exception):
                raise result
            installer.installed.append(f"torch{torchVersionRequirement}")
            if result == "installed":
                installer.absent.discard("torch")

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    return mock.patch.dict(sys.modules, PyTorchUtils=module)


def answer(yes):
    return mock.patch("slicer.util.confirmOkCancelDisplay", return_value=yes)


class DependencyInstallerTest(unittest.TestCase):
    def test_nothing_is_asked_when_all_is_there(self):
        with answer(True) as asked:
            PretendInstaller().ensure()
        asked.assert_not_called()

    def test_person_is_asked_once_for_both_packages(self):
        installer = PretendInstaller("torch", "safetensors")
        with pretend_extension(installer), answer(True) as asked:
            installer.ensure()
        asked.assert_called_once()
        self.assertIn("torch, safetensors", asked.call_args.args[0])
        self.assertEqual(installer.installed, ["torch>=2.7", "safetensors>=0.4"])

    def test_nothing_is_installed_when_the_person_declines(self):
        installer = PretendInstaller("torch", "safetensors")
        with (
            pretend_extension(installer),
            answer(False),
            self.assertRaisesRegex(DependencyError, "torch, safetensors"),
        ):
            installer.ensure()
        self.assertEqual(installer.installed, [])

    def test_missing_extension_is_named_before_anything_is_asked(self):
        installer = PretendInstaller("torch")
        with (
            mock.patch.dict(sys.modules, PyTorchUtils=None),
            answer(True) as asked,
            self.assertRaisesRegex(DependencyError, "PyTorch extension"),
        ):
            installer.ensure()
        asked.assert_not_called()

    def test_mac_for_which_no_pytorch_is_made_is_told_before_anything_is_asked(self):
        with (
            mock.patch("sys.platform", "darwin"),
            mock.patch("platform.machine", return_value="x86_64") as machine,
            answer(True) as asked,
        ):
            installer = PretendInstaller("torch", "safetensors")
            with (
                pretend_extension(installer),
                self.assertRaisesRegex(DependencyError, r"PyTorch 2\.7 or newer.*Intel"),
            ):
                installer.ensure()
            asked.assert_not_called()
            self.assertEqual(installer.installed, [])
            PretendInstaller().ensure()  # somebody built it
            machine.return_value = "arm64"
            with pretend_extension(installer):
                installer.ensure()
        self.assertEqual(installer.installed, ["torch>=2.7", "safetensors>=0.4"])

    def test_extension_is_not_needed_for_safetensors_alone(self):
        installer = PretendInstaller("safetensors")
        with mock.patch.dict(sys.modules, PyTorchUtils=None), answer(True):
            installer.ensure()
        self.assertEqual(installer.installed, ["safetensors>=0.4"])

    def test_failed_installation_is_explained(self):
        installer = PretendInstaller("torch")
        with (
            pretend_extension(installer, OSError("no route to host")),
            answer(True),
            self.assertRaisesRegex(DependencyError, "no route to host.*internet connection"),
        ):
            installer.ensure()

    def test_installation_that_changes_nothing_is_noticed(self):
        installer = PretendInstaller("torch")
        with (
            pretend_extension(installer, "nothing"),
            answer(True),
            self.assertRaisesRegex(DependencyError, "restart Slicer"),
        ):
            installer.ensure()

    def test_tests_never_install(self):
        class UnderTest(PretendInstaller):
            def isTesting(self):
                return True

        installer = UnderTest("torch")
        with (
            pretend_extension(installer),
            answer(True) as asked,
            self.assertRaises(DependencyError),
        ):
            installer.ensure()
        asked.assert_not_called()
        self.assertEqual(installer.installed, [])

    def test_packages_that_are_absent_or_too_old_are_missing_and_none_is_imported(self):
        before = set(sys.modules)
        for found, missing in (
            ({"torch": "2.7.0+cu128", "safetensors": "0.10.1"}, []),
            ({"torch": "3.0a0", "safetensors": "1.0"}, []),
            ({"torch": "2.6.1", "safetensors": "0.3.9"}, ["torch", "safetensors"]),
            ({"torch": "2.10.0"}, ["safetensors"]),
            ({}, ["torch", "safetensors"]),
        ):

            def version(name, found=found):
                if name not in found:
                    raise PackageNotFoundError(name)
                return found[name]

            with self.subTest(found=found), mock.patch("importlib.metadata.version", version):
                self.assertEqual(MRIColorize.DependencyInstaller().missing(), missing)
        self.assertEqual(set(sys.modules), before)

    def test_pytorch_that_is_in_use_already_needs_a_restart_after_its_renewal(self):
        installer = PretendInstaller("torch")
        with (
            pretend_extension(installer),
            mock.patch.object(installer, "_isLoaded", return_value=True),
            answer(True),
            self.assertRaisesRegex(DependencyError, "restart Slicer"),
        ):
            installer.ensure()
        self.assertEqual(installer.installed, ["torch>=2.7"])

    def test_second_call_while_packages_install_is_refused(self):
        refused = []

        class Slow(PretendInstaller):
            def _pipInstall(self, requirement):
                try:
                    self.ensure()
                except DependencyError as error:
                    refused.append(str(error))
                super()._pipInstall(requirement)

        installer = Slow("safetensors")
        with answer(True) as asked:
            installer.ensure()
        asked.assert_called_once()
        self.assertEqual(len(refused), 1)
        self.assertIn("being installed", refused[0])
        installer.ensure()

    def test_slicer_5_10_without_its_packaging_module_uses_pip_install(self):
        with (
            mock.patch.dict(sys.modules, {"slicer.packaging": None}),
            mock.patch("slicer.util.pip_install") as pip,
        ):
            MRIColorize.DependencyInstaller()._pipInstall("safetensors>=0.4")
        pip.assert_called_once_with("safetensors>=0.4")

    def test_slicer_5_12_is_not_made_to_ask_again(self):
        packaging = types.ModuleType("slicer.packaging")
        packaging.pip_ensure = mock.Mock()
        with mock.patch.dict(sys.modules, {"slicer.packaging": packaging}):
            MRIColorize.DependencyInstaller()._pipInstall("safetensors>=0.4")
        packaging.pip_ensure.assert_called_once_with(
            "safetensors>=0.4", requester="MRIColorize", prompt_install=False
        )


if __name__ == "__main__":
    unittest.main()
