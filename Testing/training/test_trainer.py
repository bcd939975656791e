"""A run: it learns, stops and goes on to the same bits, and bears what goes wrong."""

import csv
import json
import os
import resource
import signal
import sys

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import phantoms
from training.checkpoint import BEST, CHECKPOINT, averaged_weights, read_state, write_state
from training.config import CONFIGS
from training.errors import ConfigError, RunError
from training.settings import load_config
from training.trainer import Trainer

SMALL = ["precision=32-true", "pixels=4096", "threads=1", "slices.crops=[32]"]


def _config(*overrides, name="tiny.toml"):
    return load_config(CONFIGS / name, [*SMALL, *overrides])


def _paper(*overrides):
    """The paper's form without its SegNet, which has tests of its own."""
    return _config("losses.segmentation=0", *overrides, name="tiny_paper.toml")


def _trainer(config, folder):
    return Trainer(config, phantoms.training_set(), folder)


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def _stop_after(trainer, step, act):
    """Do something in the middle of a run, after a step."""
    whole = trainer.learner.step

    def watched(batches, number):
        values = whole(batches, number)
        if number + 1 == step:
            act()
        return values

    trainer.learner.step = watched


def _ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_training_lowers_the_loss(tmp_path):
    _trainer(_config("steps=24", "save_every=6"), tmp_path).run()
    totals = [
        sum(float(row[key]) for key in row if key not in ("step", "seconds"))
        for row in _rows(tmp_path / "log.csv")
    ]
    assert totals[-1] < 0.8 * totals[0]


@pytest.mark.parametrize("make", [_config, _paper])
def test_a_run_that_was_interrupted_ends_like_one_that_was_not(tmp_path, make):
    config = make("steps=4", "save_every=4", "validate_every=2")
    whole = _trainer(config, tmp_path / "whole")
    assert whole.run()
    first = _trainer(config, tmp_path / "parts")
    _stop_after(first, 3, _ctrl_c)
    assert not first.run()
    assert first.step == 3
    second = _trainer(config, tmp_path / "parts")
    assert (second.step, second.best) == (3, first.best)
    assert second.run()
    states = [read_state(tmp_path / name / CHECKPOINT) for name in ("whole", "parts")]
    for key in set(states[0]) - {"seconds"}:
        assert _same(states[0][key], states[1][key]), key


def _same(first, second):
    """Whether two nested states are equal to the bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def test_the_checkpoint_keeps_what_version_0_1_called_things(tmp_path):
    trainer = _trainer(_config("steps=2"), tmp_path)
    trainer.run()
    state = read_state(tmp_path / CHECKPOINT)
    assert {"step", "generator", "average", "optimizer", "random"} <= set(state)
    # A checkpoint of 0.1 has these alone, and one state of chance for its one process.
    old = {key: state[key] for key in ("step", "generator", "average", "optimizer")}
    write_state(old | {"random": state["random"][0]}, tmp_path / CHECKPOINT)
    assert _trainer(_config("steps=3"), tmp_path).step == 2


def test_other_settings_are_refused_and_nothing_is_touched(tmp_path):
    _trainer(_config("steps=2"), tmp_path).run()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(RunError, match=r"learning_rate=0.003 \(now 0.1\).*initial="):
        _trainer(_config("steps=2", "learning_rate=0.1"), tmp_path)
    assert {path: path.read_bytes() for path in before} == before
    _trainer(_config("steps=2", "threads=2", "temperature=0.5"), tmp_path)  # changes no learning


def test_a_run_can_begin_with_the_averaged_weights_of_another(tmp_path):
    _trainer(_config("steps=2"), tmp_path / "first").run()
    average = averaged_weights(tmp_path / "first")
    begun = _trainer(_config(f"initial={tmp_path / 'first'}", "losses.color=1"), tmp_path / "next")
    for state in (begun.learner.state()["generator"], begun.learner.state()["average"]):
        assert _same(dict(state), dict(average))
    assert begun.step == 0
    with pytest.raises(RunError, match="built otherwise"):
        _trainer(_config(f"initial={tmp_path / 'first'}", "generator.width=4"), tmp_path / "other")
    with pytest.raises(RunError, match="does not exist"):
        _trainer(_config(f"initial={tmp_path / 'nowhere'}"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(tmp_path):
    trainer = _trainer(_config("steps=6", "save_every=2"), tmp_path)
    weights = trainer.learner.players["generator"].plain.state_dict()
    _stop_after(trainer, 3, lambda: weights["encoder.stem.0.weight"].fill_(float("nan")))
    with pytest.raises(RunError, match=r"step 4: the loss 'color' is nan.*step 2, in .*Lower"):
        trainer.run()
    state = read_state(tmp_path / CHECKPOINT)
    assert state["step"] == 2
    assert all(torch.isfinite(t).all() for t in state["generator"].values())
    assert _trainer(_config("steps=6", "save_every=2"), tmp_path).step == 2


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path):
    trainer = _trainer(_config("steps=4", "save_every=2", "validate_every=4"), tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    _stop_after(trainer, 3, fill)
    try:
        with pytest.raises(RunError, match="could not be written .*the one before it is whole"):
            trainer.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_state(tmp_path / CHECKPOINT)["step"] == 2
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"half a file")
    with pytest.raises(RunError, match=r"checkpoint\.pt is no checkpoint"):
        _trainer(_config(), tmp_path)


def test_the_best_weights_are_those_of_the_best_score(tmp_path):
    trainer = _trainer(_config("steps=3", "validate_every=1"), tmp_path)
    scores = iter([0.2, 0.7, 0.5])
    real = trainer.validator.scores

    def scored(network):
        values, *shown = real(network)
        return {**values, "score": next(scores)}, *shown

    trainer.validator.scores = scored
    trainer.run()
    best = read_state(tmp_path / BEST)
    assert (best["step"], best["score"]) == (2, 0.7)
    assert [row["step"] for row in _rows(tmp_path / "validation.csv")] == ["1", "2", "3"]


def test_the_log_says_every_loss_and_the_time_left(tmp_path, capsys):
    _trainer(_paper("steps=2", "save_every=1", "validate_every=2"), tmp_path).run()
    row = _rows(tmp_path / "log.csv")[-1]
    logged = {"adversarial", "cycle", "ssim_color", "ssim_pseudo", "ssim_radiometric"}
    assert set(row) == {"step", "seconds", *logged, "critic_A", "critic_B"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("step 1/2  ")
    assert " left  " in lines[0]
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"validation_000002.png", "domains_000002.png"}


def test_tensorboard_gets_scalars_and_pictures(tmp_path):
    _trainer(_config("steps=2", "save_every=1", "tensorboard=true"), tmp_path).run()
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert "loss/color" in board.Tags()["scalars"]
    assert "validation/score" in board.Tags()["scalars"]
    assert board.Tags()["images"] == ["validation"]


def test_without_tensorboard_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        _trainer(_config("tensorboard=true"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unpaired_training_says_which_kind_of_volume_is_missing(tmp_path):
    config = _config("unpaired=0.5", "losses.cycle=1")
    with pytest.raises(ConfigError, match="'cryosection'"):
        Trainer(config, [phantoms.mri()], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_folder_says_its_settings(tmp_path):
    config = _config("steps=1")
    _trainer(config, tmp_path).run()
    assert json.loads((tmp_path / "config.json").read_text())["steps"] == 1
    assert load_config(tmp_path / "config.json") == config
