"""SegNet: it learns tissues from colours, says how well, and is read back as it was."""

import json

import pytest
import torch

import phantoms
from MRIColorizeLib.tissue import CLASSES, NAMES, Tissue
from training.__main__ import main
from training.config import CONFIGS
from training.data.prepared import save_prepared
from training.errors import ConfigError, RunError
from training.segmentation import CARD, WEIGHTS, held_out_dice, load_segnet, train_segnet
from training.settings import load_config

SMALL = [
    "precision=32-true",
    "segnet.width=8",
    "segnet.levels=3",
    "segnet.pixels=8192",
    "slices.least_mm=1",
    "slices.most_mm=1",
]


def _config(*overrides):
    return load_config(CONFIGS / "tiny.toml", [*SMALL, *overrides])


def test_the_command_trains_a_segnet_that_knows_the_tissues(tmp_path, capsys):
    save_prepared(phantoms.training_set(), tmp_path / "prepared")
    command = ["segnet", "--prepared", str(tmp_path / "prepared"), "--out", str(tmp_path / "seg")]
    tiny = ["--config", str(CONFIGS / "tiny.toml")]
    rate = "segnet.learning_rate=0.01"
    assert main([*command, *tiny, *SMALL, "segnet.steps=60", rate, "threads=1"]) == 0
    card = json.loads((tmp_path / "seg" / CARD).read_text())
    assert card["validation"]["slices"] == 1
    assert card["validation"]["mean_dice"] > 0.6
    assert card["training"]["data"][0]["name"] == "photo"
    shown = capsys.readouterr().out
    for tissue in (Tissue.SKIN, Tissue.WHITE_MATTER):
        assert NAMES[tissue] in shown
    segnet = load_segnet(tmp_path / "seg").network
    assert not segnet.training
    assert not any(parameter.requires_grad for parameter in segnet.parameters())
    again = held_out_dice(segnet, phantoms.training_set()[2:], _config())
    assert again["mean_dice"] == pytest.approx(card["validation"]["mean_dice"], abs=1e-3)


def test_dice_is_1_for_the_truth_and_0_for_another_tissue():
    volume = phantoms.cryosection(frames={"val": (0, 1)})
    codes = torch.from_numpy(volume.labels[0]).long()  # at 1 mm nothing is resampled

    def answer(labels):
        return torch.nn.functional.one_hot(labels, CLASSES).permute(2, 0, 1)[None].float()

    class Answers(torch.nn.Module):
        def forward(self, picture):
            return answer(codes)

    class Skin(torch.nn.Module):
        def forward(self, picture):
            return answer(torch.full_like(codes, int(Tissue.SKIN)))

    right = held_out_dice(Answers(), [volume], _config())
    assert right["mean_dice"] == 1
    assert right["slices"] == right["dice"]["skin"]["slices"] == 2
    wrong = held_out_dice(Skin(), [volume], _config())["dice"]
    assert wrong["white matter"]["pooled"] == 0
    assert 0 < wrong["skin"]["pooled"] < 1


def test_no_cryosection_or_a_loss_that_is_not_finite_leaves_nothing_behind(tmp_path):
    with pytest.raises(ConfigError, match="cryosection in the split 'train'"):
        train_segnet(_config(), [phantoms.mri()], tmp_path / "out")
    broken = _config("segnet.learning_rate=1e30", "segnet.steps=8")
    with pytest.raises(RunError, match=r"nothing was written.*segnet\.learning_rate"):
        train_segnet(broken, phantoms.training_set(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_or_damaged_segnet_is_named(tmp_path):
    with pytest.raises(RunError, match="python -m training segnet"):
        load_segnet(tmp_path)
    config = _config("segnet.steps=1")
    train_segnet(config, phantoms.training_set(), tmp_path, progress=lambda text: None)
    (tmp_path / WEIGHTS).write_bytes(b"other")
    with pytest.raises(RunError, match="train SegNet again"):
        load_segnet(tmp_path)
    (tmp_path / CARD).write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        load_segnet(tmp_path)
