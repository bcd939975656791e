"""Intervals, tests and effect sizes: known values, coverage, independence of what repeats."""

import numpy as np
import pytest
from scipy.stats import t, wilcoxon

from training.measure.metrics.statistics import compare, hierarchical_interval, holm

NAN = float("nan")


def test_the_mean_is_that_of_the_units_not_of_the_slices():
    values = np.array([[1.0, 1, 1, 1], [3.0, NAN, NAN, NAN]])
    assert hierarchical_interval(values).mean == 2


def test_equal_values_have_an_interval_without_width():
    found = hierarchical_interval(np.full((4, 3), 0.5))
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_repeating_slices_does_not_narrow_the_interval():
    units = np.random.default_rng(0).normal(size=(10, 1))
    one, many = hierarchical_interval(units), hierarchical_interval(np.repeat(units, 30, axis=1))
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.1)


def test_slices_that_differ_and_seeds_that_differ_widen_it():
    rng = np.random.default_rng(1)
    units = np.repeat(rng.normal(size=(8, 1)), 4, axis=1)
    noisy = units + rng.normal(0, 3, size=(8, 4))
    plain = hierarchical_interval(units - units.mean())
    wider = hierarchical_interval(noisy - noisy.mean())
    assert wider.high - wider.low > 1.3 * (plain.high - plain.low)
    trainings = np.stack([units - 2, units, units + 2])
    seeds = hierarchical_interval(trainings)
    assert seeds.mean == pytest.approx(units.mean())
    assert seeds.high - seeds.low > 1.3 * (plain.high - plain.low)


def test_the_interval_of_many_units_is_the_normal_theory_s():
    values = np.random.default_rng(2).normal(5, 2, size=(200, 1))
    found = hierarchical_interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert found.low == pytest.approx(values.mean() - half, abs=0.06)
    assert found.high == pytest.approx(values.mean() + half, abs=0.06)


@pytest.mark.parametrize("spread", [(1, 0.2, 0.2), (1, 1, 0.5), (0.1, 1, 0.2)])
def test_three_trainings_of_nine_units_are_covered_as_often_as_is_said(spread):
    """Seeds, units and both together vary so; a plain bootstrap covers 70 to 90 %."""
    rng = np.random.default_rng(4)
    shapes = ((3, 1, 1), (1, 9, 1), (3, 9, 1))
    covered = 0
    for _ in range(300):
        parts = [scale * rng.normal(size=n) for scale, n in zip(spread, shapes, strict=True)]
        found = hierarchical_interval(sum(parts), resamples=200)
        covered += found.low < 0 < found.high
    assert 0.92 <= covered / 300 <= 0.99


def test_ten_units_are_widened_by_student_s_t():
    values = np.random.default_rng(5).normal(size=(10, 1))
    found = hierarchical_interval(values, resamples=20_000)
    half = t.ppf(0.975, 9) * values.std(ddof=1) / np.sqrt(10)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.03)


def test_the_ends_stay_within_the_bounds_of_the_measure():
    found = hierarchical_interval(np.array([[0.99], [0.2], [0.98]]))
    assert found.high > 1
    assert found.within(0, 1).high == 1
    assert found.within(0, 1).mean == found.mean


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(3).normal(size=(6, 5))
    assert hierarchical_interval(values) == hierarchical_interval(values)


def test_nothing_measured_has_no_interval():
    assert np.isnan(hierarchical_interval(np.full((2, 3), NAN)).mean)


def test_holm_s_example_by_hand():
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1, never falling.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, None, 0.9]) == pytest.approx([1.0, None, 1.0])


def test_a_comparison_pairs_units_and_agrees_with_scipy():
    rng = np.random.default_rng(4)
    first = rng.normal(size=(9, 4))
    second = first + rng.normal(0.3, 0.5, size=(9, 4))
    found = compare(first, second)
    means = (first - second).mean(axis=1)
    assert found.p == pytest.approx(wilcoxon(means).pvalue)
    assert found.units == 9
    assert found.difference.mean == pytest.approx(means.mean())
    assert found.cohen_dz == pytest.approx(means.mean() / means.std(ddof=1))


def test_below_six_units_there_is_no_p_value_but_an_interval():
    found = compare(np.arange(5.0)[:, None], np.arange(5.0)[:, None] + 1)
    assert found.p is None
    assert found.difference.high == pytest.approx(-1)


def test_the_rank_biserial_is_positive_where_the_first_is_better():
    low, high = np.zeros((6, 1)), np.arange(1.0, 7)[:, None]
    assert compare(low, high, larger_is_better=True).rank_biserial == -1
    assert compare(low, high, larger_is_better=False).rank_biserial == 1
    mixed = np.array([1.0, 2, 3, 4, 5, -6])[:, None]
    assert compare(mixed, np.zeros((6, 1))).rank_biserial == pytest.approx((15 - 6) / 21)


def test_equal_methods_do_not_differ():
    same = np.random.default_rng(5).normal(size=(7, 3))
    found = compare(same, same)
    assert (found.p, found.rank_biserial, found.cohen_dz) == (1, 0, None)


def test_units_that_one_method_lacks_are_left_out():
    first = np.array([[1.0, 2], [NAN, NAN], [3, 4]])
    assert compare(first, np.zeros((3, 2))).units == 2
