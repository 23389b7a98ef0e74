"""What a summary makes of whole, partial and spoilt rows, and the verdict on each."""

import math
from collections.abc import Callable

import pytest

from core.errors import EvaluationError
from eval.results import ResultRow
from eval.scores import METRICS
from eval.summary import summarise
from eval.tables import arms_table

Right = Callable[[int], bool]


def _rows(arm: str, right: Right, *, n: int = 120, **fields: object) -> list[ResultRow]:
    """An arm's rows: of four questions in turn two are trained facts and two are not."""
    return [
        ResultRow(
            question_id=f"q{i}", arm=arm, prediction="x", references=("x",),
            metrics=dict.fromkeys(METRICS, float(right(i))), hits=(), citations=(), abstained=False,
            seconds=0.1, prompt_tokens=1, completion_tokens=1, document=f"d{i // 4}",
            length_ratio=1.5, **{"kind": "fact", "exposure": "reworded" if i % 4 < 2 else "untrained", **fields},
        )
        for i in range(n)
    ]  # fmt: skip


def _summary(*arms: list[ResultRow], coverage: dict | None = None) -> dict:
    rows = [row for arm in arms for row in arm]
    return summarise(rows, corpus="c", split="test", provenance={}, coverage=coverage)


def _never(_: int) -> bool:
    return False


def _mostly(i: int) -> bool:
    return i % 10 != 0


def test_a_clear_best_arm_is_named_and_sure() -> None:
    found = _summary(
        _rows("base", _never), _rows("sft", lambda i: i % 2 == 0), _rows("rag", _mostly)
    )
    verdict = found["verdict"]
    assert (verdict["best"], verdict["sure"]) == ("rag", True)
    assert verdict["sentence"].startswith(
        "Retrieval answers better than fine-tuning on this set by "
    )
    assert "than the model as it is" in verdict["sentence"]
    assert any("120 questions" in r or "of 120" in r for r in verdict["reasons"])
    assert found["arms"]["rag"]["length_ratio"] == {"value": 1.5, "low": 1.5, "high": 1.5, "n": 120}
    assert "similarity" not in found["arms"]["rag"]


def test_the_mix_is_told_and_makes_the_best_unsure() -> None:
    trained = _rows("sft", lambda i: i % 4 < 2)
    both_kinds = _rows("rag", lambda i: i % 4 >= 2 or i % 8 < 2)
    found = _summary(trained, both_kinds)["verdict"]
    assert "on trained facts in other words (60) fine-tuning is better than retrieval by 50 points" in found["sentence"]  # fmt: skip
    assert "on facts it was not trained on (60) retrieval is better than fine-tuning by 100 points" in found["sentence"]  # fmt: skip
    assert found["best"] == "rag" and not found["sure"]
    assert any("another mix" in reason for reason in found["reasons"])


def test_equal_arms_have_no_best_and_are_not_called_equal() -> None:
    found = _summary(_rows("sft", lambda i: i % 2 == 0), _rows("rag", lambda i: i % 2 == 1))[
        "verdict"
    ]
    assert (found["best"], found["sure"]) == (None, False)
    assert "no clear difference" in found["sentence"]
    assert "equal" not in found["sentence"] and "same" not in found["sentence"]


def test_neither_is_said_where_nothing_beats_the_base() -> None:
    found = _summary(*(_rows(arm, _mostly) for arm in ("base", "sft", "rag", "sft+rag")))["verdict"]
    assert found["best"] is None
    assert "no clear difference from the model as it is" in found["sentence"]


def test_a_small_set_says_so() -> None:
    found = _summary(
        _rows("sft", lambda i: i % 2 == 0, n=24), _rows("rag", lambda i: i % 3 == 0, n=24)
    )
    assert "too small to tell" in found["verdict"]["sentence"]
    assert any(reason.startswith("Too small a set") for reason in found["verdict"]["reasons"])


def test_one_question_gives_the_honest_reduced_result() -> None:
    found = _summary(_rows("sft", _never, n=1), _rows("rag", lambda i: True, n=1))
    assert found["n"] == 1
    assert found["arms"]["rag"]["metrics"]["accuracy"] == {"value": 1.0, "low": 0.2065, "high": 1.0}
    assert {one["verdict"] for one in found["comparisons"]} == {"no clear difference"}
    assert {one["detectable"] for one in found["comparisons"]} == {1}
    assert "no difference could have been detected" in found["verdict"]["sentence"]


def test_one_arm_alone_is_compared_with_nothing() -> None:
    found = _summary(_rows("rag", _mostly))
    assert found["comparisons"] == []
    assert found["verdict"]["sentence"].startswith("Only retrieval was asked")
    assert found["verdict"]["best"] is None


def test_arms_with_failures_are_compared_on_what_both_answered() -> None:
    rag = _rows("rag", _mostly)[:100]
    failed = [{"question_id": f"q{i}", "error": "It broke."} for i in range(100, 120)]
    coverage = {
        "asked": 120,
        "arms": {
            "sft": {"answered": 120, "failed": []},
            "rag": {"answered": 100, "failed": failed},
        },
    }
    found = _summary(_rows("sft", _never), rag, coverage=coverage)
    assert found["n"] == 120 and found["coverage"] == coverage
    assert {one["n"] for one in found["comparisons"]} == {100}
    assert found["verdict"]["best"] == "rag" and not found["verdict"]["sure"]
    assert any("answered 100 of 120" in reason for reason in found["verdict"]["reasons"])
    # Rows alone tell as much of the coverage, but not why.
    assert _summary(_rows("sft", _never), rag)["coverage"]["arms"]["rag"]["answered"] == 100


