"""The experiments' tables: intervals over seeds and units, budgets, and arms that were not run."""

import csv
import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest

from training.measure.colorings.conditions import CONDITIONS
from training.measure.experiments.differences import difference_table, findings, of_itself
from training.measure.experiments.evidence import Evidence, paired
from training.measure.experiments.manifest import Arm, Comparison, Manifest
from training.measure.experiments.report import write_report
from training.measure.experiments.results import (
    ArmResult,
    Measured,
    ResultError,
    Series,
    Training,
    learnt,
    write_result,
)
from training.measure.experiments.tables import NOT_RUN

UNITS = [f"slab{k}" for k in range(8)]
SETTINGS = """
learning_rate = {rate}
[slices]
crops = [128]
"""


@pytest.fixture
def manifest(tmp_path):
    arms = {}
    for name, rate in (("good", 0.001), ("bad", 0.002), ("later", 0.003)):
        path = tmp_path / f"{name}.toml"
        path.write_text(SETTINGS.format(rate=rate))
        arms[name] = Arm(name, f"{name} arm", config=path)
    arms["ours"] = Arm("ours", "finished", model="visible-human-head")
    arms["theirs"] = Arm("theirs", "another system", absent="its weights are not to be had")
    names = ("ours", "good", "bad", "later", "theirs")
    comparison = Comparison("c", "The comparison", "Which?", "good", names, (1, 2), ("plain",))
    return Manifest(arms, (comparison,))


def _series(method, level, measure="ciede2000"):
    for number, unit in enumerate(UNITS):
        for contrast in ("T1", "T2"):
            values = (level + 0.1 * number, level + 0.1 * number + 1)
            name = f"{unit}_{contrast}"
            yield Series("cryosection", unit, name, contrast, method, measure, values)


def _write(manifest, folder, arm, seed, series, data="d", split="val"):
    config = manifest.arms[arm].config
    training = None
    if config:
        settings = learnt(manifest.arms[arm].settings(seed))
        training = Training(settings, 1250, 20000, 600.0 * seed, "CPU (2 threads)")
    measured = Measured(split, data, 1, 9.0, tuple(series))
    result = ArmResult(arm, seed, "w", 7, data, "torch", training, {"plain": measured})
    write_result(result, folder)


@pytest.fixture
def results(manifest, tmp_path):
    folder = tmp_path / "results"
    for seed in (1, 2):
        _write(manifest, folder, "good", seed, _series("natural", 10 + seed))
        _write(manifest, folder, "bad", seed, _series("natural", 13 + seed))
    _write(manifest, folder, "ours", 0, [*_series("natural", 8), *_series("grey copy", 30)])
    return folder


@pytest.fixture
def evidence(manifest, results):
    return Evidence(manifest, manifest.comparisons[0], results, "val")


def _page(manifest, results, out):
    """The page of the comparison "c"."""
    write_report(manifest, results, out)
    return (out / "c.md").read_text()


def _lines(page, start):
    return [line for line in page.splitlines() if line.startswith(f"| {start}")]


def test_a_mean_is_over_slices_units_and_seeds(evidence):
    values = evidence.values("good", "plain", "cryosection", "natural", "ciede2000")
    assert values.cube.shape == (2, 8, 4)
    assert values.interval.mean == pytest.approx(11.5 + 0.35 + 0.5)
    assert values.interval.low < values.interval.mean < values.interval.high


def test_arms_are_paired_by_seed_and_unit(evidence):
    good, bad, ours = (
        evidence.values(arm, "plain", "cryosection", "natural", "ciede2000")
        for arm in ("good", "bad", "ours")
    )
    found = paired(bad, good, better=-1)
    assert found.units == 8
    assert found.difference.mean == pytest.approx(3)
    assert found.difference.low == pytest.approx(3)  # the same in every seed, unit and slice
    assert found.rank_biserial == -1  # a larger error is worse in every unit
    assert found.p == pytest.approx(2 / 2**8)
    # A finished model has no seeds of its own: the mean over the others' is compared.
    assert paired(ours, good, better=-1).difference.mean == pytest.approx(8 - 11.5)


