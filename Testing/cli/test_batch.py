"""Claims about a batch on a real Dask cluster of two worker processes, some of which are killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from cli.made import made_head, write_nifti
from cli.made_dicom import write_series
from MRIColorizeLib.batch import cluster as cluster_module

SLOW = (72, 96, 96)  # takes a worker long enough to be killed in the middle


@pytest.fixture(scope="module")
def workers():
    """Two worker processes that live as long as these tests; a volume named poison kills one."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
        preload=["cli.batch_poison"],
    ) as cluster:
        yield cluster


@pytest.fixture
def batch(command, workers):
    """Run `mri-colorize batch` on those workers."""

    def call(*arguments):
        return command("batch", *arguments, "--scheduler", workers.scheduler_address)

    return call


def made_tree(root: Path, names, shape=(14, 18, 16)) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_nifti(path, made_head(shape) + number)
    return root


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "batch.csv").open(newline="") as file:
        return {row["input"]: row for row in csv.DictReader(file)}


def states(out: Path) -> dict[str, str]:
    return {name: row["state"] for name, row in table(out).items()}


def outputs(out: Path) -> list[str]:
    """Everything below the output folder but the table and the hidden notes."""
    found = (path for path in out.rglob("*") if path.is_file() and path.name != "batch.csv")
    names = (path.relative_to(out).as_posix() for path in found)
    return sorted(name for name in names if not name.startswith(".mri-colorize/done/"))


def assert_whole(volume: Path, source: Path) -> None:
    color = sitk.ReadImage(str(volume))
    assert color.GetSize() == nibabel.load(source).shape
    assert np.asarray(sitk.GetArrayViewFromImage(color)).any()


def kill_in_the_middle(out: Path, begun: threading.Event) -> None:
    """Kill the first worker process that is caught with a volume begun and not whole."""
    while not begun.is_set():
        for attempt in out.glob(".mri-colorize/runs/*/*/*"):
            pid = int(attempt.name.split("-")[-2])
            try:
                os.kill(pid, signal.SIGSTOP)
                caught = attempt.is_dir() and not attempt.name.endswith(".whole")
                os.kill(pid, signal.SIGKILL if caught else signal.SIGCONT)
            except ProcessLookupError:
                continue
            if caught:
                begun.set()
                return
        time.sleep(0.002)


def test_every_volume_ends_with_one_whole_output_though_a_worker_is_killed(batch, tmp_path):
    names = [f"sub-{n % 3}/head_{n}.nii.gz" for n in range(8)]
    source, out = made_tree(tmp_path / "in", names, SLOW), tmp_path / "out"
    killed = threading.Event()
    killer = threading.Thread(target=kill_in_the_middle, args=(out, killed))
    killer.start()
    answer = batch(source, out)
    was_killed = killed.is_set()
    killed.set()
    killer.join()
    assert was_killed
    assert answer.code == 0, answer.err
    stems = sorted(name.removesuffix(".nii.gz") for name in names)
    expected = sorted(f"{stem}_color.{end}" for stem in stems for end in ("nrrd", "png"))
    assert outputs(out) == expected
    for stem in stems:
        assert_whole(out / f"{stem}_color.nrrd", source / f"{stem}.nii.gz")
    assert set(states(out).values()) == {"coloured"}
    assert sum(int(row["attempts"]) for row in table(out).values()) == len(names) + 1
    assert "8 inputs: 8 coloured, 0 done before, 0 failed. 8 outputs." in answer.out
    assert "1 retry, 0 recomputed" in answer.out
    assert not list(out.glob(".mri-colorize/runs/*"))


def test_a_volume_that_kills_its_workers_fails_alone_after_bounded_retries(batch, tmp_path):
    names = ["a.nii.gz", "poison.nii.gz", "z.nii.gz"]
    source, out = made_tree(tmp_path / "in", names), tmp_path / "out"
    answer = batch(source, out, "--retries", 1)
    assert answer.code == 2
    assert states(out) == {
        "a.nii.gz": "coloured",
        "poison.nii.gz": "failed",
        "z.nii.gz": "coloured",
    }
    row = table(out)["poison.nii.gz"]
    assert row["attempts"] == "2"
    assert "worker died 2 times" in row["reason"]
    assert "3 inputs: 2 coloured, 0 done before, 1 failed. 2 outputs." in answer.out
    assert not [name for name in outputs(out) if "poison" in name]


def test_failures_are_told_with_their_reason_and_the_others_are_whole(batch, tmp_path):
    source, out = made_tree(tmp_path / "in", ["good.nii.gz"]), tmp_path / "out"
    (source / "empty.nii").write_bytes(b"")
    (source / "text.mha").write_text("hello")
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4, 2)), np.eye(4)), source / "film.nii.gz")
    answer = batch(source, out)
    assert answer.code == 2
    rows = table(out)
    assert rows["good.nii.gz"]["state"] == "coloured"
    for name, words in (
        ("empty.nii", "is empty"),
        ("text.mha", "not an image"),
        ("film.nii.gz", "4 dimensions"),
    ):
        assert rows[name]["state"] == "failed"
        assert words in rows[name]["reason"]
        assert rows[name]["output"] == ""
        assert name in answer.out
    assert "4 inputs: 1 coloured, 0 done before, 3 failed. 1 outputs." in answer.out
    assert outputs(out) == ["good_color.nrrd", "good_color.png"]


