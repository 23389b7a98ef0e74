"""McNemar's exact test and Wilson's interval against values worked out outside the project."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from eval.mcnemar import exact_mcnemar, wilson


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 32),
        (6, 0, 2 / 64),
        (1, 9, 22 / 1024),  # 2 (1 + 10) / 2^10
        (2, 8, 112 / 1024),  # 2 (1 + 10 + 45) / 2^10
        (3, 3, 1.0),
        (9, 12, 0.6636),  # 2 P(X <= 9 | 21, 1/2) = 1391770 / 2^21
    ],
)
def test_p_is_the_two_sided_binomial_s(lost: int, gained: int, p: float) -> None:
    assert exact_mcnemar(lost, gained) == pytest.approx(p, abs=5e-5)


@given(st.integers(0, 300), st.integers(0, 300))
def test_p_is_twice_the_smaller_tail(lost: int, gained: int) -> None:
    p = exact_mcnemar(lost, gained)
    assert p == pytest.approx(exact_mcnemar(gained, lost))
    tail = 2 * binom.cdf(min(lost, gained), lost + gained, 0.5)
    assert p == pytest.approx(min(1.0, tail))
    if lost + gained <= 60:
        exact = sum(math.comb(lost + gained, k) for k in range(min(lost, gained) + 1))
        assert p == pytest.approx(min(1.0, 2 * exact / 2 ** (lost + gained)))


def test_counts_are_never_negative() -> None:
    with pytest.raises(ValueError, match="never negative"):
        exact_mcnemar(-1, 2)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_the_published_interval(count: int, of: int, low: float, high: float) -> None:
    found = wilson(count, of)
    assert found.value == count / of
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_says_nothing() -> None:
    found = wilson(0, 0)
    assert (found.low, found.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="is no share"):
        wilson(3, 2)