def test_arms_with_no_question_in_common_are_not_compared() -> None:
    rows = _rows("sft", _never)
    found = _summary(rows[:60], _rows("rag", _mostly)[60:])
    assert found["comparisons"] == []
    assert "answered no question in common" in found["verdict"]["sentence"]


def test_the_table_marks_a_slice_that_an_arm_answered_nothing_of() -> None:
    whole = _rows("sft", _never)
    table = arms_table(_summary([row for row in whole if row.exposure == "untrained"], _rows("rag", _mostly)))  # fmt: skip
    assert "| reworded | 60 | – | 0.90 [" in table


def test_measures_are_averaged_where_rows_carry_them() -> None:
    rows = _rows("rag", _mostly, similarity=0.5, support=1.0)
    rows[0] = rows[0].model_copy(update={"similarity": None})
    arm = _summary(rows)["arms"]["rag"]
    assert (arm["similarity"]["value"], arm["similarity"]["n"]) == (0.5, 119)
    assert arm["support"]["value"] == 1 and 0.8 < arm["support"]["low"] < 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: [], "the split has no questions"),
        (lambda rows: [*rows, rows[3]], "The question q3 has two answers of the arm rag"),
        (
            lambda rows: [
                rows[0].model_copy(update={"metrics": {**rows[0].metrics, "f1": math.nan}})
            ],
            "The score of q0 by the arm rag is nan in f1",
        ),
        (lambda rows: [rows[0].model_copy(update={"metrics": {}})], "lacks exact_match"),
        (lambda rows: [rows[0].model_copy(update={"support": math.inf})], "is inf in support"),
        (
            lambda rows: [row.model_copy(update={"references": (" ",)}) for row in rows],
            "None of the 120 questions has a reference answer",
        ),
    ],
)
def test_spoilt_rows_are_a_sentence(spoil: Callable, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        _summary(spoil(_rows("rag", _mostly)))


def test_a_run_in_which_all_failed_says_why() -> None:
    failed = {"asked": 1, "arms": {"rag": {"answered": 0, "failed": [{"question_id": "q0", "error": "It broke."}]}}}  # fmt: skip
    with pytest.raises(
        EvaluationError, match=r"each of the 1 failed, the first \(q0\) with: It broke"
    ):
        _summary(coverage=failed)


def test_questions_without_reference_are_left_out_and_counted() -> None:
    rows = _rows("rag", _mostly)
    rows[0] = rows[0].model_copy(update={"references": ()})
    found = _summary(rows)
    assert found["coverage"]["without_reference"] == ["q0"]
    assert found["arms"]["rag"]["by_kind"]["fact"]["n"] == 119


def test_f1_that_says_the_opposite_takes_the_sureness() -> None:
    sft, rag = _rows("sft", _never), _rows("rag", lambda i: True)
    sft = [row.model_copy(update={"metrics": {**row.metrics, "f1": 0.9}}) for row in sft]
    rag = [row.model_copy(update={"metrics": {**row.metrics, "f1": 0.4}}) for row in rag]
    found = _summary(sft, rag)["verdict"]
    assert found["best"] == "rag" and not found["sure"]
    assert any(reason.startswith("By F1 fine-tuning is better") for reason in found["reasons"])


def test_questions_without_evidence_say_nothing_of_retrieval() -> None:
    found, missed = ({"relevant": one} for one in (True, False))
    asked = _rows("rag", _mostly, n=40)
    named = [one.model_copy(update={"hits": (missed, found), "evidenced": True}) for one in asked]
    bare = [
        one.model_copy(
            update={"question_id": f"bare-{one.question_id}", "hits": (missed,), "evidenced": False}
        )
        for one in asked
    ]
    summary = _summary(named + bare)
    assert (summary["retrieval"]["hit@1"], summary["retrieval"]["hit@3"]) == (0, 1)
    assert summary["retrieval"] == _summary(named)["retrieval"]
    assert _summary(bare)["retrieval"] == {}, "nothing judged the hits: that is no zero"


def test_a_passage_that_was_not_found_is_told_from_one_that_was_not_read() -> None:
    rows = [
        one.model_copy(
            update={"diagnosis": "retrieval_missed", "hits": ({"relevant": number >= 10},)}
        )
        for number, one in enumerate(_rows("rag", _never, n=30))
    ]
    assert _summary(rows)["arms"]["rag"]["retrieval_missed"] == {"found": 20, "not_found": 10}


def test_where_no_answer_is_right_f1_decides_and_says_so() -> None:
    # References of whole sentences: nobody's answer contains one, and some are nearer.
    def told(arm: str, f1: float) -> list[ResultRow]:
        return [
            one.model_copy(update={"metrics": {**one.metrics, "f1": f1 + 0.01 * (number % 5)}})
            for number, one in enumerate(_rows(arm, _never))
        ]

    found = _summary(told("base", 0.1), told("sft", 0.2), told("rag", 0.4))["verdict"]
    assert found["sentence"].startswith("No answer of any arm holds an accepted one")
    assert "retrieval answers better than fine-tuning on this set by 20 points" in found["sentence"]
    assert (found["best"], found["sure"]) == ("rag", False)
    assert found["reasons"][0].startswith("F1 in hundredths: retrieval 42 (")