def test_a_mask_with_the_name_of_a_result_is_refused(batch, tmp_path):
    source, out = made_tree(tmp_path / "in", ["a.nii.gz"]), tmp_path / "out"
    mask = out / "a_tissue.seg.nrrd"
    out.mkdir()
    mask.write_bytes(b"drawn by hand")
    answer = batch(source, out, "--mask", mask, "--tissue")
    assert answer.code == 2
    assert "has the name of a result; move or rename it." in answer.sentence()
    assert mask.read_bytes() == b"drawn by hand"


def test_what_is_done_is_skipped_until_input_option_or_model_changes(
    batch, tmp_path, model_without_tissues
):
    source, out = made_tree(tmp_path / "in", ["a.nii.gz", "b.nii.gz"]), tmp_path / "out"
    once, a, b = {"a.nii.gz", "b.nii.gz"}, source / "a.nii.gz", out / "b_color.nrrd"

    def colored(*options) -> set[str]:
        assert batch(source, out, *options).code == 0
        return {name for name, state in states(out).items() if state == "coloured"}

    assert colored() == once
    assert colored() == set()
    os.utime(a, ns=(1, 1))  # another time, the same content
    assert colored() == set()
    write_nifti(a, made_head() + 50)
    assert colored() == {"a.nii.gz"}
    b.write_bytes(b.read_bytes()[:-1])
    assert colored() == {"b.nii.gz"}
    b.unlink()
    assert colored() == {"b.nii.gz"}
    assert colored("--force") == once
    assert colored("--saturation", 0.5) == once
    assert colored("--saturation", 0.5) == set()
    assert colored("--model", model_without_tissues) == once


def test_every_option_for_the_results_reaches_the_workers(batch, command, tmp_path):
    source, out = made_tree(tmp_path / "in", ["a.nii.gz"]), tmp_path / "out"
    mask = np.zeros(made_head().shape, np.uint8)
    mask[3:11, 4:14, 4:12] = 1
    write_nifti(source / "mask.nii.gz", mask)
    options = ["--tissue", "--confidence", "--palette", "vivid", "--mode", "structure"]
    options += ["--background", "white", "--plane", "coronal", "--mask", source / "mask.nii.gz"]
    assert batch(source, out, *options).code == 0
    assert command(source / "a.nii.gz", "-o", tmp_path / "single", *options).code == 0
    names = ["a_color.nrrd", "a_color.png", "a_confidence.nrrd", "a_tissue.seg.nrrd"]
    assert outputs(out) == names
    for name in names:
        assert (out / name).read_bytes() == (tmp_path / "single" / name).read_bytes(), name


def test_results_of_another_format_take_the_place_of_the_earlier_ones(batch, tmp_path):
    source, out = made_tree(tmp_path / "in", ["a.nii.gz"]), tmp_path / "out"
    assert batch(source, out, "--confidence").code == 0
    assert batch(source, out, "--format", "nii.gz").code == 0
    assert outputs(out) == ["a_color.nii.gz", "a_color.png"]


