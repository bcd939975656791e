"""Where a batch runs: processes of this computer, a Dask scheduler, or jobs of a SLURM cluster."""

from __future__ import annotations

import logging
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ClusterError, InputError
from ..files.packages import FOR_SLURM, require

if TYPE_CHECKING:
    from distributed import Client

ANSWER_S = 20
FIRST_WORKER_S = 60
# A volume of 512x512x512 float32 with its colours and the network needs about this much.
BYTES_PER_WORKER = 4 << 30
# Workers hold no data of Dask's, so that memory above a level is no reason to pause or to spill.
MEMORY = {"target": False, "spill": False, "pause": False, "terminate": 0.95}


@dataclass(frozen=True)
class Crew:
    """Who colours.

    workers: processes; None takes what suits this computer. threads: of the network in each
    process; None shares out the cores. scheduler: address of a Dask scheduler. slurm: ask SLURM for
    the workers, with the settings of `slurm_file` (TOML) or of Dask's own configuration.
    """

    workers: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    slurm: bool = False
    slurm_file: Path | None = None

    def __post_init__(self) -> None:
        for name, value in (("workers", self.workers), ("threads", self.threads)):
            if value is not None and value < 1:
                raise InputError(f"--{name} is {value}; choose 1 or more.")
        if self.scheduler is not None and self.workers is not None:
            raise InputError("--workers is for this computer or SLURM; a scheduler has its own.")
        if self.slurm and self.workers is None:
            raise InputError("--slurm needs --workers: how many workers to ask SLURM for.")

    @property
    def is_local(self) -> bool:
        return self.scheduler is None and not self.slurm


@dataclass(frozen=True)
class Connection:
    """A cluster that is there.

    threads: of the network in each worker process; None takes what Dask gives each worker. told:
    what it is, for a person.
    """

    client: Client
    threads: int | None
    told: str


@contextmanager
def connect(crew: Crew, retries: int) -> Iterator[Connection]:
    """Reach or start the workers; whatever was started ends with it.

    retries: how often a task is begun again after its worker died, where Dask lets us say so.
    Raises ClusterError or InputError in one sentence.
    """
    if crew.scheduler is not None:
        with _client(crew.scheduler) as client:
            _wait_for_workers(client, crew.scheduler)
            workers = len(client.nthreads())
            told = f"Scheduler {crew.scheduler} with {workers} workers"
            yield Connection(client, crew.threads, told)
        return
    import dask

    settings = {f"distributed.worker.memory.{name}": value for name, value in MEMORY.items()}
    settings["distributed.scheduler.allowed-failures"] = retries
    # A worker gets no second volume in advance: it would count as suspect when the worker dies.
    settings["distributed.scheduler.worker-saturation"] = 1.0
    with dask.config.set(settings), (_slurm if crew.slurm else _local)(crew) as connection:
        yield connection


def local_shares(crew: Crew) -> tuple[int, int]:
    """Worker processes on this computer and threads in each: together no more than its cores."""
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    by_memory = max(1, MEMORY_LIMIT // BYTES_PER_WORKER)
    workers = crew.workers or max(1, min(CPU_COUNT, max(2, CPU_COUNT // 2), by_memory))
    return workers, crew.threads or max(1, CPU_COUNT // workers)


@contextmanager
def _local(crew: Crew) -> Iterator[Connection]:
    from distributed import Client, LocalCluster

    workers, threads = local_shares(crew)
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port, for this computer alone
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield Connection(client, threads, f"{workers} worker processes, threads in each: {threads}")


@contextmanager
def _slurm(crew: Crew) -> Iterator[Connection]:
    require(FOR_SLURM)
    if shutil.which("sbatch") is None:
        raise ClusterError("There is no sbatch here; call --slurm on a computer that submits jobs.")
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    settings = _slurm_settings(crew.slurm_file)
    try:
        cluster = SLURMCluster(silence_logs=logging.CRITICAL, **settings)
    except (ValueError, TypeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ClusterError(f"These settings for SLURM cannot be used: {reason}") from error
    with cluster, Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum=0, maximum=crew.workers)
        threads = crew.threads or max(1, settings["cores"] // settings["processes"])
        yield Connection(client, threads, f"Up to {crew.workers} workers in SLURM jobs")


def _slurm_settings(file: Path | None) -> dict[str, Any]:
    """Arguments of dask_jobqueue.SLURMCluster: from a TOML file, then Dask's configuration.

    Each job is one process, if nobody says otherwise, and takes one volume at a time: the cores are
    the network's. Raises InputError.
    """
    import dask

    try:
        told = {} if file is None else tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} cannot be read as TOML: {error}.") from error
    settings = {key.replace("-", "_"): value for key, value in told.items()}
    lists: dict[str, list[str]] = {"worker_extra_args": [], "job_script_prologue": []}
    for key, otherwise in {"cores": None, "processes": 1, **lists}.items():
        configured = dask.config.get(f"jobqueue.slurm.{key.replace('_', '-')}", None)
        settings.setdefault(key, configured or otherwise)
    settings["worker_extra_args"] = [*settings["worker_extra_args"], "--nthreads", "1"]
    memory = [
        f"export DASK_DISTRIBUTED__WORKER__MEMORY__{k.upper()}={v}" for k, v in MEMORY.items()
    ]
    settings["job_script_prologue"] = [*settings["job_script_prologue"], *memory]
    return settings


def _client(address: str) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise ClusterError(
            f"The scheduler at {address} does not answer within {ANSWER_S} s; check the address."
        ) from error


def _wait_for_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_S)
    except TimeoutError as error:
        raise ClusterError(
            f"The scheduler at {address} has no workers; start some with: dask worker {address}"
        ) from error
