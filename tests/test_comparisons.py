"""Verdicts between arms: the tests they rest on, and how often they are wrong of equal arms."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from eval.bootstrap import holm, interval, ratio
from eval.comparisons import (
    MCNEMAR,
    MCNEMAR_CLUSTERED,
    PERMUTATION,
    compare_arms,
    compare_groups,
    verdict_word,
)
from eval.detectable import design_effect, smallest_detectable
from eval.mcnemar import exact_mcnemar
from eval.results import ResultRow
from eval.scores import METRICS

#: How many questions each document of the solar-system corpus has in the test split.
SIZES = [1] * 24 + [7] * 12 + [6] * 8 + [4] * 7 + [5] * 7 + [8] * 6 + [10] * 5 + [9] * 5 + [11] * 4 + [3, 23]  # fmt: skip
DOCUMENTS = [f"d{number}" for number, size in enumerate(SIZES) for _ in range(size)]


def _rows(
    arm: str, values: Sequence[float], documents: Sequence[str], **fields: object
) -> list[ResultRow]:
    return [
        ResultRow(
            question_id=f"q{number}", arm=arm, prediction="x", references=("x",),
            metrics=dict.fromkeys(METRICS, float(value)), hits=(), citations=(), abstained=False,
            seconds=0.1, prompt_tokens=1, completion_tokens=1, document=document,
            **{"kind": "fact", "exposure": None, **fields},
        )
        for number, (value, document) in enumerate(zip(values, documents, strict=True))
    ]  # fmt: skip


def _equal_arms(rng: np.random.Generator, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Two arms that are right equally often, each with a luck of its own in each document.

    `spread` is the beta distribution's a + b: 4 is an intraclass correlation of 0.2.
    """
    arms = []
    for _ in range(2):
        luck = rng.beta(0.6 * spread, 0.4 * spread, len(SIZES))
        arms.append((rng.random(len(DOCUMENTS)) < np.repeat(luck, SIZES)).astype(float))
    return arms[0], arms[1]


def test_single_questions_get_exact_mcnemar() -> None:
    a, b = [1] * 9 + [0] + [1] * 10, [0] * 9 + [1] + [1] * 10
    documents = [f"d{n}" for n in range(20)]
    found = compare_arms({"rag": _rows("rag", a, documents), "sft": _rows("sft", b, documents)})
    assert [one["metric"] for one in found] == ["accuracy", "exact_match", "f1"]
    one = found[0]
    assert one["test"] == MCNEMAR
    assert one["p"] == pytest.approx(stats.binomtest(1, 10).pvalue, abs=1e-5)
    # One pair of arms in each metric: Holm has nothing to adjust.
    assert one["p_adjusted"] == one["p"]
    assert (one["wins"], one["ties"], one["losses"], one["n"]) == (9, 10, 1, 20)
    assert one["verdict"] == "better"


def test_holm_is_over_the_pairs_of_arms_in_one_metric() -> None:
    a, b, c = [1] * 9 + [0] + [1] * 10, [0] * 9 + [1] + [1] * 10, [1] * 20
    documents = [f"d{n}" for n in range(20)]
    found = compare_arms(
        {name: _rows(name, right, documents) for name, right in (("a", a), ("b", b), ("c", c))}
    )
    for metric in ("accuracy", "exact_match", "f1"):
        mine = [one for one in found if one["metric"] == metric]
        assert [one["p_adjusted"] for one in mine] == pytest.approx(
            holm([one["p"] for one in mine]), abs=5e-5
        )
    # Of 10 differences 9 go one way: p .021, and .043 beside another pair that is not called.
    accuracy = {(one["a"], one["b"]): one for one in found if one["metric"] == "accuracy"}
    assert accuracy["a", "b"]["p_adjusted"] == pytest.approx(2 * accuracy["a", "b"]["p"], abs=5e-5)
    assert accuracy["a", "b"]["verdict"] == "better"
    alone = compare_arms(
        {"a": _rows("a", a, documents), "b": _rows("b", b, documents)}, metrics=["accuracy"]
    )
    assert accuracy["a", "b"]["detectable"] > alone[0]["detectable"], "judged at a lower level"


@pytest.mark.parametrize(("groups", "told"), [(6, False), (7, False), (8, True), (10, True)])
def test_few_documents_are_told_to_be_too_few_or_are_enough(groups: int, told: bool) -> None:
    rng = np.random.default_rng(groups)
    documents = [f"d{n % groups}" for n in range(20 * groups)]
    shares = {"base": 0.05, "sft": 0.25, "rag": 0.85, "sft+rag": 0.86}
    arms = {
        name: _rows(name, (rng.random(len(documents)) < share).astype(int).tolist(), documents)
        for name, share in shares.items()
    }
    found = {(one["a"], one["b"]): one for one in compare_arms(arms) if one["metric"] == "accuracy"}
    one = found["sft", "rag"]
    # Signs of so few documents are never rare enough for six pairs; then it is said so.
    assert (one["verdict"] == "worse") is told
    assert (one["detectable"] < 1) is told
    same = found["rag", "sft+rag"]
    assert same["verdict"] == "no clear difference"
    assert same["detectable"] >= abs(same["difference"])


