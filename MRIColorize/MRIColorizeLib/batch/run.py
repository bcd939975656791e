"""Drives a batch through a Dask client: every task ends as one record, whatever its workers do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from ..errors import ClusterError
from . import attempts
from .records import FAILED, Record, Task, Work, lost
from .worker import PainterPlugin, color_task

# How often a volume is handed out whose workers died before they began it.
ROUNDS = 5
NO_WORKER = "Workers died again and again before they could begin it; see their logs."


def color_all(
    client: Client, work: Work, tasks: Sequence[Task], keeps_on: bool
) -> Iterator[Record]:
    """Colour every task and yield its record as it comes.

    keeps_on: see PainterPlugin. Raises ClusterError when the scheduler is lost or the workers
    cannot run the task at all.
    """
    with _plugin(client, PainterPlugin(work, keeps_on)):
        futures = client.map(color_task, tasks, key="color-volume", pure=False)
        waiting = {future: (task, 1) for future, task in zip(futures, tasks, strict=True)}
        del futures  # a future that is popped shall be the last reference: Dask forgets its result
        finished = as_completed(waiting, loop=client.loop)
        for future in finished:
            task, round_ = waiting.pop(future)
            record = _record(future, task, work.retries)
            if record is None and round_ < ROUNDS:
                again = client.submit(color_task, task, pure=False)
                waiting[again] = task, round_ + 1
                finished.add(again)
            else:
                record = record or Record(task.name, FAILED, NO_WORKER)
                whole = attempts.count_whole(task.attempts)
                yield replace(record, recomputed=max(0, whole - 1))


def _record(future: Future, task: Task, retries: int) -> Record | None:
    """How a task ended; None when it has to be begun again, as its worker died of another one."""
    try:
        return future.result()
    except KilledWorker:
        begun = attempts.count(task.attempts)
        return lost(task, begun) if begun > retries else None
    except (CancelledError, TimeoutError, OSError) as error:
        raise ClusterError(
            "The scheduler is lost; what is done stays, and the same call goes on from there."
        ) from error
    except Exception as error:  # Dask could not run or bring back this one; the others go on
        reason = f"Unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        return Record(task.name, FAILED, reason, attempts=attempts.count(task.attempts))


@contextmanager
def _plugin(client: Client, plugin: PainterPlugin) -> Iterator[None]:
    try:
        client.register_plugin(plugin)
    except ImportError as error:
        raise ClusterError(
            f"The workers cannot import {error.name}; install MRIColorize there too."
        ) from error
    try:
        yield
    finally:
        if client.status == "running":
            client.unregister_worker_plugin(plugin.name)
