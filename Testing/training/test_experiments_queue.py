"""The queue of the experiments: it trains, measures, notes, skips, resumes and stops."""

import dataclasses
import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import phantoms
from MRIColorizeLib.network.model import find_model
from training.checkpoint import CHECKPOINT, read_state
from training.data.prepared import save_prepared
from training.errors import RunError
from training.learner import DivergedError, Learner
from training.measure.arms.assessment import HARDEST, Assessment
from training.measure.arms.listing import listing
from training.measure.arms.manifest import Arm, Comparison, Manifest
from training.measure.arms.queue import Queue
from training.measure.arms.records import (
    KEYS,
    RecordError,
    read_record,
    record_path,
    write_record,
)
from training.measure.arms.workplace import Workplace, write_slices
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.stacks import MODES, NATURAL, TRUTH

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


def _measure_nothing(monkeypatch):
    """One number stands for all."""
    row = ["plain", "MRI", "u", "c", "T1", "natural", 0, "ncc2", 0.5]
    table = pd.DataFrame([row], columns=[*KEYS, "measure", "value"])
    monkeypatch.setattr(
        "training.measure.arms.queue.Assessor.assess", lambda *_: Assessment((), (), table, ())
    )


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
    record = read_record(folder / "out" / "results", "first", 1)
    training = record.training
    assert (training.steps, training.samples) == (4, 16)
    assert training.seconds > 0
    assert training.hardware.startswith(("CPU", "cuda", "NVIDIA", "mps"))
    assert training.settings["generator.width"] == 4
    assert record.conditions["plain"].split == "val"
    scores = record.scores
    found = set(scores[["kind", "method", "measure"]].itertuples(index=False, name=None))
    for measure in ("ciede2000", "ssim_body", "stsim1_body", "ncc2", "tissue", "tissue_of_colors"):
        assert ("cryosection", "natural", measure) in found
    for measure in ("flicker", "contrast", "agreement", "network: 64 px of padding"):
        assert ("MRI", "natural", measure) in found
    assert set(scores["method"]) == {"natural", "structure-locked"}
    assert set(scores["unit"][scores["kind"] == "cryosection"]) == {"photo_002"}


def test_a_head_without_tissues_is_read_by_its_colours(done):
    folder, _ = done
    measures = set(read_record(folder / "out" / "results", "second", 1).scores["measure"])
    assert {"tissue_of_colors", "agreement_of_colors"} <= measures
    assert not {"tissue", "agreement"} & measures


def test_a_record_comes_back_the_same(done, tmp_path):
    folder, _ = done
    record = read_record(folder / "out" / "results", "first", 1)
    write_record(record, tmp_path)
    first, again = (record_path(f, "first", 1) for f in (folder / "out" / "results", tmp_path))
    assert first.read_bytes() == again.read_bytes()


def test_what_is_done_is_skipped_even_where_there_are_no_weights(done, prepared, tmp_path):
    folder, manifest = done
    place = Workplace(prepared, tmp_path / "elsewhere")
    shutil.copytree(folder / "out" / "results", place.records)
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
    assert set(read_record(folder / "out" / "results", "first", 1).conditions) == {
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
    assert read_record(tmp_path / "out" / "results", "first", 1) is None
    state = read_state(tmp_path / "out" / "first-1" / CHECKPOINT)
    assert state["step"] == 3
    assert "step 3 of 4" in listing(manifest, tmp_path / "out")
    monkeypatch.setattr(Learner, "step", step)
    _measure_nothing(monkeypatch)
    assert queue.run()
    assert read_record(tmp_path / "out" / "results", "first", 1).training.samples == 16


def test_no_training_is_begun_for_a_moment(prepared, tmp_path):
    queue = Queue(_manifest(tmp_path, arms=("first",)), _place(prepared, tmp_path), _quiet)
    assert not queue.run(seconds=1)
    assert not (tmp_path / "out").exists()


def test_a_damaged_result_is_named(tmp_path):
    record_path(tmp_path, "first", 1).write_text("{}")
    with pytest.raises(RecordError, match=r"first-1\.json is no record"):
        read_record(tmp_path, "first", 1)


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
    result = read_record(tmp_path / "out" / "results", "elsewhere", 0)
    scores = result.scores
    assert set(scores["method"]) == {"natural"}
    copied = scores[(scores["kind"] == "MRI") & (scores["measure"] == "ssim_body")]
    assert copied["value"].min() > 0.99  # a copy of the MRI
    assert "tissue" not in set(scores["measure"])
    assert queue.missing(manifest.jobs(["elsewhere"])[0]) == []


def test_a_model_on_the_command_line_stands_beside_the_arms_without_what_is_trivial(
    prepared, tmp_path
):
    model = find_model()
    shipped = Arm("shipped", "ships", model=model.name, trivial=True)
    comparison = Comparison("c", "C", "?", "shipped", ("shipped",), (1,), ("plain", "noise-9"))
    manifest = Manifest({"shipped": shipped}, (comparison,)).with_model(model)
    place = _place(prepared, tmp_path)
    place.__dict__["_cases"] = {"axial": place.cases("axial")[:1]}  # one is enough here
    assert Queue(manifest, place, _quiet).run()
    ours, beside = (
        read_record(tmp_path / "out" / "results", name, 0) for name in ("shipped", model.name)
    )

    def methods(result, condition):
        return set(result.scores["method"][result.scores["condition"] == condition])

    assert methods(ours, "plain") == {*MODES, *BASELINES, TRUTH}
    assert methods(ours, "noise-9") == {NATURAL, *HARDEST}
    assert methods(beside, "plain") == set(MODES)
    assert methods(beside, "noise-9") == {NATURAL}
    assert ours.weights == beside.weights
    assert f"{model.name}-0" in listing(manifest, tmp_path / "out")


def test_an_arm_that_breaks_down_does_not_hold_up_the_others(prepared, tmp_path, monkeypatch):
    manifest = _manifest(tmp_path)
    step = Learner.step

    def diverges(learner, batches, number):
        if learner.config.network == "dual-decoder":
            raise DivergedError("the loss 'color' is nan")
        return step(learner, batches, number)

    monkeypatch.setattr(Learner, "step", diverges)
    _measure_nothing(monkeypatch)
    with pytest.raises(RunError, match="first-1: Training stopped in step 1"):
        Queue(manifest, _place(prepared, tmp_path), _quiet).run()
    assert read_record(tmp_path / "out" / "results", "first", 1) is None
    assert read_record(tmp_path / "out" / "results", "second", 1).training.steps == 4