def test_questions_of_one_document_do_not_count_as_independent() -> None:
    # Twelve wins of one document and nothing else: McNemar alone would be sure.
    documents = ["one"] * 12 + [f"d{n}" for n in range(12)]
    a, b = [1] * 24, [0] * 12 + [1] * 12
    [one] = compare_arms(
        {"a": _rows("a", a, documents), "b": _rows("b", b, documents)}, metrics=["accuracy"]
    )
    assert exact_mcnemar(0, 12) < 0.001
    assert one["test"] == MCNEMAR_CLUSTERED
    assert one["p"] == 1
    assert one["verdict"] == "no clear difference"
    assert one["documents"] == 13


def test_scores_between_0_and_1_get_a_permutation() -> None:
    rng = np.random.default_rng(1)
    b = rng.uniform(0, 0.5, 60)
    found = compare_arms(
        {
            "a": _rows("a", list(b + 0.3), [f"d{n // 3}" for n in range(60)]),
            "b": _rows("b", list(b), [f"d{n // 3}" for n in range(60)]),
        },
        metrics=["f1"],
    )
    assert found[0]["test"] == PERMUTATION
    assert found[0]["verdict"] == "better"
    assert found[0]["difference"] == pytest.approx(0.3)


def test_arms_are_compared_on_what_both_answered() -> None:
    documents = [f"d{n}" for n in range(30)]
    a, b = _rows("a", [1] * 30, documents), _rows("b", [0] * 30, documents)
    [one] = compare_arms({"a": a[:25], "b": b[5:]}, metrics=["accuracy"])
    assert one["n"] == 20 and one["wins"] == 20
    assert one["verdict"] == "better"
    [back] = compare_arms({"b": b[5:], "a": a[:25]}, metrics=["accuracy"])
    assert back["verdict"] == "worse" and back["p"] == one["p"]
    assert compare_arms({"a": a[:5], "b": b[5:]}) == []


def test_arms_that_never_differ_are_not_called_equal() -> None:
    documents = [f"d{n}" for n in range(12)]
    rows = {arm: _rows(arm, [1] * 12, documents) for arm in ("a", "b")}
    [one] = compare_arms(rows, metrics=["accuracy"])
    assert (one["difference"], one["p"], one["verdict"]) == (0, 1, "no clear difference")
    # Wilson: none of twelve is up to 24 %.
    assert (one["low"], one["high"]) == (
        pytest.approx(-0.2425, abs=1e-3),
        pytest.approx(0.2425, abs=1e-3),
    )
    assert one["detectable"] > 0.1


def test_groups_are_compared_apart() -> None:
    documents = [f"d{n}" for n in range(20)]
    rows = {
        "sft": _rows("sft", [1] * 20, documents, exposure="reworded"),
        "rag": _rows("rag", [0] * 20, documents, exposure="reworded"),
    }
    other = {
        "sft": _rows("sft", [0] * 20, documents, exposure="untrained"),
        "rag": _rows("rag", [1] * 20, documents, exposure="untrained"),
    }
    both = {
        arm: rows[arm]
        + [one.model_copy(update={"question_id": f"u{one.question_id}"}) for one in other[arm]]
        for arm in rows
    }
    found = compare_groups(both, declined_kinds=("unanswerable", "refusal"))
    assert [(one["group"], one["verdict"]) for one in found] == [("reworded", "better"), ("untrained", "worse")]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "p", "word"),
    [
        (0.01, 0.2, 0.049, "better"),
        (-0.2, -0.01, 0.01, "worse"),
        (0.01, 0.2, 0.05, "no clear difference"),
        (0.0, 0.2, 0.01, "no clear difference"),
    ],
)
def test_a_verdict_asks_for_both_the_test_and_the_interval(low: float, high: float, p: float, word: str) -> None:  # fmt: skip
    assert verdict_word(low, high, p) == word