def _told(manifest, folder):
    return {
        one.arm: one for one in findings(Evidence(manifest, _comparison(manifest), folder, "val"))
    }


def _comparison(manifest, seeds=(1, 2)):
    return dataclasses.replace(manifest.comparisons[0], seeds=seeds)


def test_what_was_found_is_told_in_words_where_the_tests_tell_it_from_chance(manifest, tmp_path):
    for seed in (1, 2):
        _write(manifest, tmp_path, "good", seed, _series("natural", 10))
        _write(manifest, tmp_path, "bad", seed, _series("natural", 13))
        _write(manifest, tmp_path, "later", seed, _series("natural", 10))
    told = _told(manifest, tmp_path)
    assert list(told) == ["bad", "later"]
    few = "2 seeds, too few to tell of the arm and not of these trainings"
    assert {one.trained for one in told.values()} == {few}
    worse = "Worse in CIEDE2000 on held-out cryosections (+3.0 [+3.0, +3.0], p 0.016)."
    assert told["bad"].text.startswith(worse)
    assert told["later"].text == "Of 1 differences tested 1 are not told from chance."


def test_on_photographs_the_tissue_by_colour_is_not_tested(manifest, tmp_path):
    """A photograph's own colours do not show the labels either: more is not better."""
    for measure in ("tissue_of_colors", "agreement_of_colors"):
        found = {}
        for kind in ("cryosection", "MRI"):
            for arm, level in (("good", 0.2), ("bad", 0.3)):
                series = (replace(s, kind=kind) for s in _series("natural", level, measure))
                _write(manifest, tmp_path, arm, 1, series)
            comparison = _comparison(manifest, (1,))
            table = difference_table(Evidence(manifest, comparison, tmp_path, "val"), kind)
            found[kind] = table is not None
        assert found == {"cryosection": measure != "tissue_of_colors", "MRI": True}


def test_three_seeds_speak_for_an_arm_where_test_and_interval_agree(manifest, tmp_path):
    for seed, worse in ((1, 3), (2, 2), (3, 4)):
        _write(manifest, tmp_path, "good", seed, _series("natural", 10))
        _write(manifest, tmp_path, "bad", seed, _series("natural", 10 + worse))
        # Worse in the mean and in every slab's mean, and better in one of three trainings.
        _write(manifest, tmp_path, "later", seed, _series("natural", 11 + 3 * (worse - 3)))
    evidence = Evidence(manifest, _comparison(manifest, (1, 2, 3)), tmp_path, "val")
    told = {one.arm: one for one in findings(evidence)}
    assert told["bad"].trained == told["later"].trained == "3 seeds"
    assert told["bad"].text.startswith("Worse in CIEDE2000")
    assert told["later"].text == "Of 1 differences tested 1 are not told from chance."


def test_seeds_that_the_reference_lacks_do_not_count(manifest, tmp_path):
    for seed in (1, 2, 3):
        _write(manifest, tmp_path, "bad", seed, _series("natural", 13))
    for seed in (1, 2):
        _write(manifest, tmp_path, "good", seed, _series("natural", 10))
    evidence = Evidence(manifest, _comparison(manifest, (1, 2, 3)), tmp_path, "val")
    (told,) = findings(evidence)
    assert told.trained.startswith("2 seeds, too few")


@pytest.mark.parametrize(("apart", "differ"), [(0, 0), (1, 1)])
def test_how_two_trainings_of_one_arm_differ_is_told(manifest, tmp_path, apart, differ):
    for seed in (1, 2):
        _write(manifest, tmp_path, "good", seed, _series("natural", 10 + seed * apart))
    evidence = Evidence(manifest, _comparison(manifest), tmp_path, "val")
    assert f"in {differ} of 1 tests" in of_itself(evidence)
    assert of_itself(Evidence(manifest, _comparison(manifest, (1,)), tmp_path, "val")) is None


