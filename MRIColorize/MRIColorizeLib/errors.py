"""The errors of MRIColorize: each carries one sentence that says what is wrong and what to do."""


class MRIColorizeError(Exception):
    """Base of all errors that a person can act on; `str(error)` is one clear sentence."""


class InputError(MRIColorizeError):
    """The volume, file or option that was given cannot be used."""


class ModelError(MRIColorizeError):
    """A model folder is missing, incomplete, damaged or not one of ours."""


class DependencyError(MRIColorizeError):
    """A Python package that is needed is not installed."""


class DeviceError(MRIColorizeError):
    """The computing device that was asked for cannot be used."""


class ClusterError(MRIColorizeError):
    """The computers that were asked for cannot be reached or used."""


class OutputError(MRIColorizeError):
    """A result could not be written."""


class Cancelled(MRIColorizeError):
    """The person stopped the run; nothing half-made was kept."""

    def __init__(self) -> None:
        super().__init__("Cancelled: nothing half-made was kept.")
