"""Claims about what a batch finds, how it names results, and what it refuses before the work."""

from __future__ import annotations

import os

import pytest
import SimpleITK as sitk

from cli.made import made_head, write_nifti
from MRIColorizeLib.batch.attempts import close_run, open_run, unique_name
from MRIColorizeLib.batch.cluster import Crew, local_shares
from MRIColorizeLib.batch.fingerprint import look_at
from MRIColorizeLib.batch.plan import inputs_in, plan_tasks
from MRIColorizeLib.files import packages
from MRIColorizeLib.files.discovery import find_inputs


def touched(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def dicom(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * 128 + b"DICM")


def found(root, *patterns):
    inputs = find_inputs(root, patterns) if patterns else find_inputs(root)
    return [path.relative_to(root).as_posix() for path in inputs]


def test_every_readable_image_and_every_dicom_folder_is_found_once(tmp_path):
    touched(tmp_path, "b/head.nii.gz", "b/head.json", "a.mgz", "c/x.hdr", "c/x.img", "c/notes.txt")
    touched(tmp_path, "d/x.mhd", "d/x.raw", "e/README")
    dicom(tmp_path / "p/study/series/1.2.840.113")
    dicom(tmp_path / "p/study/series/1.2.840.114")
    dicom(tmp_path / "p/study/IM0001")
    dicom(tmp_path / "r/GE/E1S2I3.MR")
    dicom(tmp_path / "r/odd/anything.at.all")
    dicom(tmp_path / "p/DICOMDIR")
    touched(tmp_path, "q/broken.dcm")
    expected = ["a.mgz", "b/head.nii.gz", "c/x.hdr", "d/x.mhd", "p/study", "p/study/series", "q"]
    expected += ["r/GE", "r/odd"]
    assert found(tmp_path) == expected


def test_results_segmentations_and_hidden_files_are_no_input(tmp_path):
    touched(tmp_path, "a.nii.gz", "a_color.nrrd", "a_tissue.seg.nrrd", "a_confidence.nrrd")
    touched(tmp_path, "b.seg.nrrd", "._a.nii.gz", ".git/annex/a.nii.gz")
    assert found(tmp_path) == ["a.nii.gz"]


def test_links_to_folders_are_left_out(tmp_path):
    dicom(tmp_path / "real/one.dcm")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert found(tmp_path) == ["real"]


def test_patterns_choose_and_a_match_of_two_counts_once(tmp_path):
    touched(tmp_path, "s1/x_T1w.nii.gz", "s1/x_T2w.nii.gz", "s2/T1.mgz", "s2/T1.json")
    dicom(tmp_path / "s3/T1/one.dcm")
    dicom(tmp_path / "s3/T2/one.dcm")
    assert found(tmp_path, "**/*T1*") == ["s1/x_T1w.nii.gz", "s2/T1.mgz", "s3/T1"]
    assert found(tmp_path, "s1/*", "**/*T2*.nii.gz") == ["s1/x_T1w.nii.gz", "s1/x_T2w.nii.gz"]
    assert found(tmp_path, "**/T2/*.dcm") == ["s3/T2"]


def test_the_folder_itself_may_be_the_dicom(tmp_path):
    dicom(tmp_path / "in/one.dcm")
    assert found(tmp_path / "in") == ["."]
    inputs = inputs_in(tmp_path / "in")
    tasks = plan_tasks(tmp_path / "in", tmp_path / "out", inputs, ".nrrd", "run")
    assert tasks[0].job.volume == tmp_path / "out" / "in_color.nrrd"


def test_the_tree_of_results_mirrors_the_tree_of_images(tmp_path):
    touched(tmp_path / "in", "a/b/x.nii.gz", "y.mgz")
    inputs = [one for path in find_inputs(tmp_path / "in") for one in inputs_in(path)]
    tasks = plan_tasks(tmp_path / "in", tmp_path / "out", inputs, ".nii.gz", "run")
    assert [task.name for task in tasks] == ["a/b/x.nii.gz", "y.mgz"]
    volumes = [task.job.volume.relative_to(tmp_path / "out").as_posix() for task in tasks]
    assert volumes == ["a/b/x_color.nii.gz", "y_color.nii.gz"]


@pytest.mark.parametrize("name", ["x.mhd", "x.nhdr"])
@pytest.mark.parametrize("data", ["x.raw", "voxels.bin"])
def test_a_detached_header_is_known_by_the_data_that_it_names(tmp_path, name, data):
    header = tmp_path / name
    sitk.WriteImage(sitk.GetImageFromArray(made_head()), str(header))
    (tmp_path / "x.raw").rename(tmp_path / data)
    header.write_text(header.read_text().replace("x.raw", data))
    before = look_at(header)
    touched(tmp_path, "other.raw")
    assert look_at(header) == before
    with (tmp_path / data).open("r+b") as file:
        file.write(b"y")
    assert look_at(header).content != before.content


def test_a_damaged_header_is_known_by_itself(tmp_path):
    touched(tmp_path, "x.mhd", "x.raw")
    before = look_at(tmp_path / "x.mhd")
    (tmp_path / "x.mhd").write_bytes(b"y")
    assert look_at(tmp_path / "x.mhd").content != before.content


def refused(answer, words):
    assert answer.code == 2
    assert words in answer.sentence()


def test_two_images_with_one_name_are_refused_in_one_sentence(tmp_path, command):
    touched(tmp_path / "in", "a/head.nii", "a/head.nii.gz", "b/head.nii", "b/head.mha")
    answer = command("batch", tmp_path / "in", tmp_path / "out")
    refused(answer, "a/head.nii and a/head.nii.gz would both become head_color.nrrd, and 1 more")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "out", "options", "words"),
    [
        ("none", "out", [], "none does not exist"),
        ("file.nii", "out", [], "is no folder"),
        ("empty", "out", [], "holds no image"),
        ("in", "out", ["--pattern", "*T2*"], "matches *T2*"),
        ("in", "out", ["--pattern", "/abs/*"], "is no pattern"),
        ("in", "in", [], "lies inside"),
        ("in", "in/out", [], "lies inside"),
        ("in", "file.nii", [], "is a file"),
        ("in", "file.nii/out", [], "cannot be written"),
        ("in", "out", ["--workers", "0"], "--workers is 0"),
        ("in", "out", ["--threads", "-1"], "--threads is -1"),
        ("in", "out", ["--retries", "-1"], "--retries is -1"),
        ("in", "out", ["--scheduler", "tcp://x:1", "--workers", "2"], "--workers is for"),
        ("in", "out", ["--slurm"], "--slurm needs --workers"),
        ("in", "out", ["--slurm", "--scheduler", "x"], "not allowed with"),
        ("in", "out", ["--slurm", "--workers", "2"], "There is no sbatch here"),
        ("in", "out", ["--saturation", "3"], "saturation is 3"),
        ("in", "out", ["--model", "no such"], "no model"),
        ("in", "out", ["--mask", "none.nii"], "cannot be opened"),
        ("in", "out", ["--preview", "3"], "unrecognized arguments"),
    ],
)
def test_what_cannot_work_is_told_before_the_work(
    tmp_path, command, monkeypatch, source, out, options, words
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # here is no SLURM
    touched(tmp_path, "file.nii", "in/a.nii.gz")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    refused(command("batch", source, out, *options), words)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_without_tissues_is_refused_before_the_work(
    tmp_path, command, model_without_tissues
):
    touched(tmp_path, "in/a.nii.gz")
    answer = command(
        "batch", tmp_path / "in", tmp_path / "out", "--tissue", "--model", model_without_tissues
    )
    refused(answer, "no palette")


def test_a_damaged_model_is_told_once(tmp_path, command, small_model):
    touched(tmp_path, "in/a.nii.gz")
    model = tmp_path / "model"
    model.mkdir()
    for path in small_model.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    refused(command("batch", tmp_path / "in", tmp_path / "out", "--model", model), "is damaged")
    assert not (tmp_path / "out").exists()


def test_dask_is_asked_for_by_this_command_alone(tmp_path, command, monkeypatch):
    find = packages.find_spec
    touched(tmp_path, "in/a.nii.gz")
    monkeypatch.setattr(packages, "find_spec", lambda n: None if n == "distributed" else find(n))
    refused(
        command("batch", tmp_path / "in", tmp_path / "out"),
        "install them with: pip install distributed.",
    )
    write_nifti(tmp_path / "head.nii.gz")
    assert command(tmp_path / "head.nii.gz").code == 0


def test_a_folder_called_batch_is_still_an_input(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").mkdir()
    refused(command("./batch"), "holds no DICOM")


@pytest.mark.parametrize(
    ("cores", "gigabytes", "chosen", "shares"),
    [
        (1, 64, {}, (1, 1)),
        (2, 64, {}, (2, 1)),
        (4, 64, {}, (2, 2)),
        (16, 64, {}, (8, 2)),
        (16, 9, {}, (2, 8)),
        (16, 2, {}, (1, 16)),
        (16, 64, {"workers": 3}, (3, 5)),
        (2, 64, {"workers": 4}, (4, 1)),
        (16, 64, {"workers": 2, "threads": 4}, (2, 4)),
    ],
)
def test_workers_share_the_cores_and_the_memory(monkeypatch, cores, gigabytes, chosen, shares):
    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", gigabytes << 30)
    assert local_shares(Crew(**chosen)) == shares


def test_what_a_killed_run_left_is_cleared_away_and_a_living_one_s_stays(tmp_path):
    alive = open_run(tmp_path / "out", unique_name())
    dead = alive.with_name(unique_name().replace(f"-{os.getpid()}-", "-4194305-"))
    dead.mkdir()
    (dead / "half.nrrd").write_bytes(b"half")
    ours = open_run(tmp_path / "out", unique_name())
    assert not dead.exists()
    assert alive.is_dir()
    close_run(ours)
    assert alive.is_dir()
    close_run(alive)
    assert not list((tmp_path / "out").iterdir())