def test_the_interval_covers_as_often_as_it_says_where_documents_differ() -> None:
    """The mean of one arm, on the documents of a built-in corpus, intraclass correlation 0.11."""
    rng = np.random.default_rng(2)
    covered, trials = 0, 1000
    for seed in range(trials):
        luck = rng.beta(0.6 * 8, 0.4 * 8, len(SIZES))
        right = (rng.random(len(DOCUMENTS)) < np.repeat(luck, SIZES)).astype(float)
        # A few seeds: the draws, which are kept, are not what is tested.
        found = interval(right.tolist(), clusters=DOCUMENTS, resamples=1000, seed=seed % 7)
        covered += found.low <= 0.6 <= found.high
    assert 0.93 <= covered / trials <= 0.97


def test_equal_arms_are_rarely_called_different_where_mcnemar_alone_would_often() -> None:
    rng = np.random.default_rng(3)
    false = alone = 0
    trials = 300
    for seed in range(trials):
        a, b = _equal_arms(rng, spread=8)
        [one] = compare_arms(
            {"a": _rows("a", a, DOCUMENTS), "b": _rows("b", b, DOCUMENTS)},
            metrics=["accuracy"],
            seed=seed % 7,
        )
        false += one["verdict"] != "no clear difference"
        alone += exact_mcnemar(one["losses"], one["wins"]) < 0.05
    assert false / trials <= 0.06
    assert alone / trials > 0.06


def test_the_detectable_difference_is_detected_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    # 80 documents of 5: arms independent given the question, so the difference's variance is known.
    documents = [f"d{n // 5}" for n in range(400)]
    expected = smallest_detectable(
        list(rng.binomial(1, 0.6, 400) - rng.binomial(1, 0.6, 400).astype(float)), clusters=documents
    )  # fmt: skip
    found, trials = 0, 300
    for seed in range(trials):
        a = rng.binomial(1, 0.6 + expected / 2, 400)
        b = rng.binomial(1, 0.6 - expected / 2, 400)
        [one] = compare_arms(
            {"a": _rows("a", list(a), documents), "b": _rows("b", list(b), documents)},
            metrics=["accuracy"],
            seed=seed % 7,
        )
        found += one["verdict"] == "better"
    # Four standard errors of 300 trials (2.3 points each), and what one sample's variance is off.
    assert 0.69 <= found / trials <= 0.9


def test_detectable_by_hand_for_independent_questions() -> None:
    # 250 of 400 level, 75 won and 75 lost: variance (150 + 1) / 401, t of 399 degrees of freedom.
    differences = [1.0] * 75 + [-1.0] * 75 + [0.0] * 250
    error = (151 / 401 / 400) ** 0.5
    expected = (stats.t.ppf(0.975, 399) + stats.t.ppf(0.8, 399)) * error
    found = smallest_detectable(differences, clusters=[str(n) for n in range(400)])
    assert found == pytest.approx(expected)
    assert found == pytest.approx(0.0861, abs=5e-4)


def test_whole_documents_that_swing_make_less_detectable() -> None:
    differences = ([1.0] * 5 + [-1.0] * 5) * 20
    together = [str(n // 5) for n in range(200)]
    assert design_effect(differences, together) == pytest.approx(5, rel=0.05)
    assert smallest_detectable(differences, clusters=together) > 2 * smallest_detectable(
        differences, clusters=[str(n) for n in range(200)]
    )


@pytest.mark.parametrize("documents", [["one"] * 9, list("aabbccdde")])
def test_too_few_documents_detect_nothing(documents: list[str]) -> None:
    # Five documents: no pattern of signs is rarer than 2 in 32.
    assert smallest_detectable([0.5] * 9, clusters=documents) == 1
    with pytest.raises(ValueError, match="one cluster for each"):
        smallest_detectable([], clusters=[])


def test_the_clustered_interval_is_about_scipys() -> None:
    rng = np.random.default_rng(5)
    luck = rng.beta(4, 4, len(SIZES))
    right = (rng.random(len(DOCUMENTS)) < np.repeat(luck, SIZES)).astype(float)
    sums = np.array([right[[d == f"d{n}" for d in DOCUMENTS]].sum() for n in range(len(SIZES))])
    theirs = stats.bootstrap(
        (sums, np.array(SIZES)), lambda x, n, axis: x.sum(axis) / n.sum(axis), paired=True,
        method="percentile", n_resamples=9999, rng=np.random.default_rng(6),
    ).confidence_interval  # fmt: skip
    ours = interval(list(right), clusters=DOCUMENTS, resamples=9999)
    # Ours is moved out to Student's t over some 55 effective documents: 3 % of half the width.
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)
    assert ours.high - ours.low > width


def test_a_ratio_is_of_sums_and_nothing_for_nothing() -> None:
    found = ratio([1, 0, 1, 1], [1, 1, 1, 2])
    assert found is not None
    assert found.value == pytest.approx(3 / 5)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert ratio([0, 0], [0, 0]) is None
    with pytest.raises(ValueError, match="none below 0"):
        ratio([1], [-1])
