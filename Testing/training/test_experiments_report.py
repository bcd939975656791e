"""The experiments' tables: intervals over seeds and units, budgets, and arms that were not run."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from training.measure.arms.manifest import Arm, Comparison, Manifest
from training.measure.arms.records import KEYS, Measured, Record, Training, learnt, write_record
from training.measure.colorings.conditions import CONDITIONS
from training.measure.report.numbers import DIFFERENCES, SUMMARY, Evidence
from training.measure.report.report import write_report
from training.measure.report.tables import NOT_RUN

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


def _scores(method, level, measure="ciede2000", kind="cryosection", contrasts=("T1", "T2")):
    """Two slices of each contrast of eight slabs, every slab 0.1 above the one before."""
    rows = [
        ["plain", kind, unit, f"{unit}_{contrast}", contrast, method, k, measure, value + k]
        for number, unit in enumerate(UNITS)
        for contrast in contrasts
        for k, value in enumerate((level + 0.1 * number,) * 2)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "measure", "value"])


def _record(manifest, arm, seed):
    config = manifest.arms[arm].config
    training = None
    if config:
        settings = learnt(manifest.arms[arm].settings(seed))
        training = Training(settings, 1250, 20000, 600.0 * seed, "CPU (2 threads)")
    return Record(arm, seed, f"{arm} 1", "", "w", 7, "CPU, torch", training)


def _write(manifest, folder, arm, seed, scores, data="d", split="val", condition="plain", recipe=1):
    measured = Measured(split, data, recipe, 9.0)
    record = _record(manifest, arm, seed).with_condition(condition, measured, scores)
    write_record(record, folder)


@pytest.fixture
def results(manifest, tmp_path):
    folder = tmp_path / "results"
    for seed in (1, 2):
        _write(manifest, folder, "good", seed, _scores("natural", 10 + seed))
        _write(manifest, folder, "bad", seed, _scores("natural", 13 + seed))
    ours = pd.concat([_scores("natural", 8), _scores("grey copy", 30)])
    _write(manifest, folder, "ours", 0, ours)
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


def _evidence(manifest, folder, seeds=(1, 2)):
    comparison = dataclasses.replace(manifest.comparisons[0], seeds=seeds)
    return Evidence(manifest, comparison, folder, "val")


def _difference(evidence, arm, **wanted):
    """The one difference of an arm."""
    table = evidence.differences
    for name, value in {"arm": arm, **wanted}.items():
        table = table[table[name] == value]
    (row,) = table.itertuples()
    return row


def test_a_mean_is_over_slices_units_and_seeds(evidence):
    found = evidence.summary
    (row,) = found[found["arm"] == "good"].itertuples()
    assert (row.seeds, row.units, row.slices) == (2, 8, 32)
    assert row.mean == pytest.approx(11.5 + 0.35 + 0.5)
    assert row.low < row.mean < row.high


def test_a_finished_model_has_rows_of_its_contrasts_too(evidence):
    found = evidence.summary
    ours = found[(found["arm"] == "ours") & (found["method"] == "natural")]
    assert ours["contrast"].tolist() == ["all", "T1", "T2"]
    assert ours["slices"].tolist() == [32, 16, 16]


def test_arms_are_paired_by_seed_and_unit(evidence):
    bad, ours = (_difference(evidence, arm) for arm in ("bad", "ours"))
    assert (bad.reference, bad.seeds, bad.units) == ("good", 2, 8)
    assert bad.difference == bad.low == pytest.approx(3)  # in every seed, unit and slice
    assert bad.rank_biserial == -1  # a larger error is worse in every unit
    # A finished model has no seeds of its own: the mean over the others' is compared.
    assert ours.difference == pytest.approx(8 - 11.5)


def test_a_finished_model_is_not_tested_against_arms_of_another_budget(evidence):
    bad, ours = (_difference(evidence, arm) for arm in ("bad", "ours"))
    # 2 / 2^8, twice: "later", which was not run, is of the family all the same.
    assert bad.p_holm == pytest.approx(2 * 2 / 2**8)
    assert bad.clear == "true"
    assert np.isnan(ours.p_holm)
    assert ours.clear == "false"


def test_a_finished_reference_is_compared_with_its_trivial_colourings(manifest, results):
    comparison = Comparison("e", "E", "?", "ours", ("ours",), (0,), ("plain",))
    evidence = Evidence(manifest, comparison, results, "val")
    grey = _difference(evidence, "ours", method="grey copy")
    assert grey.reference == "natural"
    assert grey.difference == pytest.approx(22)
    assert grey.p_holm == pytest.approx(6 * 2 / 2**8)  # six trivial colourings, one measured
    assert grey.clear == "true"


def test_a_condition_is_compared_with_the_one_that_it_changes(manifest, tmp_path):
    comparison = Comparison("e", "E", "?", "ours", ("ours",), (0,), ("engine-256", "engine-64"))
    record = _record(manifest, "ours", 0)
    for name, level in (("engine-256", 9), ("engine-64", 13)):
        measured = Measured("val", "d", CONDITIONS[name].recipe, 1.0)
        record = record.with_condition(name, measured, _scores("natural", level))
    write_record(record, tmp_path)
    found = _difference(Evidence(manifest, comparison, tmp_path, "val"), "ours")
    assert (found.condition, found.reference) == ("engine-64", "engine-256")
    assert found.difference == pytest.approx(4)


def test_on_photographs_the_tissue_by_colour_is_not_tested(manifest, tmp_path):
    """A photograph's own colours do not show the labels either: more is not better."""
    for measure in ("tissue_of_colors", "agreement_of_colors"):
        found = {}
        for kind in ("cryosection", "MRI"):
            for arm, level in (("good", 0.2), ("bad", 0.3)):
                _write(manifest, tmp_path, arm, 1, _scores("natural", level, measure, kind))
            found[kind] = len(_evidence(manifest, tmp_path, (1,)).differences) > 0
        assert found == {"cryosection": measure != "tissue_of_colors", "MRI": True}


