"""The side of a batch that runs in Dask's worker processes: one painter in each."""

from __future__ import annotations

import signal
import threading

from distributed import Worker, WorkerPlugin, get_worker

from .job import BatchPainter
from .records import Record, Task, Work


def color_task(task: Task) -> Record:
    """Colour one volume in the worker process that Dask has chosen."""
    return get_worker().plugins[task.run].color(task)


class PainterPlugin(WorkerPlugin):
    """Gives every worker process a painter for the run, also those that come later.

    keeps_on: do not end on Ctrl-C, which a terminal sends to all processes of a local run; the one
    that started them ends them.
    """

    def __init__(self, work: Work, keeps_on: bool) -> None:
        self.name = work.run
        self._work = work
        self._keeps_on = keeps_on

    def setup(self, worker: Worker) -> None:
        threads = self._work.threads or worker.state.nthreads
        self._painter = BatchPainter(self._work, threads)
        # A worker of several threads would else hold several volumes, each with all the threads.
        self._one_at_a_time = threading.Lock()
        if self._keeps_on and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def color(self, task: Task) -> Record:
        """See BatchPainter.color; the volumes of one process wait for each other."""
        with self._one_at_a_time:
            return self._painter.color(task)
