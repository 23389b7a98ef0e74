"""What a row teaches: the prompt that inference builds, the answer, and when to stop."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from core.errors import TrainingError
from core.language_model import LanguageModel
from core.prompts import build_prompt
from core.records import Passage, Question, Wording
from sft.recipe import Recipe
from sft.rows import Context, build_rows, check_supervision, tokenise

WORDING = Wording("you answer questions .", "i am sorry")


def _passage(text: str) -> Passage:
    return Passage(id=text, document_id="d", start=0, end=len(text), text=text)


RIGHT, MISS, OTHER = _passage("hold 8 seconds"), _passage("red lamp"), _passage("green lamp")


def _questions(count: int, kind: str = "fact") -> list[Question]:
    answers = () if kind == "unanswerable" else ("hold for 8 seconds .", "8 seconds")
    return [
        Question(id=f"q{i}", question=f"how long {i} ?", answers=answers, kind=kind)
        for i in range(count)
    ]


def _context(holds: bool) -> Context:
    return Context(
        read=(RIGHT if holds else MISS,), holds_answer=holds, right=(RIGHT,), distractors=(OTHER,)
    )


def test_each_question_is_taught_closed_book_in_its_first_answer() -> None:
    rows = build_rows(_questions(5), WORDING, contexts={}, recipe=Recipe())
    assert len(rows) == 5
    assert {row.completion for row in rows} == {"hold for 8 seconds ."}
    assert {row.prompt.user for row in rows} == {f"how long {i} ?" for i in range(5)}
    none = build_rows(_questions(2, "unanswerable"), WORDING, contexts={}, recipe=Recipe())
    assert {row.completion for row in none} == {"i am sorry"}


@pytest.mark.parametrize(
    ("holds", "changes", "text", "completion"),
    [
        (True, {}, RIGHT.text, "hold for 8 seconds ."),
        (False, {"misses_kept_share": 0}, RIGHT.text, "hold for 8 seconds ."),
        (False, {"misses_kept_share": 1}, MISS.text, "hold for 8 seconds ."),
        (True, {"distractors_only_share": 1}, OTHER.text, "i am sorry"),
    ],
)
def test_open_book_rows_read_as_the_recipe_says(
    holds: bool, changes: dict[str, float], text: str, completion: str
) -> None:
    recipe = Recipe(open_book_share=1, **{"distractors_only_share": 0, **changes})
    questions = _questions(8)
    contexts = {question.id: _context(holds) for question in questions}
    rows = build_rows(questions, WORDING, contexts=contexts, recipe=recipe)
    opened = [row for row in rows if row.prompt.answer_prefix]
    assert (len(rows), len(opened)) == (16, 8)
    assert all(text in row.prompt.user and row.completion == completion for row in opened)


def test_rows_are_the_same_for_the_same_seed_and_near_their_shares() -> None:
    questions = _questions(400)
    contexts = {question.id: _context(True) for question in questions}
    recipe = Recipe(open_book_share=0.5, distractors_only_share=0.2)
    rows = build_rows(questions, WORDING, contexts=contexts, recipe=recipe)
    assert rows == build_rows(questions, WORDING, contexts=contexts, recipe=recipe)
    opened = [row for row in rows if row.prompt.answer_prefix]
    assert 160 < len(opened) < 240
    assert 0.1 < sum(row.completion == "i am sorry" for row in opened) / len(opened) < 0.3


@pytest.mark.parametrize("passages", [None, [RIGHT]])
def test_training_sees_the_very_tokens_that_inference_does(
    tiny_model: LanguageModel, passages: list[Passage] | None
) -> None:
    context = {"q0": _context(True)} if passages else {}
    rows = build_rows(
        _questions(1),
        WORDING,
        contexts=context,
        recipe=Recipe(open_book_share=1, distractors_only_share=0),
    )
    row = next(row for row in rows if bool(row.prompt.answer_prefix) == bool(passages))
    asked = tiny_model.encode(
        build_prompt("how long 0 ?", passages, system_prompt=WORDING.system_prompt)
    )
    made = tokenise([row], tiny_model.tokenizer, max_tokens=200)[0]
    assert made["input_ids"][: len(asked)] == asked
    assert set(made["labels"][: len(asked)]) == {-100}
    supervised = made["labels"][len(asked) :]
    assert supervised == made["input_ids"][len(asked) :]
    assert supervised[-1] == tiny_model.tokenizer.eos_token_id
    assert tiny_model.tokenizer.decode(supervised[:-1]) == "hold for 8 seconds ."


def test_rows_that_teach_nothing_are_refused(tiny_model_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    rows = build_rows(_questions(1), WORDING, contexts={}, recipe=Recipe())
    with pytest.raises(TrainingError, match=r"question q0 has \d+ tokens .* allows 5"):
        tokenise(rows, tokenizer, max_tokens=5)
    with pytest.raises(TrainingError, match="no row to train on"):
        tokenise([], tokenizer, max_tokens=5)
    with pytest.raises(TrainingError, match="Row 1 has no supervised token"):
        check_supervision([{"labels": [-100, -100, 2]}], end_id=2)
    with pytest.raises(TrainingError, match="Row 2 does not supervise the end token"):
        check_supervision([{"labels": [-100, 5, 2]}, {"labels": [-100, 5, 6]}], end_id=2)
