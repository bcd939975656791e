"""Work in child processes with bounded memory and time: a crash, a hang or greed is seen."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30


@dataclass(frozen=True)
class Ended(Generic[Argument, Result]):
    """How one piece of work ended: with `result`, or with `fault` that says what went wrong."""

    argument: Argument
    result: Result | None
    fault: str | None


def start(work: Callable[..., object], *arguments: object) -> Any:
    """Start a child process, a fork of one that has imported everything; returns the Process."""
    process = _context().Process(target=work, args=arguments)
    process.start()
    return process


def each(
    work: Callable[[Argument], Result],
    arguments: Sequence[Argument],
    seconds: float = 60.0,
    memory: int = 2 * GIB,
    together: int = 25,
) -> Iterator[Ended[Argument, Result]]:
    """Do `work` on each argument in turn; yields how each one ended, whatever happens.

    seconds: for one argument, then the child is killed. memory: address space in bytes that a child
    may take beyond what it starts with. together: arguments that share a child, one after another.
    """
    for begin in range(0, len(arguments), together):
        left = list(arguments[begin : begin + together])
        while left:
            for ended in _share(work, tuple(left), seconds, memory):
                left.pop(0)
                yield ended


def _share(
    work: Callable[[Argument], Result],
    arguments: tuple[Argument, ...],
    seconds: float,
    memory: int,
) -> Iterator[Ended[Argument, Result]]:
    """Those of the arguments that one child gets through, the one it dies of included."""
    ours, theirs = _context().Pipe(duplex=False)
    process = start(_serve, theirs, work, arguments, memory)
    theirs.close()
    try:
        for argument in arguments:
            if not ours.poll(seconds):
                yield Ended(argument, None, f"hung: not done after {seconds:g} s")
                return
            try:
                result, fault = ours.recv()
            except EOFError:
                process.join()
                yield Ended(argument, None, f"crashed: the process ended with {process.exitcode}")
                return
            yield Ended(argument, result, fault)
    finally:
        process.kill()
        process.join()


def _serve(
    connection: Connection,
    work: Callable[[Argument], Result],
    arguments: tuple[Argument, ...],
    memory: int,
) -> None:
    limit_memory(memory)
    for argument in arguments:
        try:
            connection.send((work(argument), None))
        except BaseException:  # whatever it is, it is a finding
            connection.send((None, traceback.format_exc()))


def limit_memory(extra: int) -> None:
    """Let this process take so many bytes of address space more than it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _context() -> Any:
    """The context whose processes are forks of one server; the first call starts that."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fuzz.preload"])
    before = os.environ.get("PYTHONPATH")
    paths = (ROOT / "Testing", ROOT / "MRIColorize", ROOT, *sys.path)
    os.environ["PYTHONPATH"] = os.pathsep.join(str(path) for path in paths)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context