def test_slices_that_one_arm_lacks_do_not_shift_the_others(manifest, tmp_path):
    whole = list(_series("natural", 10))
    _write(manifest, tmp_path, "good", 1, whole)
    _write(manifest, tmp_path, "bad", 1, [s for s in reversed(whole) if s.contrast == "T2"])
    evidence = Evidence(manifest, manifest.comparisons[0], tmp_path, "val")
    good, bad = (
        evidence.values(arm, "plain", "cryosection", "natural", "ciede2000")
        for arm in ("good", "bad")
    )
    assert paired(bad, good, better=-1).difference.mean == 0
    short = [dataclasses.replace(s, values=s.values[:1]) for s in whole]
    _write(manifest, tmp_path, "bad", 1, short)
    evidence = Evidence(manifest, manifest.comparisons[0], tmp_path, "val")
    with pytest.raises(ResultError, match="differ in the slices of slab0_T1"):
        evidence.values("bad", "plain", "cryosection", "natural", "ciede2000")


def test_a_finished_model_is_not_tested_against_arms_of_another_budget(evidence):
    assert [one.arm for one in findings(evidence)] == ["bad"]
    table = difference_table(evidence, "cryosection")
    told = {row[1]: row[3:5] for row in table.rows}
    assert told["ours"] == ["-3.5 [-3.5, -3.5]", "not tested"]
    # 2 / 2^8, twice: "later", which was not run, is of the family all the same.
    assert told["bad"][1] == "0.016"


def test_the_page_says_budget_and_hardware_under_every_table(manifest, results, tmp_path):
    page = _page(manifest, results, tmp_path / "out")
    assert "Each trained arm saw 20,000 slices in 10 to 20 minutes on CPU (2 threads)." in page
    assert _lines(page, "good | good arm | 7 | 2 of 2 | 20,000 | 1,250 | 15.0 | CPU (2 threads) |")
    assert _lines(page, "good | natural | 15.0 | 12.")
    assert _lines(page, "grey copy | trivial | – | 30.")
    assert _lines(page, "CIEDE2000 | bad | 8 | +3.0 [+3.0, +3.0] | 0.016 | -1.00 |")


