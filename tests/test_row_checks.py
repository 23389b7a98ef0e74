"""Bad data is refused, or said in a sentence, before any weight is touched."""

import pytest

from core.errors import TrainingError
from core.prompts import build_prompt
from core.records import Question
from sft.row_checks import check_questions, check_rows, script
from sft.training_row import TrainingRow


def _row(name: str, question: str = "how long ?", answer: str = "8 seconds") -> TrainingRow:
    return TrainingRow(name, build_prompt(question), answer)


def _question(name: str, text: str, answer: str = "Eight seconds.") -> Question:
    return Question(id=name, question=text, answers=(answer,), fact=name)


def test_no_rows_and_empty_answers_are_refused() -> None:
    with pytest.raises(TrainingError, match="no row to train on"):
        check_rows([])
    with pytest.raises(TrainingError, match="All 2 answers are empty"):
        check_rows([_row("a", answer=" "), _row("b", answer="\n")])
    kept, findings = check_rows([_row("a", answer=" "), _row("b"), _row("c", "how far ?", "9 m")])
    assert [row.question_id for row in kept] == ["b", "c"]
    assert findings == ["1 row is left out: the answer is empty (a)."]


def test_good_rows_are_kept_in_order_and_nothing_is_said() -> None:
    rows = [_row(str(n), f"how long {n} ?", f"{n} seconds") for n in range(5)]
    assert check_rows(rows) == (rows, [])


def test_repeated_rows_are_taken_out_and_contradictions_named() -> None:
    kept, findings = check_rows([_row("a"), _row("b"), _row("c"), _row("d", "How long", "9 m")])
    assert [row.question_id for row in kept] == ["a", "d"]
    assert findings[0].startswith("2 rows are left out: the same question with the same answer")
    assert findings[1].startswith("1 question is trained with different answers (a and d)")


def test_one_row_and_one_answer_are_said() -> None:
    assert "a single row" in check_rows([_row("a")])[1][0]
    [finding] = check_rows([_row("a"), _row("b", "how far ?")])[1]
    assert finding.startswith("All 2 rows have the same answer ('8 seconds')")


def test_a_validation_split_that_is_trained_is_refused() -> None:
    train = [_question("a", "How long is it?"), _question("b", "How far is it?")]
    same = [_question("v", "how long is it"), _question("w", "How wide is it?")]
    with pytest.raises(TrainingError, match=r"1 validation question is trained .*v; 2 in all"):
        check_questions(train, same)
    with pytest.raises(TrainingError, match=r"2 validation questions are trained .*all of them"):
        check_questions(train, train)
    other = [_question("v", "How long is it?", "Nine metres.")]
    assert check_questions(train, other) == [], "the same words on another passage are no leak"


def test_answers_in_another_script_are_counted() -> None:
    train = [_question("a", "How long is it?", "Восемь секунд."), _question("b", "How far is it?")]
    [finding] = check_questions(train, [])
    assert finding.startswith(
        "1 answer is in another script than the question, of 2 (mostly Cyrillic for Latin; a)"
    )
    assert check_questions([_question("a", "これは何ですか", "ルーターです")], []) == []
    assert check_questions([_question("a", "Как долго?", "8 GB")], []) == []
    [finding] = check_questions(train[1:], [], ["Все документы по-русски."])
    assert finding.startswith("The documents are written in Cyrillic and the answers in Latin")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Router", "Latin"), ("маршрутизатор", "Cyrillic"), ("路由器", "CJK"), ("ルーター", "CJK"),
     ("8 s", ""), ("", ""), ("120 GB", ""), ("راوتر", "Arabic")],
)  # fmt: skip
def test_a_script_is_named(text: str, name: str) -> None:
    assert script(text) == name