def test_every_scan_of_a_folder_of_dicom_becomes_a_volume(batch, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    study = source / "patient" / "study"
    write_series(study, made_head()[:6], np.eye(4), "T2 tse", SeriesNumber=2)
    write_series(study, made_head()[:8], np.eye(4), "T1", SeriesNumber=5, names="{number}.MR")
    derived = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    write_series(study, made_head(), np.eye(4), "adc", SeriesNumber=7, ImageType=derived)
    write_series(study / "alone", made_head(), np.eye(4))
    write_series(source / "ct", made_head(), np.eye(4), Modality="CT")
    assert batch(source, out, "--format", "nii.gz").code == 0
    assert states(out) == {
        "ct": "left out",
        "patient/study#2-T2-tse": "coloured",
        "patient/study#5-T1": "coloured",
        "patient/study/alone": "coloured",
    }
    sizes = {path.name: nibabel.load(path).shape[2] for path in sorted(out.rglob("*_color.nii.gz"))}
    assert sizes == {
        "alone_color.nii.gz": 14,
        "study_2-T2-tse_color.nii.gz": 6,
        "study_5-T1_color.nii.gz": 8,
    }
    rows = table(out)
    assert "7 'adc', 16x18x14: a derived map" in rows["patient/study#2-T2-tse"]["notes"]
    assert "modality CT, not MRI" in rows["ct"]["reason"]


def test_a_series_is_coloured_again_when_its_own_files_change(batch, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    write_series(source / "a", made_head()[:6], np.eye(4), "t2", SeriesNumber=2)
    write_series(source / "a", made_head(), np.eye(4), "t1", SeriesNumber=5)
    assert batch(source, out).code == 0
    assert batch(source, out).code == 0
    assert states(out) == {"a#2-t2": "done before", "a#5-t1": "done before"}
    write_series(source / "a", made_head() + 9, np.eye(4), "t1", SeriesNumber=5)
    assert batch(source, out).code == 0
    assert states(out) == {"a#2-t2": "done before", "a#5-t1": "coloured"}


def test_warnings_of_the_engine_stand_in_the_table(batch, tmp_path):
    array = made_head().astype(np.float32)
    array[0, 0, :2] = np.nan
    (tmp_path / "in").mkdir()
    write_nifti(tmp_path / "in" / "a.nii.gz", array)
    assert batch(tmp_path / "in", tmp_path / "out").code == 0
    assert "2 voxels are NaN" in table(tmp_path / "out")["a.nii.gz"]["notes"]
    assert batch(tmp_path / "in", tmp_path / "out").code == 0
    again = table(tmp_path / "out")["a.nii.gz"]
    assert again["state"] == "done before"
    assert "2 voxels are NaN" in again["notes"]


def environment(tmp_path: Path, repository: Path) -> dict[str, str]:
    paths = os.pathsep.join((str(repository / "MRIColorize"), str(repository / "Testing")))
    return {**os.environ, "PYTHONPATH": paths, "DASK_TEMPORARY_DIRECTORY": str(tmp_path / "dask")}


def test_ctrl_c_ends_cleanly_and_the_next_call_goes_on(batch, tmp_path, repository, small_model):
    names = [f"head_{n}.nii.gz" for n in range(6)]
    source, out = made_tree(tmp_path / "in", names, SLOW), tmp_path / "out"
    words = ["-m", "MRIColorizeLib", "batch", source, out, "--model", small_model, "--workers", 2]
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path, repository),
        start_new_session=True,
        # A shell that runs the tests in the background has them ignore it, and so this, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(out.glob("*_color.nrrd")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert "Traceback" not in complained
    assert "the same call goes on with the others" in complained
    assert not list(out.glob(".mri-colorize/runs/*"))
    before = {name for name, state in states(out).items() if state == "coloured"}
    assert 0 < len(before) < len(names)
    answer = batch(source, out)
    assert answer.code == 0
    assert {name for name, state in states(out).items() if state == "done before"} >= before
    stems = sorted(name.removesuffix(".nii.gz") for name in names)
    assert outputs(out) == sorted(f"{s}_color.{end}" for s in stems for end in ("nrrd", "png"))


SBATCH = """#!/bin/sh
# What dask-jobqueue asks of SLURM: runs the job here, and says its number.
sh "$1" >"$1.out" 2>&1 &
echo $! | tee -a "$(dirname "$0")/jobs" | sed 's/^/Submitted batch job /'
"""


def test_slurm_is_asked_for_workers_as_a_file_describes_them(
    command, tmp_path, repository, monkeypatch
):
    source, out = made_tree(tmp_path / "in", ["a.nii.gz"]), tmp_path / "out"
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in (("sbatch", SBATCH), ("scancel", "#!/bin/sh\nkill $1 2>/dev/null; true\n")):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    for name, value in environment(tmp_path, repository).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    described = tmp_path / "slurm.toml"
    described.write_text('queue = "short"\ncores = 2\nmemory = "4 GiB"\nwalltime = "00:10:00"\n')
    answer = command("batch", source, out, "--slurm", described, "--workers", 1)
    assert answer.code == 0, answer.err
    assert states(out) == {"a.nii.gz": "coloured"}
    assert len((programs / "jobs").read_text().split()) == 1


def test_a_scheduler_that_is_lost_ends_the_run_and_what_is_done_stays(command, tmp_path):
    from distributed import LocalCluster

    names = [f"head_{n}.nii.gz" for n in range(6)]
    source, out = made_tree(tmp_path / "in", names, SLOW), tmp_path / "out"
    settings = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**settings, silence_logs=50) as cluster:

        def end() -> None:
            while not list(out.glob("*_color.nrrd")):
                time.sleep(0.01)
            cluster.close()

        ending = threading.Thread(target=end)
        ending.start()
        answer = command("batch", source, out, "--scheduler", cluster.scheduler_address)
        ending.join()
    assert answer.code == 2
    assert "The scheduler is lost" in answer.err
    assert "Traceback" not in answer.err
    done = {name for name, state in states(out).items() if state == "coloured"}
    assert 0 < len(done) < len(names)
    assert not list(out.glob(".mri-colorize/runs/*"))


def test_a_scheduler_that_does_not_answer_is_told_in_time(command, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "ANSWER_S", 1)
    source = made_tree(tmp_path / "in", ["a.nii.gz"])
    answer = command("batch", source, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert answer.code == 2
    assert "127.0.0.1:9 does not answer within 1 s" in answer.sentence()
    assert not (tmp_path / "out").exists()