def test_what_was_found_is_there_for_programs(manifest, results, tmp_path):
    page = _page(manifest, results, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert list(told["c"]) == ["bad"]
    assert told["c"]["bad"]["text"] in page


def test_every_difference_is_there_for_programs(manifest, results, tmp_path):
    write_report(manifest, results, tmp_path / "out")
    with (tmp_path / "out" / "differences.csv").open() as stream:
        rows = {row["arm"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"bad", "ours"}
    bad, ours = rows["bad"], rows["ours"]
    assert (bad["comparison"], bad["condition"], bad["kind"]) == ("c", "plain", "cryosection")
    assert (bad["reference"], bad["measure"]) == ("good", "ciede2000")
    assert (bad["seeds"], bad["units"], bad["difference"], bad["clear"]) == ("2", "8", "3", "true")
    assert float(bad["p_holm"]) == pytest.approx(2 * 2 / 2**8)
    assert (bad["rank_biserial"], bad["cohen_dz"]) == ("-1", "")  # no spread to divide by
    assert (ours["seeds"], ours["p_holm"], ours["clear"]) == ("0", "", "false")


def test_an_arm_that_was_not_run_is_marked_in_every_table(manifest, results, tmp_path):
    out = tmp_path / "out"
    page = _page(manifest, results, out)
    assert _lines(page, "theirs | another system | – | not run: its weights are not to be had |")
    for arm in ("later", "theirs"):
        assert len([line for line in _lines(page, arm) if NOT_RUN in line]) == 2
    with (out / "summary.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["method"] for row in rows if row["arm"] in ("later", "theirs")} == {NOT_RUN}
    good = next(row for row in rows if row["arm"] == "good" and row["kind"] == "cryosection")
    assert (good["samples"], good["minutes"], good["seeds"]) == ("20000", "15.0", "2")


def test_an_arm_with_some_of_its_seeds_says_so(manifest, results, tmp_path):
    _write(manifest, results, "later", 2, _series("natural", 9))
    page = _page(manifest, results, tmp_path / "out")
    assert _lines(page, "later (1 of 2 seeds) | natural | 20.0 |")
    overview = (tmp_path / "out" / "README.md").read_text()
    left = "later (1 of 2 seeds run)"
    assert _lines(overview, f"[The comparison](c.md) | good | 2 of 3 | 2 | {left} |")


def test_the_overview_tells_what_was_found_and_leads_to_every_page(manifest, results, tmp_path):
    page = _page(manifest, results, tmp_path / "out")
    overview = (tmp_path / "out" / "README.md").read_text()
    told = next(line for line in page.splitlines() if line.startswith("- **bad"))
    assert told in overview.splitlines()
    assert "[All its tables](c.md)" in overview
    assert _lines(overview, "[The comparison](c.md) | good | 2 of 3 | 2 | later |")
    assert not _lines(overview, "good | natural")


def test_a_result_of_other_settings_other_data_or_another_split_does_not_count(
    manifest, results, tmp_path
):
    _write(manifest, results, "later", 1, _series("natural", 9), data="other")
    _write(manifest, results, "bad", 1, _series("natural", 9), split="test")
    manifest.arms["good"].config.write_text(SETTINGS.format(rate=0.5))
    evidence = Evidence(manifest, manifest.comparisons[0], results, "val")
    assert evidence.left_out == ["later"]
    assert evidence.results["good"] == evidence.results["later"] == []
    found = evidence.values("bad", "plain", "cryosection", "natural", "ciede2000")
    assert found.seeds == (2,)
    page = _page(manifest, results, tmp_path / "out")
    assert _lines(page, "later | later arm | – | not run: trained on other data")


def test_a_report_of_nothing_marks_everything(manifest, tmp_path):
    page = _page(manifest, tmp_path / "none", tmp_path / "out")
    assert len([line for line in page.splitlines() if NOT_RUN in line]) >= 5


def test_slices_that_are_undefined_stay_out_of_the_mean(manifest, tmp_path):
    folder = tmp_path / "results"
    series = [Series("MRI", "a", "a", "T1", "natural", "flicker", (1.0, np.nan))]
    _write(manifest, folder, "good", 1, series)
    evidence = Evidence(manifest, manifest.comparisons[0], folder, "val")
    assert evidence.values("good", "plain", "MRI", "natural", "flicker").interval.mean == 1


def test_conditions_on_one_axis_become_a_curve(manifest, tmp_path):
    names = ("plain", "noise-3", "noise-6", "noise-9")
    comparison = dataclasses.replace(manifest.comparisons[0], conditions=names)
    manifest = Manifest(manifest.arms, (comparison,))
    settings = learnt(manifest.arms["good"].settings(1))
    measured = {
        name: Measured("val", "d", 1, 9.0, tuple(_series("natural", 10 + 2 * number)))
        for number, name in enumerate(names)
    }
    training = Training(settings, 1250, 20000, 600.0, "CPU")
    write_result(ArmResult("good", 1, "w", 7, "d", "torch", training, measured), tmp_path / "r")
    page = _page(manifest, tmp_path / "r", tmp_path / "out")
    assert "](c_1_cryosection.png)" in page
    assert (tmp_path / "out" / "c_1_cryosection.png").stat().st_size > 5000
    assert not (tmp_path / "out" / "c_1_mri.png").exists()
    rows = [line.split(" | ")[0] for line in page.splitlines() if "seeds) | natural" in line]
    assert rows == ["| as it is", *(f"| Rician noise of {n} %" for n in (3, 6, 9))]


def test_a_recipe_that_has_changed_since_does_not_count(manifest, tmp_path):
    comparison = dataclasses.replace(manifest.comparisons[0], conditions=("raw-64",))
    settings = learnt(manifest.arms["good"].settings(1))
    training = Training(settings, 1250, 20000, 600.0, "CPU")
    for recipe, known in ((1, False), (CONDITIONS["raw-64"].recipe, True)):
        measured = {"raw-64": Measured("val", "d", recipe, 9.0, tuple(_series("natural", 1)))}
        write_result(ArmResult("good", 1, "w", 7, "d", "torch", training, measured), tmp_path)
        evidence = Evidence(manifest, comparison, tmp_path, "val")
        assert (evidence.methods("good", "raw-64") == ["natural"]) is known