def test_three_seeds_speak_for_an_arm_where_test_and_interval_agree(manifest, tmp_path):
    for seed, worse in ((1, 3), (2, 2), (3, 4)):
        _write(manifest, tmp_path, "good", seed, _scores("natural", 10))
        _write(manifest, tmp_path, "bad", seed, _scores("natural", 10 + worse))
        # Worse in the mean and in every slab's mean, and better in one of three trainings.
        _write(manifest, tmp_path, "later", seed, _scores("natural", 11 + 3 * (worse - 3)))
    evidence = _evidence(manifest, tmp_path, (1, 2, 3))
    bad, later = (_difference(evidence, arm) for arm in ("bad", "later"))
    assert (bad.seeds, bad.clear) == (3, "true")
    assert (later.seeds, later.clear) == (3, "false")
    assert later.p_holm < 0.05


def test_seeds_that_the_reference_lacks_do_not_count(manifest, tmp_path):
    for seed in (1, 2, 3):
        _write(manifest, tmp_path, "bad", seed, _scores("natural", 13))
    for seed in (1, 2):
        _write(manifest, tmp_path, "good", seed, _scores("natural", 10))
    assert _difference(_evidence(manifest, tmp_path, (1, 2, 3)), "bad").seeds == 2


@pytest.mark.parametrize(("apart", "differ"), [(0, 0), (1, 1)])
def test_how_often_two_trainings_of_one_arm_differ_is_counted(manifest, tmp_path, apart, differ):
    for seed in (1, 2):
        _write(manifest, tmp_path, "good", seed, _scores("natural", 10 + seed * apart))
    assert _evidence(manifest, tmp_path).of_itself() == (differ, 1)
    assert _evidence(manifest, tmp_path, (1,)).of_itself() == (0, 0)


def test_slices_that_one_arm_lacks_do_not_shift_the_others(manifest, tmp_path):
    whole = _scores("natural", 10)
    _write(manifest, tmp_path, "good", 1, whole)
    part = whole[(whole["contrast"] == "T2") & (whole["slice"] == 1)]
    _write(manifest, tmp_path, "bad", 1, part)
    found = _difference(_evidence(manifest, tmp_path, (1,)), "bad")
    assert (found.difference, found.units) == (0, 8)


def test_the_page_says_budget_and_hardware_under_every_table(manifest, results, tmp_path):
    page = _page(manifest, results, tmp_path / "out")
    assert "Each trained arm saw 20,000 slices in 10 to 20 minutes on CPU (2 threads)." in page
    assert _lines(page, "good | good arm | 7 | 2 of 2 | 20,000 | 1,250 | 15.0 | CPU (2 threads) |")
    assert _lines(page, "good | natural | 8 | 12.")
    assert _lines(page, "ours | grey copy | 8 | 30.")
    assert _lines(page, "CIEDE2000 | as it is | bad | good | 8 | **+3.0** | 0.016 | -1.00 |")


def test_every_number_is_there_for_programs(manifest, results, tmp_path):
    write_report(manifest, results, tmp_path / "out")
    summary, differences = (
        pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("summary", "differences")
    )
    assert tuple(summary.columns) == SUMMARY
    assert tuple(differences.columns) == DIFFERENCES
    good = summary[summary["arm"] == "good"].iloc[0]
    assert (good["comparison"], good["condition"], good["kind"]) == ("c", "plain", "cryosection")
    assert (good["contrast"], good["measure"], good["seeds"]) == ("all", "ciede2000", 2)
    assert good["mean"] == pytest.approx(12.35)
    assert set(differences["arm"]) == {"bad", "ours"}


