"""Declining as a classification, against scikit-learn and counts by hand."""

import pytest
from sklearn.metrics import precision_recall_fscore_support

from eval.abstention import abstention, did_decline
from eval.results import ResultRow
from eval.scores import METRICS


def _row(number: int, kind: str, prediction: str, *, abstained: bool = False) -> ResultRow:
    return ResultRow(
        question_id=f"q{number}", arm="rag", prediction=prediction,
        references=("That is private.",) if kind == "refusal" else ("x",), kind=kind, exposure=None,
        metrics=dict.fromkeys(METRICS, 0.0), hits=(), citations=(), abstained=abstained, seconds=0,
        prompt_tokens=1, completion_tokens=1, document=f"d{number // 2}",
    )  # fmt: skip


def test_counts_and_shares_are_scikit_learns() -> None:
    should = [True] * 6 + [False] * 14
    did = [True] * 4 + [False] * 2 + [True] * 3 + [False] * 11
    rows = [
        _row(n, "unanswerable" if one else "fact", "x", abstained=other)
        for n, (one, other) in enumerate(zip(should, did, strict=True))
    ]
    found = abstention(rows)
    precision, recall, f1, _ = precision_recall_fscore_support(should, did, average="binary")
    assert found["counts"] == {"tp": 4, "fp": 3, "fn": 2, "tn": 11}
    assert found["n"] == 20
    for name, value in (("accuracy", 15 / 20), ("precision", precision), ("recall", recall), ("f1", f1)):  # fmt: skip
        assert found[name]["value"] == pytest.approx(value, abs=1e-4)
        assert 0 <= found[name]["low"] < value < found[name]["high"] <= 1


def test_a_refusal_in_plain_or_approved_words_declines() -> None:
    assert did_decline(_row(0, "refusal", "Sorry. That is private."))
    assert did_decline(_row(0, "fact", "I cannot help with that."))
    assert not did_decline(_row(0, "fact", "That is private."))
    assert not did_decline(_row(0, "fact", ""))


def test_a_share_of_nothing_is_left_out() -> None:
    found = abstention([_row(n, "fact", "x") for n in range(8)])
    assert set(found) == {"accuracy", "counts", "n"}
    assert found["accuracy"]["value"] == 1
    # Eight of eight are no certainty.
    assert 0.4 < found["accuracy"]["low"] < 0.8
    never = abstention([_row(n, "unanswerable", "x") for n in range(8)])
    assert "precision" not in never
    assert never["recall"]["value"] == never["f1"]["value"] == 0
    assert never["recall"]["high"] > 0.2
