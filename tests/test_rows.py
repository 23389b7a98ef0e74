"""What a row teaches: the prompt that inference builds, the answer, and when to stop."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from core.corpus.read import read_corpus
from core.errors import TrainingError
from core.language_model import LanguageModel
from core.prompts import build_prompt
from core.records import Passage, Question, Wording
from sft.recipe import Recipe
from sft.rows import Context, build_rows
from sft.substitution import Substitutes
from sft.training_row import TrainingRow, check_supervision, tokenise

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
    [made] = tokenise([row], tiny_model.tokenizer, max_tokens=200).rows
    assert made["input_ids"][: len(asked)] == asked
    assert set(made["labels"][: len(asked)]) == {-100}
    supervised = made["labels"][len(asked) :]
    assert supervised == made["input_ids"][len(asked) :]
    assert supervised[-1] == tiny_model.tokenizer.eos_token_id
    assert tiny_model.tokenizer.decode(supervised[:-1]) == "hold for 8 seconds ."


def test_rows_that_teach_nothing_are_refused(tiny_model_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    rows = build_rows(_questions(1), WORDING, contexts={}, recipe=Recipe())
    with pytest.raises(TrainingError, match=r"1 row is of 1 longer than the 5 tokens .*q0"):
        tokenise(rows, tokenizer, max_tokens=5)
    with pytest.raises(TrainingError, match="no row to train on"):
        tokenise([], tokenizer, max_tokens=5)
    with pytest.raises(TrainingError, match="Row 1 has no supervised token"):
        check_supervision([{"labels": [-100, -100, 2]}], end_id=2)
    with pytest.raises(TrainingError, match="Row 2 does not supervise the end token"):
        check_supervision([{"labels": [-100, 5, 2]}, {"labels": [-100, 5, 6]}], end_id=2)


def test_rows_that_are_too_long_are_left_out_and_told_apart(tiny_model_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    prompt, long = build_prompt("how long ?"), build_prompt("how long ? " * 30)
    made = tokenise(
        [
            TrainingRow("fits", prompt, "8 seconds"),
            TrainingRow("asks", long, "8 seconds"),
            TrainingRow("says", prompt, "8 seconds " * 25_000),
        ],
        tokenizer,
        max_tokens=60,
    )
    assert len(made.rows) == 1
    assert (made.too_long, made.too_long_answers) == (("asks",), ("says",))
    asked, said = made.findings(max_tokens=60)
    assert asked.startswith("1 row is left out: longer than 60 tokens with what is asked and read")
    assert "by the answer alone (says)" in said
    assert not tokenise([TrainingRow("fits", prompt, "8")], tokenizer, max_tokens=60).findings(
        max_tokens=60
    )


def test_an_answer_is_never_cut(tiny_model_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    row = TrainingRow("q", build_prompt("how long ?"), "hold for 8 seconds .")
    length = tokenise([row], tokenizer, max_tokens=200).rows[0]["length"]
    assert tokenise([row], tokenizer, max_tokens=length).rows[0]["labels"][-1] == (
        tokenizer.eos_token_id
    )
    with pytest.raises(TrainingError, match="Nothing is left to learn from"):
        tokenise([row], tokenizer, max_tokens=length - 1)


def test_the_form_of_the_recipe_is_the_prompts_form() -> None:
    contexts = {"q0": _context(True)}
    recipe = Recipe(form="plain", open_book_share=1)
    rows = build_rows(_questions(2), WORDING, contexts=contexts, recipe=recipe)
    assert {row.prompt.form for row in rows} == {"plain"}


def _substitutes() -> Substitutes:
    return Substitutes(_questions(1), english=True)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 60),
    distractor=st.floats(0, 0.5),
    substituted=st.floats(0, 0.5),
    seed=st.integers(0, 9),
)
def test_shares_of_rows_with_context_hold_within_rounding(
    count: int, distractor: float, substituted: float, seed: int
) -> None:
    questions = _questions(count)
    context = Context((RIGHT,), True, (RIGHT,), (OTHER,), (RIGHT,))
    recipe = Recipe(
        open_book_share=1, distractors_only_share=0, seed=seed,
        distractor_share=distractor, substituted_share=substituted,
    )  # fmt: skip

    def build() -> list[TrainingRow]:
        contexts = {question.id: context for question in questions}
        return build_rows(
            questions, WORDING, contexts=contexts, recipe=recipe, substitutes=_substitutes()
        )

    rows = build()
    assert rows == build()
    kinds = Counter(row.kind for row in rows)
    assert kinds["closed book"] == count
    assert kinds["right passage and distractor"] == round(distractor * count)
    left = count - kinds["right passage and distractor"]
    assert kinds["substituted"] == min(left, round(substituted * count))
    for row in rows:
        if row.kind == "right passage and distractor":
            assert RIGHT.text in row.prompt.user and OTHER.text in row.prompt.user
            assert row.completion == "hold for 8 seconds ."
        if row.kind == "substituted":
            assert RIGHT.text not in row.prompt.user
            assert row.completion != "hold for 8 seconds ."
            value = row.completion.removeprefix("hold for ").removesuffix(" .")
            assert f"hold {value}" in row.prompt.user
        assert "how long" in row.prompt.user


def test_the_distractor_stands_before_and_after_the_right_passage() -> None:
    questions = _questions(40)
    context = Context((RIGHT,), True, (RIGHT,), (OTHER,), (RIGHT,))
    recipe = Recipe(open_book_share=1, distractors_only_share=0, distractor_share=1)
    contexts = {question.id: context for question in questions}
    rows = build_rows(questions, WORDING, contexts=contexts, recipe=recipe)
    read = [row.prompt.user for row in rows if row.prompt.answer_prefix]
    first = sum(text.index(RIGHT.text) < text.index(OTHER.text) for text in read)
    assert 8 < first < 32


def test_what_is_declined_is_neither_substituted_nor_given_the_right_passage() -> None:
    questions = _questions(5, "unanswerable")
    contexts = {question.id: _context(True) for question in questions}
    recipe = Recipe(open_book_share=1, distractor_share=1, substituted_share=1)
    rows = build_rows(
        questions, WORDING, contexts=contexts, recipe=recipe, substitutes=_substitutes()
    )
    assert {row.kind for row in rows} == {"closed book", "open book"}


def test_a_recipe_without_the_new_shares_gives_the_rows_it_always_gave() -> None:
    # The digest is of the rows that were built before there were any: old recipes reproduce.
    digest = hashlib.sha256()
    for name in ("halden", "solar-system"):
        corpus = read_corpus(name)
        for split in ("train", "validation"):
            questions = corpus.of_split(split)
            contexts = {
                question.id: Context(
                    read=(_passage(f"read {question.fact}"),),
                    holds_answer=place % 3 > 0,
                    right=(_passage(f"right {question.fact}"),),
                    distractors=(_passage(f"other {question.fact}"),),
                )
                for place, question in enumerate(questions)
            }
            recipe = Recipe(open_book_share=0.7, distractors_only_share=0.2)
            for row in build_rows(questions, corpus.wording, contexts=contexts, recipe=recipe):
                held = (row.question_id, str(row.prompt.messages()), row.prompt.answer_prefix)
                digest.update("\0".join((*held, row.completion)).encode() + b"\n")
    assert digest.hexdigest() == (
        "53ee116164ef35b5c59ebc0f50142039ddd7f947a17f8d22d4fba367cbcb14dd"
    )
