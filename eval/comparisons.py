"""Compares arms two by two on the questions both answered: interval, test, verdict word.

Exact McNemar takes questions for independent. They are not: those of one document share its luck.
In simulations on the built-in corpora's documents (400 sets each, intraclass correlation 0.11 to
0.2; a smaller one is tests/test_comparisons.py) McNemar alone finds a difference between equal arms
in 11 to 22 of 100 sets instead of 5. So for right-or-wrong scores both McNemar and a sign-flip test
of whole documents must find it: the larger p counts, and 3 to 5 of 100 are wrong. Where every
question has a document of its own the two are one test, and McNemar's exact p is given.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.wilson import wilson
from eval.bootstrap import Difference, effective_clusters, holm, paired_difference
from eval.detectable import smallest_detectable
from eval.mcnemar import exact_mcnemar
from eval.measured import DECIMALS
from eval.results import ResultRow

Verdict = Literal["better", "worse", "no clear difference"]

#: The metrics that arms are compared on.
COMPARED = ("accuracy", "exact_match", "f1")
#: Below this adjusted p a difference is called one.
SIGNIFICANCE = 0.05
_RESAMPLES = 4000

MCNEMAR = "exact McNemar"
MCNEMAR_CLUSTERED = (
    "exact McNemar and sign-flip permutation clustered by document, the larger p of both"
)
PERMUTATION = "sign-flip permutation, clustered by document"


@dataclass(frozen=True)
class Pair:
    """Scores of `a` and of `b` in one metric, question by question, and what each clusters by."""

    metric: str
    a: str
    b: str
    first: list[float]
    second: list[float]
    clusters: list[str]


@dataclass(frozen=True)
class _Tested:
    """A pair's difference, and the test that its p is of."""

    found: Difference
    test: str
    p: float


def cluster_of(row: ResultRow) -> str:
    """Name what a row's question depends on with others: its document, else the question alone."""
    return row.document or f"question {row.question_id}"


