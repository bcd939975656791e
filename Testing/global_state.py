"""State of the whole process that a test may change and those after it must not see."""

from __future__ import annotations

import locale
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def kept() -> Iterator[None]:
    """Put back at the end: threads of PyTorch and ITK, locale, environment, folder, warnings, and
    the program that runs Python.

    A library's threads are only known when it was imported before.
    """
    with ExitStack() as put_back:
        put_back.enter_context(warnings.catch_warnings())
        put_back.callback(_restore_environment, dict(os.environ))
        put_back.callback(locale.setlocale, locale.LC_ALL, locale.setlocale(locale.LC_ALL))
        put_back.callback(os.chdir, os.getcwd())
        put_back.callback(setattr, sys, "executable", sys.executable)
        if torch := sys.modules.get("torch"):
            put_back.callback(torch.set_num_threads, torch.get_num_threads())
        if itk := sys.modules.get("SimpleITK"):
            threads = itk.ProcessObject.GetGlobalDefaultNumberOfThreads()
            put_back.callback(itk.ProcessObject.SetGlobalDefaultNumberOfThreads, threads)
        yield


def _restore_environment(before: dict[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        if name != "PYTEST_CURRENT_TEST":  # pytest's own
            del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value and name != "PYTEST_CURRENT_TEST":
            os.environ[name] = value
