"""Configurations: files, their bases, overrides, and settings that cannot be."""

import dataclasses
import json

import pytest

from MRIColorizeLib.network.config import GeneratorConfig
from training.config import CONFIGS, LossConfig, TrainConfig
from training.errors import ConfigError
from training.settings import load_config

TINY = CONFIGS / "tiny.toml"
# The manifest of the experiments says what is compared with what, and has tests of its own.
FILES = sorted(path for path in CONFIGS.rglob("*.toml") if path.name != "manifest.toml")


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_file_is_a_configuration_that_says_what_it_is(path):
    load_config(path, ["segnet.path=somewhere"])
    assert path.read_text().startswith("# ")


def test_an_ablation_differs_from_its_base_in_what_it_says_alone():
    small = load_config(CONFIGS / "experiments" / "small.toml")
    without = load_config(CONFIGS / "experiments" / "no_tissue.toml")
    losses = dataclasses.replace(small.losses, tissue=0.0)
    assert without == dataclasses.replace(small, losses=losses)


def test_the_published_network_is_the_published_network():
    path = CONFIGS / "published_network.toml"
    assert load_config(path, ["segnet.path=x"]).generator == GeneratorConfig.published()


def test_an_older_runs_settings_are_read_and_new_ones_get_their_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"steps": 7, "losses": {"color": 2}, "slices": {"crops": [64]}}))
    config = load_config(path)
    assert config.losses == LossConfig(color=2.0)
    assert config.slices.crops == (64,)
    assert config == TrainConfig(steps=7, losses=config.losses, slices=config.slices)


def test_overrides_reach_every_depth():
    config = load_config(TINY, ["steps=3", "losses.windows=[7, 5]", "tensorboard=true", "name=5"])
    assert (config.steps, config.losses.windows) == (3, (7, 5))
    assert config.tensorboard is True
    assert config.name == "5"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("losses.colour=2", "losses.colour"),
        ("steps", "key=value"),
        ("steps.more=1", "steps.more"),
        ("losses=3", "losses.KEY=VALUE"),
        ("losses.color=much", "losses.color"),
        ("generator.head=lab", "palette, rgb"),
        ("slices.crops=64", "slices.crops is a list"),
        ("precision=16", "32-true, bf16-mixed"),
        ("steps=0", "steps"),
        ("unpaired=2", "share"),
        ("synthesis.shares=[1, 0]", "synthesis.shares"),
        ("unpaired=0.5", "losses.cycle"),
        ("losses.cycle=1", "photographs"),
        ("losses.segmentation=1", "python -m training segnet"),
        ("losses.windows=[8]", "odd"),
    ],
)
def test_a_setting_that_cannot_be_is_named(override, named):
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        load_config(TINY, [override])


def test_a_file_that_is_based_on_itself_is_refused(tmp_path):
    path = tmp_path / "round.toml"
    path.write_text('base = "round.toml"')
    with pytest.raises(ConfigError, match="based on itself"):
        load_config(path)
