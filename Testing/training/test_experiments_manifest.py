"""The experiments' manifest: arms that load, equal budgets, each job once and in order."""

import pytest

from training.__main__ import main
from training.measure.arms.manifest import (
    FOLDER,
    LEAST_SAMPLES,
    ManifestError,
    read_manifest,
    samples_of,
)
from training.measure.colorings.conditions import CONDITIONS

MANIFEST = read_manifest()
TRAINED = [arm for arm in MANIFEST.arms.values() if arm.config]

SMALL = """
[arms]
small = "small"
rgb = "rgb"
{arms}
[[comparison]]
name = "one"
title = "One"
question = "?"
reference = "{reference}"
seeds = [1]
arms = ["small", "{other}"]
conditions = ["{condition}"]
"""


def _manifest(folder, arms="", reference="small", other="rgb", condition="plain"):
    for name, text in (
        ("small", f'base = "{FOLDER / "small.toml"}"'),
        ("rgb", f'base = "{FOLDER / "rgb.toml"}"'),
        ("longer", f'base = "{FOLDER / "small.toml"}"\nsteps = 1300'),
    ):
        (folder / f"{name}.toml").write_text(text)
    path = folder / "manifest.toml"
    path.write_text(SMALL.format(arms=arms, reference=reference, other=other, condition=condition))
    return path


@pytest.mark.parametrize("arm", TRAINED, ids=lambda arm: arm.name)
def test_every_arm_has_settings_that_load_and_enough_samples(arm):
    assert samples_of(arm.settings(2)) >= LEAST_SAMPLES
    assert arm.settings(2).seed == 2


def test_every_file_of_settings_belongs_to_an_arm():
    assert {path.stem for path in FOLDER.glob("*.toml")} - {"manifest"} == {a.name for a in TRAINED}


def test_arms_of_a_comparison_have_one_budget_and_differ_in_their_settings():
    for comparison in MANIFEST.comparisons:
        arms = [MANIFEST.arms[name] for name in comparison.arms if MANIFEST.arms[name].config]
        settings = [arm.settings(1) for arm in arms]
        assert len({samples_of(config) for config in settings}) <= 1, comparison.name
        assert len({str(config) for config in settings}) == len(settings), comparison.name
        assert comparison.reference in comparison.arms


def test_a_job_is_listed_once_with_the_conditions_of_all_its_comparisons():
    jobs = MANIFEST.jobs()
    assert len({job.name for job in jobs}) == len(jobs)
    small = next(job for job in jobs if job.name == "small-1")
    assert {"plain", "noise-9", "raw-64"} <= set(small.conditions)
    assert jobs[0].name == "shipped-0"
    names = [job.name for job in jobs]
    assert names.index("no_attention-1") < names.index("small-2") < names.index("no_attention-2")


def test_a_part_can_be_chosen_by_comparison_or_by_arm():
    assert {job.arm.name for job in MANIFEST.jobs(["scales"])} == {
        "shipped",
        "small",
        "single_scale",
    }
    assert [job.name for job in MANIFEST.jobs(["single_scale"])][0] == "single_scale-1"
    with pytest.raises(ManifestError, match="no arm 'nobody'"):
        MANIFEST.jobs(["nobody"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"other": "unknown"}, r"names an arm 'unknown'"),
        ({"reference": "unknown"}, r"names an arm 'unknown'"),
        ({"condition": "fog"}, r"condition 'fog'"),
        ({"arms": 'longer = "longer"', "other": "longer"}, r"unequal budgets.*20800"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path, change, message):
    with pytest.raises(ManifestError, match=message):
        read_manifest(_manifest(tmp_path, **change))


def test_a_good_manifest_is_read(tmp_path):
    manifest = read_manifest(_manifest(tmp_path))
    assert [job.name for job in manifest.jobs()] == ["small-1", "rgb-1"]
    assert set(CONDITIONS) >= set(manifest.comparisons[0].conditions)


def test_the_command_lists_reports_and_says_what_it_lacks(tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["experiments", "--list", *out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(MANIFEST.jobs())
    assert sum("not run: no pictures" in line for line in lines) == 6
    assert main(["experiments", "--report", *out]) == 0
    page = (tmp_path / "out" / "report" / "competitors.md").read_text()
    assert "not run: neither code nor weights are public" in page
    assert main(["experiments", *out]) == 2
    assert main(["experiments", *out, "--list", "--only", "nobody"]) == 2
    assert main(["experiments", *out, "--list", "--model", str(tmp_path / "small")]) == 2
    said = capsys.readouterr().err
    assert "give the folder another name" in said
    assert "need --prepared" in said
    assert "no arm 'nobody'" in said
