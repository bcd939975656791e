"""Claims about anything that may be given: whole on its own grid, or refused with one sentence.

A few of what `Testing/fuzz/run.py` tries by the thousand, the same every time.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.made import write_model
from fuzz.child import GIB, each
from fuzz.drawn import ALWAYS_THE_SAME, Drawn
from fuzz.outcome import BrokenPromise, reason, refusal_of, sentence_of
from fuzz.run import main
from fuzz.try_files import file_trial
from fuzz.try_models import hostile_model
from fuzz.try_scenes import in_scene
from fuzz.try_volumes import by_engine, through_files
from fuzz.volumes import choose_volume


def few(count: int) -> Callable:
    """Settings for so many examples, the same in every run and on every machine."""
    return settings(
        max_examples=count,
        derandomize=True,
        backend=ALWAYS_THE_SAME,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@few(40)
@given(data=st.data())
def test_any_volume_is_coloured_whole_on_its_grid_or_refused(model, data):
    by_engine(choose_volume(Drawn(data), orthonormal=False), model)


@few(8)
@given(data=st.data())
def test_any_file_of_a_volume_gives_colour_in_its_place_or_is_refused(model, data):
    choices = Drawn(data)
    through_files(choose_volume(choices, orthonormal=True), model, choices)


@few(15)
@given(data=st.data())
def test_any_volume_of_a_scene_gives_colour_in_its_place_or_leaves_no_trace(model, data):
    in_scene(choose_volume(Drawn(data), orthonormal=False), model)


@few(60)
@given(data=st.data())
def test_any_damage_to_a_model_is_harmless(model, data):
    hostile_model(Drawn(data), model)


def test_damaged_files_end_in_time_with_colour_or_one_sentence(model):
    """In processes of their own: a reader in C may end one, or never end."""
    jobs = [(seed, model) for seed in range(900, 930)]
    assert [e for e in each(file_trial, jobs, seconds=200, memory=GIB) if e.fault] == []


def test_the_cases_are_the_same_whatever_else_is_loaded(monkeypatch, tmp_path):
    def cases() -> list[str]:
        tried = []

        @few(20)
        @given(data=st.data())
        def collect(data):
            tried.append(repr(choose_volume(Drawn(data), orthonormal=False)))

        collect()
        return tried

    before = cases()
    (tmp_path / "elsewhere.py").write_text(f"NUMBERS = {list(range(2, 300))}, 1.25, 2.75, 17.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("elsewhere")
    assert cases() == before
    assert len(set(before)) > 15


def test_the_command_counts_what_it_tried_and_makes_a_trial_again(capsys):
    nothing = [f"--{kind}=0" for kind in ("files", "volumes", "scenes", "kills", "shipped")]
    assert main([*nothing, "--models", "4", "--seed", "7"]) == 0
    printed = capsys.readouterr().out
    assert "models: 4 of 4 tried" in printed
    assert "0 failures" in printed
    assert main(["--again", "models", "7"]) == 0
    assert "Outcome(" in capsys.readouterr().out


def crash(_seed: int) -> None:
    os.abort()


def hang(_seed: int) -> None:
    while True:
        pass


def greed(_seed: int) -> bytes:
    return bytes(8 * GIB)


def test_the_harness_sees_a_crash_a_hang_and_greed_and_goes_on():
    assert [e.fault for e in each(crash, [1, 2])] == ["crashed: the process ended with -6"] * 2
    assert [e.fault for e in each(hang, [1], seconds=0.5)] == ["hung: not done after 0.5 s"]
    (ended,) = each(greed, [1])
    assert ended.fault.endswith("MemoryError\n")
    mixed = list(each(stumble, list(range(5)), together=5))
    assert [e.argument for e in mixed] == [0, 1, 2, 3, 4]
    assert [e.result for e in mixed] == [0, 1, None, 3, 4]


def stumble(seed: int) -> int:
    if seed == 2:
        os.abort()
    return seed


def test_the_harness_knows_a_sentence_from_a_traceback():
    from cli.made import Answer

    assert refusal_of(Answer(0, "", "Warning: 2 voxels are odd.\n")) is None
    assert refusal_of(Answer(2, "", "mri-colorize: a.nii is no file.\n")) == "a.nii is no file."
    for answer in (
        Answer(1, "", "mri-colorize: a.nii is no file.\n"),
        Answer(0, "", "MetaImage: failed\n"),
        Answer(2, "", "MetaImage: failed\nmri-colorize: a.nii is no file.\n"),
        Answer(2, "", "Traceback (most recent call last):\n"),
    ):
        with pytest.raises(BrokenPromise):
            refusal_of(answer)
    with pytest.raises(BrokenPromise):
        sentence_of("no full stop here at all")


def test_refusals_of_one_kind_are_counted_together():
    one, other = (f"/tmp/{n}/a.nii has 'b{n}' and {n}.5 mm." for n in (3, 44))
    assert reason(one, Path("/tmp")) == reason(other, Path("/tmp")) == "FILE has TEXT and N mm."