def compare_arms(
    by_arm: Mapping[str, Sequence[ResultRow]],
    *,
    metrics: Sequence[str] = COMPARED,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Compare every pair of arms in every metric, each on the questions both answered.

    p is adjusted by Holm over the pairs of arms in one metric, so the chance that any verdict in it
    is false stays within 5 %. A verdict other than "no clear difference" asks for an adjusted p
    below 0.05 and an interval that excludes 0. Arms with no question in common have no entry.

    :param by_arm: rows of each arm, at most one a question.
    :returns: the contract's comparisons, with `n` (questions both answered), `documents`, and
        `detectable`.
    """
    pairs = [
        pair
        for metric, (a, b) in itertools.product(metrics, itertools.combinations(by_arm, 2))
        if (pair := _paired(by_arm, metric, a, b)).first
    ]
    return compare_pairs(pairs, seed=seed)


#: Groups of questions in which another arm may be the better one.
GROUPS = ("reworded", "untrained", "declined")


def compare_groups(
    by_arm: Mapping[str, Sequence[ResultRow]], *, declined_kinds: Sequence[str], seed: int = 0
) -> list[dict[str, Any]]:
    """Compare every pair of arms in accuracy within each of `GROUPS`, adjusted over all of them.

    "reworded" and "untrained" are questions with an answer, by what training saw of their fact;
    "declined" those that are to be declined. Each entry has its `group`.
    """
    pairs, groups = [], []
    for group in GROUPS:
        part = {
            arm: [row for row in rows if _group(row, declined_kinds) == group]
            for arm, rows in by_arm.items()
        }
        for a, b in itertools.combinations(part, 2):
            pair = _paired(part, "accuracy", a, b)
            if pair.first:
                pairs.append(pair)
                groups.append(group)
    return [
        {"group": group, **described}
        for group, described in zip(groups, compare_pairs(pairs, seed=seed), strict=True)
    ]


def _group(row: ResultRow, declined_kinds: Sequence[str]) -> str | None:
    return "declined" if row.kind in declined_kinds else row.exposure


def _paired(by_arm: Mapping[str, Sequence[ResultRow]], metric: str, a: str, b: str) -> Pair:
    others = {row.question_id: row for row in by_arm[b]}
    both = [(row, others[row.question_id]) for row in by_arm[a] if row.question_id in others]
    return Pair(
        metric=metric,
        a=a,
        b=b,
        first=[row.metrics[metric] for row, _ in both],
        second=[row.metrics[metric] for _, row in both],
        clusters=[cluster_of(row) for row, _ in both],
    )


def compare_pairs(pairs: Sequence[Pair], *, seed: int = 0) -> list[dict[str, Any]]:
    """Test pairs as `compare_arms` does, p adjusted by Holm over those of one metric."""
    tested = [_test(pair, seed) for pair in pairs]
    described: dict[int, dict[str, Any]] = {}
    for metric in dict.fromkeys(pair.metric for pair in pairs):
        mine = [number for number, pair in enumerate(pairs) if pair.metric == metric]
        adjusted = holm([tested[number].p for number in mine])
        unclear = sum(p >= SIGNIFICANCE for p in adjusted)
        for number, p in zip(mine, adjusted, strict=True):
            # Holm calls a p that is below the level over the pairs that are not called yet.
            family = max(1, unclear if p >= SIGNIFICANCE else unclear + 1)
            described[number] = _describe(pairs[number], tested[number], p, family)
    return [described[number] for number in range(len(pairs))]


def _test(pair: Pair, seed: int) -> _Tested:
    found = paired_difference(
        pair.first, pair.second, clusters=pair.clusters, resamples=_RESAMPLES, seed=seed
    )
    if not {*pair.first, *pair.second} <= {0.0, 1.0}:
        return _Tested(found, PERMUTATION, found.p)
    exact = exact_mcnemar(found.losses, found.wins)
    if len(set(pair.clusters)) == len(pair.clusters):
        return _Tested(found, MCNEMAR, exact)
    return _Tested(found, MCNEMAR_CLUSTERED, max(exact, found.p))


def _describe(pair: Pair, tested: _Tested, p_adjusted: float, family: int) -> dict[str, Any]:
    found = tested.found
    low, high = _bounds(found, pair.clusters)
    differences = [one - other for one, other in zip(pair.first, pair.second, strict=True)]
    detectable = smallest_detectable(
        differences, clusters=pair.clusters, alpha=SIGNIFICANCE / family
    )
    return {
        "metric": pair.metric,
        "a": pair.a,
        "b": pair.b,
        "difference": round(found.difference, DECIMALS),
        "low": round(low, DECIMALS),
        "high": round(high, DECIMALS),
        "p": round(tested.p, 5),
        "p_adjusted": round(p_adjusted, 5),
        "test": tested.test,
        "wins": found.wins,
        "ties": found.ties,
        "losses": found.losses,
        "verdict": verdict_word(low, high, p_adjusted),
        "n": len(pair.first),
        "documents": len(set(pair.clusters)),
        "detectable": round(detectable, DECIMALS),
    }


def _bounds(found: Difference, clusters: Sequence[str]) -> tuple[float, float]:
    """Give the interval, widened where all differences are 0, 1 or -1 and resampling sees none.

    Then Wilson's bound on the share of other outcomes, each as far off as it can be.
    """
    if found.low != found.high or found.difference not in (-1, 0, 1):
        return found.low, found.high
    other = wilson(0, effective_clusters(clusters))[1] * (1 if found.difference == 0 else 2)
    return max(-1.0, found.difference - other), min(1.0, found.difference + other)


def verdict_word(low: float, high: float, p_adjusted: float) -> Verdict:
    """Give the word for a difference of this interval and adjusted p."""
    if p_adjusted >= SIGNIFICANCE or low <= 0 <= high:
        return "no clear difference"
    return "better" if low > 0 else "worse"
