"""The queue of the experiments: it trains, measures, notes, skips, resumes and stops."""

import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

import phantoms
from MRIColorizeLib.network.model import find_model
from training.checkpoint import CHECKPOINT, read_state
from training.data.prepared import save_prepared
from training.errors import RunError
from training.learner import DivergedError, Learner
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.stacks import MODES, NATURAL, TRUTH
from training.measure.experiments.assessment import HARDEST
from training.measure.experiments.listing import listing
from training.measure.experiments.manifest import Arm, Comparison, Manifest
from training.measure.experiments.queue import Queue
from training.measure.experiments.results import (
    ResultError,
    fingerprint,
    read_result,
    result_path,
    write_result,
)
from training.measure.experiments.workplace import Workplace, write_slices

TINY = """
steps = 4
pixels = 4096
warmup = 1
precision = "32-true"
threads = 1
save_every = 2
validate_every = 4
validation_batches = 1
[slices]
crops = [32]
[generator]
width = 4
branch_width = 4
blocks = 1
"""
COMPETITOR = (
    'network = "chroma-gan"\n' + TINY + 'head = "rgb"\n[losses]\nchroma = 0.01\nclasses = 0.1\n'
)


def _quiet(text):
    """Tests need no progress."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments") / "prepared"
    frames = {"train": (0,), "val": (2, 3), "test": (7,)}
    photographs = phantoms.cryosection(shape=(8, 45, 40), frames=frames)
    scan = phantoms.mri("person_t1", "val", (6, 40, 36))
    save_prepared([phantoms.mri(shape=(8, 40, 36)), scan, photographs], folder)
    return folder


def _manifest(folder, conditions=("plain",), arms=("first", "second")):
    texts = {"first": TINY, "second": COMPETITOR}
    made = {}
    for name in arms:
        path = folder / f"{name}.toml"
        path.write_text(texts[name])
        made[name] = Arm(name, f"the {name}", config=path)
    made["elsewhere"] = Arm("elsewhere", "another system", absent="no weights to be had")
    comparison = Comparison("c", "C", "?", "first", (*arms, "elsewhere"), (1,), conditions)
    return Manifest(made, (comparison,))


def _place(prepared, folder):
    return Workplace(prepared, folder / "out")


@pytest.fixture(scope="module")
def done(prepared, tmp_path_factory):
    """A folder in which both arms have been run, and its manifest."""
    folder = tmp_path_factory.mktemp("done")
    manifest = _manifest(folder)
    assert Queue(manifest, _place(prepared, folder), _quiet).run()
    return folder, manifest


def test_a_result_says_how_the_arm_was_trained_and_every_number(done):
    folder, manifest = done
    result = read_result(folder / "out" / "results", "first", 1)
    training = result.training
    assert (training.steps, training.samples) == (4, 16)
    assert training.seconds > 0
    assert training.hardware.startswith(("CPU", "cuda", "NVIDIA", "mps"))
    assert training.settings["generator.width"] == 4
    measured = result.conditions["plain"]
    assert measured.split == "val"
    found = {(s.kind, s.method, s.measure) for s in measured.series}
    for measure in ("ciede2000", "ssim_body", "stsim1_body", "ncc2", "tissue", "tissue_of_colors"):
        assert ("cryosection", "natural", measure) in found
    for measure in ("flicker", "contrast", "agreement", "network: 64 px of padding"):
        assert ("MRI", "natural", measure) in found
    assert {s.method for s in measured.series} == {"natural", "structure-locked"}
    units = {s.unit for s in measured.series if s.kind == "cryosection"}
    assert units == {"photo_002"}


def test_a_head_without_tissues_is_read_by_its_colours(done):
    folder, _ = done
    series = read_result(folder / "out" / "results", "second", 1).conditions["plain"].series
    measures = {s.measure for s in series}
    assert {"tissue_of_colors", "agreement_of_colors"} <= measures
    assert not {"tissue", "agreement"} & measures


def test_the_file_holds_the_fingerprint_and_comes_back_the_same(done, tmp_path):
    folder, _ = done
    result = read_result(folder / "out" / "results", "first", 1)
    told = json.loads(result_path(folder / "out" / "results", "first", 1).read_text())
    assert told["fingerprint"] == result.fingerprint == fingerprint(told["training"]["settings"])
    write_result(result, tmp_path)
    first, again = (result_path(f, "first", 1) for f in (folder / "out" / "results", tmp_path))
    assert first.read_bytes() == again.read_bytes()


def test_what_is_done_is_skipped_even_where_there_are_no_weights(done, prepared, tmp_path):
    folder, manifest = done
    place = Workplace(prepared, tmp_path / "elsewhere")
    shutil.copytree(folder / "out" / "results", place.results)
    assert Queue(manifest, place, _quiet).run()
    assert [path.name for path in place.out.iterdir()] == ["results"]
    assert "done" in listing(manifest, place.out)


def test_another_condition_is_measured_with_the_weights_that_are_there(done, prepared, tmp_path):
    folder, _ = done
    manifest = _manifest(tmp_path, ("plain", "noise-9"), ("first",))
    assert "to measure: noise-9" in listing(manifest, folder / "out")
    trained = (folder / "out" / "first-1" / CHECKPOINT).stat().st_mtime_ns
    assert Queue(manifest, _place(prepared, folder), _quiet).run()
    assert (folder / "out" / "first-1" / CHECKPOINT).stat().st_mtime_ns == trained
    assert set(read_result(folder / "out" / "results", "first", 1).conditions) == {
        "plain",
        "noise-9",
    }


def test_other_settings_or_other_data_are_run_again(done, prepared, tmp_path):
    folder, manifest = done
    queue = Queue(manifest, _place(prepared, folder), _quiet)
    job = manifest.jobs()[1]
    assert queue.missing(job) == []
    changed = dataclasses.replace(job.arm, config=tmp_path / "second.toml")
    changed.config.write_text(COMPETITOR.replace("save_every = 2", "save_every = 3"))
    assert queue.missing(dataclasses.replace(job, arm=changed)) == []
    changed.config.write_text("learning_rate = 0.1\n" + COMPETITOR)
    assert queue.missing(dataclasses.replace(job, arm=changed)) == ["plain"]
    queue.place.__dict__["digest"] = "of other data"
    assert queue.missing(job) == ["plain"]


def test_a_queue_that_was_interrupted_goes_on_at_its_step(prepared, tmp_path, monkeypatch):
    manifest = _manifest(tmp_path, arms=("first",))
    queue = Queue(manifest, _place(prepared, tmp_path), _quiet)
    step = Learner.step

    def interrupted(learner, batches, number):
        values = step(learner, batches, number)
        if number + 1 == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return values

    monkeypatch.setattr(Learner, "step", interrupted)
    assert not queue.run()
    assert read_result(tmp_path / "out" / "results", "first", 1) is None
    state = read_state(tmp_path / "out" / "first-1" / CHECKPOINT)
    assert state["step"] == 3
    assert "step 3 of 4" in listing(manifest, tmp_path / "out")
    monkeypatch.setattr(Learner, "step", step)
    monkeypatch.setattr("training.measure.experiments.queue.assess", lambda *_: iter(()))
    assert queue.run()
    assert read_result(tmp_path / "out" / "results", "first", 1).training.samples == 16


def test_no_training_is_begun_for_a_moment(prepared, tmp_path):
    queue = Queue(_manifest(tmp_path, arms=("first",)), _place(prepared, tmp_path), _quiet)
    assert not queue.run(seconds=1)
    assert not (tmp_path / "out").exists()


def test_a_damaged_result_is_named(tmp_path):
    result_path(tmp_path, "first", 1).write_text("{}")
    with pytest.raises(ResultError, match=r"first-1\.json is no result"):
        read_result(tmp_path, "first", 1)


def test_another_systems_pictures_fill_its_row(prepared, tmp_path):
    manifest = _manifest(tmp_path, arms=("first",))
    place = dataclasses.replace(_place(prepared, tmp_path), predictions=tmp_path / "systems")
    queue = Queue(manifest, place, _quiet)
    assert queue.run(["elsewhere"])  # no pictures, nothing to do
    assert "not run: no pictures" in listing(manifest, tmp_path / "out")
    assert write_slices(place, tmp_path / "inputs") == 6 + 4 * 4  # three contrasts of two frames
    for path in sorted((tmp_path / "inputs").rglob("*.png")):
        grey = np.asarray(Image.open(path))
        picture = tmp_path / "systems" / "elsewhere" / path.relative_to(tmp_path / "inputs")
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.stack([grey] * 3, axis=-1)).save(picture)
    assert queue.run(["elsewhere"])
    result = read_result(tmp_path / "out" / "results", "elsewhere", 0)
    found = {(s.kind, s.measure): s.values for s in result.conditions["plain"].series}
    assert {s.method for s in result.conditions["plain"].series} == {"natural"}
    assert min(found["MRI", "ssim_body"]) > 0.99  # a copy of the MRI
    assert not any(measure == "tissue" for _, measure in found)
    assert queue.missing(manifest.jobs(["elsewhere"])[0]) == []


def test_a_model_on_the_command_line_stands_beside_the_arms_without_what_is_trivial(
    prepared, tmp_path
):
    shipped = Arm("shipped", "ships", model="visible-human-head", trivial=True)
    comparison = Comparison("c", "C", "?", "shipped", ("shipped",), (1,), ("plain", "noise-9"))
    manifest = Manifest({"shipped": shipped}, (comparison,)).with_model(find_model())
    place = _place(prepared, tmp_path)
    place.__dict__["_cases"] = {"axial": place.cases("axial")[:1]}  # one is enough here
    assert Queue(manifest, place, _quiet).run()
    ours, beside = (
        read_result(tmp_path / "out" / "results", name, 0)
        for name in ("shipped", "visible-human-head")
    )

    def methods(result, condition):
        return {s.method for s in result.conditions[condition].series}

    assert methods(ours, "plain") == {*MODES, *BASELINES, TRUTH}
    assert methods(ours, "noise-9") == {NATURAL, *HARDEST}
    assert methods(beside, "plain") == set(MODES)
    assert methods(beside, "noise-9") == {NATURAL}
    assert ours.weights == beside.weights
    assert "visible-human-head-0" in listing(manifest, tmp_path / "out")


def test_an_arm_that_breaks_down_does_not_hold_up_the_others(prepared, tmp_path, monkeypatch):
    manifest = _manifest(tmp_path)
    step = Learner.step

    def diverges(learner, batches, number):
        if learner.config.network == "dual-decoder":
            raise DivergedError("the loss 'color' is nan")
        return step(learner, batches, number)

    monkeypatch.setattr(Learner, "step", diverges)
    monkeypatch.setattr("training.measure.experiments.queue.assess", lambda *_: iter(()))
    with pytest.raises(RunError, match="first-1: Training stopped in step 1"):
        Queue(manifest, _place(prepared, tmp_path), _quiet).run()
    assert read_result(tmp_path / "out" / "results", "first", 1) is None
    assert read_result(tmp_path / "out" / "results", "second", 1).training.steps == 4
