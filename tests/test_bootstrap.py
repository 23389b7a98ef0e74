"""Intervals and tests against scipy, simulated data of known mean, and values worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.bootstrap import Difference, Interval, holm, interval, paired_difference

values_between_0_and_1 = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_agrees_with_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).beta(2, 5, size=60)
    ours = interval(list(values), resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)


def test_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(400):
        found = interval(list(rng.normal(5, 2, size=40)), resamples=400, seed=seed)
        covered += found.low <= 5 <= found.high
    # 95 % less the percentile bootstrap's known shortfall at n = 40 (about a point), within four
    # standard errors (1.2 points each) of 400 trials.
    assert 0.89 <= covered / 400 <= 0.985


def test_clusters_cover_where_single_values_do_not() -> None:
    rng = np.random.default_rng(4)
    names = [str(document) for document in range(30) for _ in range(8)]
    clustered = single = 0
    for seed in range(150):
        # Each document has its own level; its eight questions hardly differ from it.
        values = list(np.repeat(rng.normal(0, 1, 30), 8) + rng.normal(0, 0.1, 240))
        by_document = interval(values, clusters=names, resamples=300, seed=seed)
        by_value = interval(values, resamples=300, seed=seed)
        clustered += by_document.low <= 0 <= by_document.high
        single += by_value.low <= 0 <= by_value.high
    assert clustered / 150 >= 0.85
    assert single / 150 <= 0.7


def test_clusters_of_unequal_size_give_a_ratio_of_sums() -> None:
    # Two clusters, drawn twice: means 0 (three zeros), 1 (one one), 1/4 (both), and nothing else.
    found = interval([0, 0, 0, 1], clusters=["a", "a", "a", "b"])
    assert found == Interval(0.25, 0.0, 1.0)
    # Of five clusters, four of three zeros and one of one one, 1/13 is the mean.
    values, names = [0.0] * 12 + [1.0], [*"aaabbbcccddd", "e"]
    found = interval(values, clusters=names)
    assert found.value == pytest.approx(1 / 13)
    # Drawn k times of five the one gives k / (k + 3 (5 - k)). These are as many as 4.6 equal
    # clusters, and Student's t cuts some 7 of 10,000 draws: four times of five (64 in 10,000).
    assert found.high == pytest.approx(4 / 7)


def test_each_value_its_own_cluster_is_no_clusters() -> None:
    values = [0.1, 0.5, 0.9, 0.3, 0.2]
    assert interval(values, clusters=list("abcde")) == interval(values)


def test_same_seed_same_interval() -> None:
    values = list(np.random.default_rng(5).random(30))
    assert interval(values, seed=7) == interval(values, seed=7)
    assert interval(values, seed=7) != interval(values, seed=8)


def test_draws_in_chunks_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = list(np.random.default_rng(6).random(50))
    other = values[::-1]
    at_once = interval(values), paired_difference(values, other)
    monkeypatch.setattr("eval.draws._DRAWS_AT_ONCE", 5_000)
    chunked = interval(values), paired_difference(values, other)
    assert chunked[0] == at_once[0]
    # The signs are drawn as bytes, several to a machine word, so chunks may shift them.
    assert chunked[1].p == pytest.approx(at_once[1].p, abs=0.05)
    assert chunked[1].low == at_once[1].low


@pytest.mark.parametrize("clusters", [None, ["only"]])
def test_a_single_value_has_no_width(clusters: list[str] | None) -> None:
    assert interval([0.3], clusters=clusters) == Interval(0.3, 0.3, 0.3)


def test_a_handful_of_clusters_is_never_surer_than_the_values_alone() -> None:
    values = [1.0] * 10 + [0.0] * 5
    alone = interval(values)
    assert interval(values, clusters=["a"] * 15) == alone
    assert alone.high - alone.low > 0.3
    # Two alike clusters would say that there is no doubt at all.
    alike = interval([1.0, 0.0] * 8, clusters=["a"] * 8 + ["b"] * 8)
    assert alike == interval([1.0, 0.0] * 8)
    # Two unlike ones say more doubt than the values.
    assert interval([1.0] * 8 + [0.0] * 8, clusters=["a"] * 8 + ["b"] * 8) == Interval(0.5, 0, 1)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "no values"),
        ([1.0, math.nan], {}, "value 1 is not a finite number"),
        ([math.inf], {}, "value 0 is not"),
        ([1.0, 2.0], {"clusters": ["a"]}, "2 values but 1 clusters"),
        ([1.0, 2.0], {"confidence": 1.0}, "confidence must be between"),
        ([1.0, 2.0], {"resamples": 0}, "resamples must be at least 1"),
    ],
)
def test_bad_input_is_named(values: list[float], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interval(values, **options)


def test_paired_values_must_be_equally_many() -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        paired_difference([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no values"):
        paired_difference([], [])


@pytest.mark.parametrize("clusters", [2, 5, 8, 11])
def test_of_few_clusters_every_sign_pattern_is_counted(clusters: int) -> None:
    names = [f"c{number}" for number in range(clusters)]
    # All one way: of the patterns only this one and its mirror image are as extreme.
    found = paired_difference([1.0] * clusters, [0.0] * clusters, clusters=names, resamples=4000)
    assert found.p == 2 / 2**clusters
    # scipy counts every pattern as well.
    rng = np.random.default_rng(clusters)
    a, b = rng.random(clusters), rng.random(clusters)
    exact = stats.permutation_test(
        (a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples",
        n_resamples=np.inf, vectorized=True,
    )  # fmt: skip
    found = paired_difference(a.tolist(), b.tolist(), clusters=names, resamples=4000)
    assert found.p == pytest.approx(exact.pvalue)


def test_a_clear_difference() -> None:
    rng = np.random.default_rng(8)
    b = rng.random(40)
    a = b + 0.2 + rng.normal(0, 0.05, 40)
    found = paired_difference(list(a), list(b))
    assert found.difference == pytest.approx(float((a - b).mean()))
    assert 0 < found.low < found.difference < found.high
    assert found.p == 1 / 2001
    assert found.wins + found.ties + found.losses == 40
    assert found.wins >= 39


def test_p_agrees_with_scipys_sign_flips() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(0.3, 1, 14), rng.normal(0, 1, 14)
    # 2**14 sign patterns, all of them.
    exact = stats.permutation_test(
        (a, b),
        lambda x, y: np.mean(x - y),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=False,
    ).pvalue
    found = paired_difference(list(a), list(b), resamples=20_000)
    assert found.p == pytest.approx(exact, abs=0.015)


def test_p_by_hand() -> None:
    # Three differences of 1: two of the eight sign patterns reach a sum of 3 or -3.
    found = paired_difference([1, 1, 1], [0, 0, 0], resamples=20_000)
    assert found.p == pytest.approx(1 / 4, abs=0.015)
    # As one cluster there is nothing to flip but all of it.
    assert paired_difference([1, 1, 1], [0, 0, 0], clusters=["a"] * 3).p == 1


def test_no_difference() -> None:
    found = paired_difference([0.5, 0.1, 0.2], [0.5, 0.1, 0.2])
    assert found == Difference(0, 0, 0, p=1, wins=0, ties=3, losses=0)


def test_rounding_does_not_make_equal_sums_less_extreme() -> None:
    # The differences 0.1, 0.2 and -0.3 sum to 0 but for rounding, so every pattern is as extreme.
    assert paired_difference([0.1, 0.2, 0.3], [0.0, 0.0, 0.6]).p == 1
    # Seven of ten equal steps up is a sign test, 352 of 1024 patterns; their sums of tenths differ
    # in rounding by where the signs fall, and taken exactly give a p of 0.11.
    a, b = [0.1] * 7 + [0.0] * 3, [0.0] * 7 + [0.1] * 3
    expected = stats.binomtest(7, 10).pvalue
    assert expected == pytest.approx(352 / 1024)
    assert paired_difference(a, b, resamples=20_000).p == pytest.approx(expected, abs=0.015)


def test_p_is_not_too_small_too_often_where_nothing_differs() -> None:
    rng = np.random.default_rng(10)
    small = 0
    for seed in range(300):
        a, b = rng.random(20), rng.random(20)
        small += paired_difference(list(a), list(b), resamples=200, seed=seed).p <= 0.1
    assert 0.04 <= small / 300 <= 0.17


@settings(max_examples=40, deadline=None)
@given(values_between_0_and_1)
def test_an_interval_stays_within_its_values(values: list[float]) -> None:
    found = interval(values, resamples=100)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.value == pytest.approx(np.mean(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_swapping_systems_mirrors_the_difference(pairs: list[tuple[float, float]]) -> None:
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    forth, back = paired_difference(a, b, resamples=100), paired_difference(b, a, resamples=100)
    assert forth.difference == -back.difference
    assert forth.p == back.p
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert (forth.wins, forth.ties, forth.losses) == (back.losses, back.ties, back.wins)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], []),
        ([0.03], [0.03]),
        # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 but not below 0.06.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.6, 0.5], [1.0, 1.0]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holm_by_hand(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(expected)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_p(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, p])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_between_the_raw_p_and_bonferroni(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p_values)) + 1e-12
