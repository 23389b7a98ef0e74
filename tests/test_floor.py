"""Where nothing found is near enough no answer is made, and how often that errs is counted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from core.records import Hit, Passage, Question
from rag.floor import (
    MOST_WITHHELD,
    Floor,
    area_under_curve,
    calibrated_floor,
    choose_floor,
    nearness,
)

ANSWERABLE = st.lists(st.floats(-1, 1, width=16), min_size=50, max_size=120)
UNANSWERABLE = st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=40)


def hit(similarity: float | None, sentence: float | None = None) -> Hit:
    passage = Passage(id="d#0", document_id="d", start=0, end=1, text="x")
    return Hit(passage=passage, score=1, similarity=similarity, sentence_similarity=sentence)


class Near:
    """A retriever that finds a passage as near as the question says."""

    name, fingerprint = "near/g1", "f"

    def __init__(self) -> None:
        self.asked = 0

    def retrieve(self, question: str, k: int, *, documents: object = None) -> list[Hit]:
        self.asked += 1
        return [hit(0.1), hit(float(question.rpartition(" ")[2]))]


def asked(*near: float, kind: str = "fact") -> list[Question]:
    return [
        Question(id=f"{kind}{value}", question=f"how near ? {value}", kind=kind, answers=("a",))
        for value in near
    ]


def test_the_nearest_of_all_that_was_found_counts() -> None:
    assert nearness([hit(0.2, 0.5), hit(None, 0.4), hit(0.6, None)]) == 0.6
    assert nearness([]) == -1


def test_no_more_than_a_few_answerable_questions_are_withheld() -> None:
    # Of 400, two may lie below: the third from below is the floor.
    answerable = [0.50 + n / 1000 for n in range(400)]
    floor = choose_floor(answerable, [0.1, 0.2, 0.501, 0.502, 0.9])
    assert floor.value == 0.502
    assert floor.withheld_wrongly == pytest.approx(0.005)
    assert floor.answered_wrongly == pytest.approx(0.4)
    assert floor.area_under_curve == pytest.approx((400 + 400 + 398.5 + 397.5 + 0) / 2000)


def test_too_few_questions_set_no_floor() -> None:
    floor = choose_floor([0.9] * 49, [0.1] * 9)
    assert (floor.value, floor.answerable, floor.unanswerable) == (None, 49, 9)
    assert "no answer is withheld" in floor.told()


def test_without_unanswerable_questions_half_is_not_known() -> None:
    floor = choose_floor([0.5 + n / 200 for n in range(50)], [])
    assert floor.value == 0.5
    assert (floor.answered_wrongly, floor.area_under_curve) == (None, None)
    assert floor.told().endswith("validation questions that the documents answer")


@given(ANSWERABLE, UNANSWERABLE)
def test_the_floor_keeps_its_promise_and_its_counts(
    answerable: list[float], unanswerable: list[float]
) -> None:
    floor = choose_floor(answerable, unanswerable)
    assert floor.value is not None
    below = sum(one < floor.value for one in answerable) / len(answerable)
    assert floor.withheld_wrongly == pytest.approx(below)
    assert below <= MOST_WITHHELD
    # Any higher floor withholds too many.
    higher = [one for one in answerable if one <= floor.value]
    assert len(higher) / len(answerable) > MOST_WITHHELD
    wanted = roc_auc_score(
        [1] * len(answerable) + [0] * len(unanswerable), answerable + unanswerable
    )
    assert area_under_curve(answerable, unanswerable) == pytest.approx(wanted)
    assert floor.area_under_curve == pytest.approx(wanted)


def test_a_floor_is_chosen_once_and_anew_when_questions_or_index_change(tmp_path: Path) -> None:
    questions = asked(*(0.4 + n / 100 for n in range(50))) + asked(0.1, 0.3, kind="unanswerable")
    refused = asked(0.05, 0.06, kind="refusal")
    near = Near()
    floor = calibrated_floor([*questions, *refused], near, tmp_path, k=3)
    assert floor.value == pytest.approx(0.4)
    assert (floor.answerable, floor.unanswerable, near.asked) == (50, 2, 52)
    assert calibrated_floor([*questions, *refused], near, tmp_path, k=3) == floor
    assert near.asked == 52
    near.fingerprint = "g"
    assert calibrated_floor(questions, near, tmp_path, k=3) == floor
    assert near.asked == 104
    assert calibrated_floor(questions[1:], near, tmp_path, k=3).value is None
    assert near.asked == 104, "too few: none is asked"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "x"}', '{"value": 1}'])
def test_a_damaged_floor_is_chosen_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "floor.json").write_text(content)
    questions = asked(*([0.9] * 50)) + asked(0.1, kind="unanswerable")
    assert calibrated_floor(questions, Near(), tmp_path, k=3).value == 0.9
    assert json.loads((tmp_path / "floor.json").read_text())["value"] == 0.9


def test_it_is_told_in_a_line() -> None:
    told = Floor(0.41, 100, 10, 0.02, 0.7, 0.66).told()
    assert "less than 0.41" in told
    assert "wrongly for 2.0% of 100" in told
    assert "not for 70% of 10" in told