def test_an_arm_that_was_not_run_is_marked_in_every_table(manifest, results, tmp_path):
    out = tmp_path / "out"
    page = _page(manifest, results, out)
    assert _lines(page, "theirs | another system | – | not run: its weights are not to be had |")
    assert _lines(page, f"later | later arm | – | {NOT_RUN} |")


def test_an_arm_with_some_of_its_seeds_says_so(manifest, results, tmp_path):
    _write(manifest, results, "later", 2, _scores("natural", 9))
    page = _page(manifest, results, tmp_path / "out")
    assert _lines(page, "later | later arm | 7 | 1 of 2 | 20,000 | 1,250 | 20.0 |")
    overview = (tmp_path / "out" / "README.md").read_text()
    left = "later (1 of 2 seeds run)"
    assert _lines(overview, f"[The comparison](c.md) | good | 2 of 3 | 2 | {left} |")


def test_the_overview_asks_every_question_and_leads_to_every_page(manifest, results, tmp_path):
    write_report(manifest, results, tmp_path / "out")
    overview = (tmp_path / "out" / "README.md").read_text()
    assert "[All its tables](c.md)" in overview
    assert _lines(overview, "[The comparison](c.md) | good | 2 of 3 | 2 | later |")
    assert not _lines(overview, "good | natural")


def test_a_result_of_other_settings_other_data_or_another_split_does_not_count(
    manifest, results, tmp_path
):
    _write(manifest, results, "later", 1, _scores("natural", 9), data="other")
    _write(manifest, results, "bad", 1, _scores("natural", 9), split="test")
    manifest.arms["good"].config.write_text(SETTINGS.format(rate=0.5))
    evidence = Evidence(manifest, manifest.comparisons[0], results, "val")
    assert evidence.left_out == ["later"]
    assert evidence.records["good"] == evidence.records["later"] == []
    assert set(evidence.scores["seed"][evidence.scores["arm"] == "bad"]) == {2}
    page = _page(manifest, results, tmp_path / "out")
    assert _lines(page, "later | later arm | – | not run: measured on other data")


def test_a_report_of_nothing_marks_everything(manifest, tmp_path):
    page = _page(manifest, tmp_path / "none", tmp_path / "out")
    assert len([line for line in page.splitlines() if NOT_RUN in line]) >= 5


def test_slices_that_are_undefined_stay_out_of_the_mean(manifest, tmp_path):
    scores = _scores("natural", 1, "flicker", "MRI")
    scores.loc[scores["slice"] == 1, "value"] = np.nan
    _write(manifest, tmp_path, "good", 1, scores)
    (row,) = _evidence(manifest, tmp_path).summary.itertuples()
    assert (row.mean, row.slices) == (pytest.approx(1.35), 16)


def test_conditions_on_one_axis_become_a_curve(manifest, tmp_path):
    names = ("plain", "noise-3", "noise-6", "noise-9")
    comparison = dataclasses.replace(manifest.comparisons[0], conditions=names)
    manifest = Manifest(manifest.arms, (comparison,))
    record = _record(manifest, "good", 1)
    for number, name in enumerate(names):
        scores = _scores("natural", 10 + 2 * number)
        record = record.with_condition(name, Measured("val", "d", 1, 9.0), scores)
    write_record(record, tmp_path / "r")
    page = _page(manifest, tmp_path / "r", tmp_path / "out")
    assert "](c_1_cryosection.png)" in page
    assert (tmp_path / "out" / "c_1_cryosection.png").stat().st_size > 5000
    assert not (tmp_path / "out" / "c_1_mri.png").exists()
    rows = [line.split(" | ")[0] for line in page.splitlines() if "noise of" in line[:20]]
    assert rows == [f"| Rician noise of {n} %" for n in (3, 6, 9)]


def test_a_recipe_that_has_changed_since_does_not_count(manifest, tmp_path):
    comparison = dataclasses.replace(manifest.comparisons[0], conditions=("raw-64",))
    recipe = CONDITIONS["raw-64"].recipe
    for number, known in ((recipe - 1, False), (recipe, True)):
        scores = _scores("natural", 1)
        _write(manifest, tmp_path, "good", 1, scores, condition="raw-64", recipe=number)
        evidence = Evidence(manifest, comparison, tmp_path, "val")
        assert (len(evidence.scores) > 0) is known
