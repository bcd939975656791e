"""The whole way in small: prepare, SegNet, train in both forms, export, colour a volume."""

import json

import nibabel
import numpy as np
import pytest

import phantoms
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.network.model import load_model
from MRIColorizeLib.tissue import Tissue
from MRIColorizeLib.volume import Volume
from training.__main__ import main
from training.config import CONFIGS
from training.data.mri_atlas import Atlas
from training.data.mri_labels import MriSource, prepare_one
from training.data.mri_read import Scan
from training.data.prepared import save_prepared

SMALL = ["precision=32-true", "pixels=4096", "threads=1", "slices.crops=[32]", "segnet.width=4"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with prepared/, made of a scan on disk and of photographs, and segnet/."""
    root = tmp_path_factory.mktemp("whole way")
    head = phantoms.mri()
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(head.image.transpose(2, 1, 0), affine), root / "scan.nii")

    def recipe(scan, labels, atlas):
        levels = np.digitize(scan.array, [10, 60, 125])
        tissues = np.array([0, Tissue.BONE, Tissue.GREY_MATTER, Tissue.WHITE_MATTER], np.uint8)
        return tissues[levels]

    source = MriSource("scan", "scan.nii", "train", recipe, "Thresholds.")
    empty = Scan(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    facts = {"sha256": "0" * 64, "licence": "CC0"}
    scan = prepare_one(source, root, facts, Atlas(empty, empty))
    save_prepared([scan, *phantoms.training_set()], root / "prepared")
    prepared = ["--prepared", str(root / "prepared")]
    tiny = ["--config", str(CONFIGS / "tiny.toml"), *SMALL, "segnet.steps=3"]
    assert main(["segnet", *prepared, "--out", str(root / "segnet"), *tiny]) == 0
    return root


# Slices of a step: four pairs; or two pairs, two MRI and two cryosections.
@pytest.mark.parametrize(("form", "slices"), [("tiny", 4), ("tiny_paper", 6)])
def test_the_commands_train_and_export_a_model_that_colours(workplace, form, slices):
    prepared = ["--prepared", str(workplace / "prepared")]
    run, model = workplace / form, workplace / f"{form} model"
    config = ["--config", str(CONFIGS / f"{form}.toml")]
    overrides = [*SMALL, "steps=20", f"segnet.path={workplace / 'segnet'}"]
    assert main(["train", *prepared, "--run", str(run), *config, *overrides]) == 0
    export = ["export", *prepared, "--run", str(run), "--out", str(model), "--version", "0"]
    assert main([*export, "--notes", "Made by a test.", "--limits", "Knows no legs."]) == 0
    card = json.loads((model / "model.json").read_text())
    training = card["training"]
    assert training["steps"] in (10, 20)  # validated twice: the better one
    assert training["steps_of_the_run"] == 20
    assert training["samples"] == slices * training["steps"]
    assert training["hardware"].startswith(("CPU", "cuda", "NVIDIA", "mps"))
    assert {item["name"] for item in training["data"]} == {"scan", "head", "other", "photo"}
    assert training["segnet"]["validation"]["slices"] == 1
    assert 0 <= card["validation"]["score"] <= 1
    assert card["limits"].endswith("Knows no legs.")
    assert (run / "pictures" / "validation_000020.png").stat().st_size > 1000
    head = phantoms.mri()
    volume = Volume(head.image, np.diag([2.0, 2.0, 2.0, 1.0]))
    result = Colorizer(load_model(model), "cpu").colorize(volume)
    assert result.array.shape == (*head.image.shape, 3)
    assert result.array.dtype == np.uint8
    assert result.array.any()


def test_wrong_settings_are_refused_with_one_sentence(tmp_path, capsys):
    run = ["train", "--prepared", str(tmp_path), "--run", str(tmp_path / "run")]
    assert main([*run, "losses.colour=2"]) == 2
    assert main([*run, "steps"]) == 2
    assert main([*run, "--config", str(tmp_path / "none.toml")]) == 2
    assert main(run) == 2  # nothing is prepared there
    export = ["export", *run[1:], "--out", str(tmp_path / "model"), "--version", "0"]
    assert main(export) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 5
    assert "losses.colour" in lines[0]
    assert not (tmp_path / "run").exists()


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in ("prepare", "segnet", "train", "curves", "export", "experiments", "evaluate"):
        assert command in shown
