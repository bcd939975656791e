"""The page on structure losses: arms that differ in one thing, honest numbers, one command."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

import phantoms
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import read_card
from MRIColorizeLib.scale import Scale
from training.__main__ import main
from training.data.prepared import save_prepared
from training.trap.arms import ARMS, arm_config
from training.trap.measure import person_and_slabs


def _card(generator, raw):
    return {
        "name": "phantom",
        "version": "1.2.3",
        "title": "untrained",
        "licence": "CC0",
        "spacing_mm": 2.0,
        "temperature": 0.6,
        "generator": dataclasses.asdict(generator),
        "weights": {
            "file": "weights.safetensors",
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
    }


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A model, a training volume of each kind, and a validation person in T1 and reversed T2."""
    root = tmp_path_factory.mktemp("trap")
    generator = GeneratorConfig(width=4, branch_width=4, blocks=1)
    torch.manual_seed(0)
    raw = save(DualDecoderGenerator(generator).state_dict())
    (root / "model").mkdir()
    (root / "model" / "weights.safetensors").write_bytes(raw)
    (root / "model" / "model.json").write_text(json.dumps(_card(generator, raw)))
    save_prepared(_volumes(), root / "prepared")
    return root


def _volumes():
    t1 = phantoms.mri("person_t1", "val", (12, 44, 40))
    t2 = phantoms.mri("person_t2", "val", (12, 44, 40))
    reversed_t2 = np.where(t2.labels > 0, 200 - t2.image, 0).astype(np.float32)
    frames = {"train": (0,), "val": (2, 4)}
    photographs = phantoms.cryosection(shape=(5, 48, 40), frames=frames)
    return [phantoms.mri(), t1, dataclasses.replace(t2, image=reversed_t2), photographs]


@pytest.fixture(scope="module")
def out(workplace):
    arguments = ["trap", str(workplace / "model"), "--prepared", str(workplace / "prepared")]
    arguments += ["--runs", str(workplace / "runs"), "--out", str(workplace / "out")]
    small = ["steps=1", "pixels=2304", "slices.crops=[48]", "validation_batches=1"]
    assert main([*arguments, "--slices", "2", "--set", *small]) == 0
    return workplace / "out"


def test_the_arms_differ_in_the_structure_term_alone(workplace):
    card = read_card(workplace / "model")
    plain, lightness, free = (arm_config(arm, card) for arm in ARMS)
    assert (plain.losses.ssim_color, lightness.losses.ssim_color) == (0, 1)
    assert (lightness.losses.reach, free.losses.reach) == ("lightness", "all")
    same = dataclasses.replace(plain.losses, ssim_color=1, reach="all")
    assert dataclasses.replace(plain, losses=same) == free
    assert plain.generator == GeneratorConfig(width=4, branch_width=4, blocks=1)
    assert (plain.temperature, plain.slices.scale) == (0.6, Scale.fixed(2.0))


def test_both_contrasts_of_the_person_are_measured_on_the_same_slices():
    (t1, t2), slabs = person_and_slabs(_volumes(), 4)
    assert (t1.contrast, t2.contrast, t1.subject) == ("T1", "T2", t2.subject)
    assert len(t1.volume.array) == len(t2.volume.array) == 4
    np.testing.assert_array_equal(t1.labels, t2.labels)
    assert {slab.contrast for slab in slabs} == {"T1", "T2"}


def test_without_a_person_in_two_contrasts_there_is_nothing_to_show():
    with pytest.raises(ValueError, match="person in T1 and T2"):
        person_and_slabs([v for v in _volumes() if not v.entry.name.endswith("_t2")], 4)


def test_the_page_shows_the_numbers_of_its_file(out):
    numbers = json.loads((out / "structure-trap.json").read_text())
    text = (out / "structure-trap.md").read_text()
    names = [row["name"] for row in numbers["rows"]]
    assert names == [
        "phantom 1.2.3",
        "phantom 1.2.3, structure-locked",
        "grey copy",
        *(arm.label for arm in ARMS),
    ]
    for row in numbers["rows"]:
        line = next(line for line in text.splitlines() if line.startswith(f"| {row['name']} |"))
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        assert cells[:2] == [f"{value:.2f}" for value in row["ssim"]]
        assert cells[6] == f"{row['apart']:.1f}"
    locked, grey = numbers["rows"][1:3]
    assert min(locked["ssim"]) > 0.95
    assert min(grey["ssim"]) > 0.99
    assert locked["agreement"] is grey["agreement"] is grey["labelled"] is None
    assert numbers["steps"] == 1


def test_the_picture_is_there_and_shows_something(out):
    text = (out / "structure-trap.md").read_text()
    assert "(structure-trap.png)" in text
    assert np.asarray(Image.open(out / "structure-trap.png")).std() > 5
    assert str(out) not in text  # no place of this machine


def test_the_arms_are_exported_and_start_from_the_same_weights(workplace, out):
    weights = [
        hashlib.sha256(
            (workplace / "runs" / arm.name / "model" / "weights.safetensors").read_bytes()
        ).hexdigest()
        for arm in ARMS
    ]
    assert len(set(weights)) == len(ARMS)
    for arm in ARMS:
        notes = json.loads((workplace / "runs" / arm.name / "model" / "model.json").read_text())
        assert "not a model to use" in notes["training"]["notes"]
        assert notes["training"]["settings"]["initial"] == str(workplace / "model")


def test_missing_data_is_said_in_one_line(workplace, capsys):
    arguments = ["trap", str(workplace / "model"), "--prepared", str(workplace / "nowhere")]
    arguments += ["--runs", str(workplace / "never"), "--out", str(workplace / "never")]
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (workplace / "never").exists()
