"""The errors of the training: each carries one sentence that says what is wrong and what to do."""


class TrainingError(Exception):
    """Base of all errors whose text is for the person at the keyboard."""


class ConfigError(TrainingError):
    """A configuration file or an override is wrong; the message says where."""


class RunError(TrainingError):
    """A run's files cannot be used or written, or its training cannot go on."""
