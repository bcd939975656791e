"""The whole way in small: train, go on, export, colour a volume."""

import csv
import json

import numpy as np
import torch

import phantoms
from MRIColorizeLib.colorizer import Colorizer
from MRIColorizeLib.model import load_model
from MRIColorizeLib.volume import Volume
from training.__main__ import main
from training.config import CONFIGS, load_config
from training.data.prepared import save_prepared
from training.trainer import CHECKPOINT, Trainer

FLOAT32 = "precision=32-true"


def _config(*overrides):
    return load_config(CONFIGS / "tiny.toml", [FLOAT32, "pixels=8192", "threads=1", *overrides])


def _weights(folder):
    return torch.load(folder / CHECKPOINT, weights_only=True)


def test_training_lowers_the_loss_and_every_parameter_gets_a_gradient(tmp_path):
    trainer = Trainer(_config("steps=40", "save_every=10"), phantoms.training_set(), tmp_path)
    trainer.run()
    for name, parameter in trainer.generator.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    with (tmp_path / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    totals = [sum(float(row[key]) for key in row if key not in ("step", "seconds")) for row in rows]
    assert totals[-1] < 0.8 * totals[0]


def test_a_run_that_was_interrupted_ends_like_one_that_was_not(tmp_path):
    volumes = phantoms.training_set()
    Trainer(_config("steps=6"), volumes, tmp_path / "whole").run()
    first = Trainer(_config("steps=6"), volumes, tmp_path / "parts")
    while first.step < 3:
        first._set_learning_rate()
        first._train_step()
        first.step += 1
    first._save()
    Trainer(_config("steps=6"), volumes, tmp_path / "parts").run()
    whole, parts = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    for kind in ("generator", "average"):
        for name, tensor in whole[kind].items():
            assert torch.equal(tensor, parts[kind][name]), name


def test_the_command_trains_exports_and_the_model_colours(tmp_path):
    volumes = phantoms.training_set()
    save_prepared(volumes, tmp_path / "prepared")
    config = ["--config", str(CONFIGS / "tiny.toml")]
    overrides = [FLOAT32, "steps=4", "save_every=2", "validate_every=4", "threads=1"]
    places = ["--prepared", str(tmp_path / "prepared"), "--run", str(tmp_path / "run")]
    assert main(["train", *places, *config, *overrides]) == 0
    model = tmp_path / "model"
    export = ["export", *places, "--out", str(model), "--version", "0", *config, *overrides]
    assert main(export) == 0
    card = json.loads((model / "model.json").read_text())
    assert card["training"]["steps"] == 4
    assert {item["name"] for item in card["training"]["data"]} == {"head", "other", "photo"}
    assert (tmp_path / "run" / "pictures" / "validation_000004.png").stat().st_size > 1000
    head = volumes[0]
    volume = Volume(head.image, np.diag([2.0, 2.0, 2.0, 1.0]))
    result = Colorizer(load_model(model), "cpu").colorize(volume)
    assert result.array.shape == (*head.image.shape, 3)


def test_wrong_settings_are_refused_with_one_sentence(tmp_path, capsys):
    run = ["train", "--prepared", str(tmp_path), "--run", str(tmp_path / "run")]
    assert main([*run, "losses.colour=2"]) == 2
    assert main([*run, "steps"]) == 2
    assert main([*run, "--config", str(tmp_path / "none.toml")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert "losses.colour" in lines[0]
