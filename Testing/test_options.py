"""Claims about the choices of a run: each is said once, and all who need it take it from there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MRIColorizeLib.batch.fingerprint import (
    Finished,
    InputState,
    read_finished,
    recipe_of,
    write_finished,
)
from MRIColorizeLib.command.arguments import options_from, parser
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.writing import Wanted
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.options import DEFAULTS, OPTIONS, ColorizeOptions
from MRIColorizeLib.provenance import (
    Provenance,
    provenance_fields,
    unusual_choices,
    without_arrays,
)
from MRIColorizeLib.scale import Scale
from MRIColorizeLib.tissue import CLASSES

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "MRIColorize" / "MRIColorizeLib"
DOCUMENT = ROOT / "docs" / "development.md"
# What an option may be whose words or range do not say so.
OTHERS = {
    "palette": np.full((CLASSES, 3), 50.0),
    "palette_name": "Vivid",
    "mask": np.ones((2, 2, 2), bool),
    "slice_index": 3,
    "batch_size": 4,
}
WITH_FLAG = [name for name, option in OPTIONS.items() if option.place]


def another(name):
    """A value unlike the default."""
    option = OPTIONS[name]
    if isinstance(option.default, bool):
        return not option.default
    if option.words:
        return option.words[-1]
    return (option.low + option.default) / 2 if option.high else OTHERS[name]


@pytest.fixture
def card(tmp_path):
    numbers = {"weights_sha256": "00", "weights_bytes": 1, "temperature": 1.0, "generator": {}}
    words = {"name": "made", "version": "1", "title": "Made", "licence": "none"}
    scale = Scale.fixed(1.0)
    return ModelCard(**words, **numbers, scale=scale, directory=tmp_path, details={})


def recipe(card, options):
    return recipe_of(card, options, Wanted(), ".nrrd", None)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_explained(name):
    assert f"{name}: " in ColorizeOptions.__doc__


def test_the_command_without_a_word_has_the_defaults():
    assert options_from(parser().parse_args([])) == DEFAULTS


@pytest.mark.parametrize("name", WITH_FLAG)
def test_a_flag_sets_its_option_and_no_other(name):
    value = another(name)
    words = [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    assert options_from(parser().parse_args(words)) == replace(DEFAULTS, **{name: value})


@pytest.mark.parametrize("name", [n for n, option in OPTIONS.items() if option.words])
def test_words_that_there_are_not_are_refused(name):
    for wrong in ("", "no such word", None, 3):
        with pytest.raises(InputError, match=f"^{name} is .*; choose one of "):
            ColorizeOptions(**{name: wrong})


@pytest.mark.parametrize("name", [n for n, option in OPTIONS.items() if option.low is not None])
def test_what_is_outside_of_a_range_or_no_number_is_refused(name):
    for wrong in (
        OPTIONS[name].low - 1,
        float("nan"),
        "much",
        np.ones(3),
        (OPTIONS[name].high or 1) * -9,
    ):
        with pytest.raises(InputError, match=f"^{name} is .*; choose "):
            ColorizeOptions(**{name: wrong})


@pytest.mark.parametrize("name", [n for n, option in OPTIONS.items() if option.told])
def test_a_result_tells_the_option_under_its_key_alone(name):
    plain = Provenance("made", "1", "cpu", "float32", "axial", 5, 1.0)
    made = replace(plain, options=replace(DEFAULTS, **{name: another(name)}))
    told, before = provenance_fields(made), provenance_fields(plain)
    assert {key for key in told if told[key] != before[key]} == {OPTIONS[name].told}
    unusual = f"{OPTIONS[name].told.lower()} {told[OPTIONS[name].told]}"
    assert unusual_choices(made) == ("" if name == "mode" else unusual)


def test_a_result_keeps_no_array_of_its_options():
    kept = without_arrays(replace(DEFAULTS, mask=OTHERS["mask"], palette=OTHERS["palette"]))
    assert not [name for name in OPTIONS if isinstance(getattr(kept, name), np.ndarray)]
    assert kept.palette_name == "custom"
    assert without_arrays(replace(DEFAULTS, palette_name="of no palette")).palette_name == ""


@pytest.mark.parametrize("name", OPTIONS)
def test_what_decides_the_voxels_is_in_the_recipe_of_a_batch(card, name):
    other = recipe(card, replace(DEFAULTS, **{name: another(name)}))
    assert (other != recipe(card, DEFAULTS)) == OPTIONS[name].decides


def test_a_result_from_before_an_option_was_there_holds_at_its_default(card, tmp_path):
    # Which took one plane of any volume.
    path, now = tmp_path / "a.json", recipe(card, replace(DEFAULTS, saturation=1.5, fast=True))
    state = InputState("listing", "content")
    write_finished(path, Finished(state, now, (), 1, 1.0, "run", "worker"))
    assert read_finished(path).recipe == now
    # As version 0.3.0 wrote it, which knew none of the three.
    told = json.loads(path.read_text())
    added = ("precision", "slice_index", "fast")
    assert [told["recipe"].pop(name) for name in added] == ["auto", "", True]
    assert set(told["recipe"]) == {
        *("model", "model_version", "weights_sha256", "plane", "mode", "detail", "saturation"),
        *("blend", "background", "palette", "mask", "ending", "tissue", "confidence", "rendering"),
    }
    path.write_text(json.dumps(told))
    assert read_finished(path).recipe == now
    # What a later version says of an option that is not known here may be anything.
    told["recipe"]["glow"] = 1.0
    path.write_text(json.dumps(told))
    assert read_finished(path) is None


# What the example of the documents must lead to, in a copy of the library.
EXAMPLE = """
from MRIColorizeLib.batch.fingerprint import _deciding
from MRIColorizeLib.command.arguments import options_from, parser
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.options import PARAMETERS, ColorizeOptions
from MRIColorizeLib.provenance import Provenance, provenance_fields, unusual_choices

options = options_from(parser().parse_args(["--lightness", "1.2"]))
assert options == ColorizeOptions(lightness=1.2), options
assert "factor on their lightness, 0.5 to 1.5 (default: 1)" in parser().format_help()
made = Provenance("made", "1", "cpu", "float32", "axial", 5, 1.0, options)
assert provenance_fields(made)["Lightness"] == "1.2"
assert unusual_choices(made) == "lightness 1.2"
assert _deciding(options)["lightness"] == 1.2
assert PARAMETERS["lightness"] == "lightness"
try:
    ColorizeOptions(lightness=2)
except InputError as error:
    assert str(error) == "lightness is 2; choose a number from 0.5 to 1.5."
else:
    raise AssertionError("taken")
"""


def test_the_example_of_the_documents_is_all_that_an_option_needs(tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    copy = tmp_path / "MRIColorizeLib"
    shutil.copytree(LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    source = (copy / "options.py").read_text()
    before = "\n    def __post_init__"
    assert source.count(before) == 1
    (copy / "options.py").write_text(source.replace(before, block + before))
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
