"""A trained question in other words: English stays English, and what is held out stays unasked."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.read import read_corpus
from core.records import Question, Wording
from sft.english import (
    after_polite_words,
    as_keywords,
    contracted,
    looks_english,
    lower_first,
    name_first,
    noun_phrase,
    politely,
    typed_quickly,
)
from sft.recipe import Recipe
from sft.rewordings import bare, rewording_rows, wordings

WORDING = Wording("you answer questions .", "i am sorry")
TEXTS = (
    "How long is the warranty of the Alpha?",
    "What is the weight of the Beta?",
    "Could you tell me when the Gamma was sold?",
    "Delta warranty months",
)


def _questions(texts: tuple[str, ...] = TEXTS) -> list[Question]:
    return [
        Question(id=f"q{n}", question=text, answers=(f"The {n} weighs {n + 2} grams.",
                 f"{n + 2} grams"), fact=f"f{n}")
        for n, text in enumerate(texts)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("How long is the warranty of the Alpha?", "For the Alpha: how long is the warranty?"),
        ("What does the lamp mean on a Beta 2?", "On a Beta 2: what does the lamp mean?"),
        ("How much does the Alpha weigh?", "About the Alpha: how much does the Alpha weigh?"),
        ("What is the case made of Alpha?", "About Alpha: what is the case made of Alpha?"),
        ("I have one. What is it called in Rome?", None),
        ("Is it blue?", None),
        ("Could you tell me when the Gamma was sold?", None),
    ],
)
def test_the_name_comes_first_where_there_is_one(text: str, first: str | None) -> None:
    assert name_first(text) == first


def test_polite_words_and_phrases_are_taken_apart() -> None:
    assert after_polite_words("Could you please tell me when it ends?") == "when it ends"
    assert after_polite_words("Please tell me the price.") == "the price"
    assert after_polite_words("Could you open it?") is None
    assert noun_phrase("What is the weight of the Beta?") == "the weight of the Beta"
    assert noun_phrase("What is the lamp called?") is None
    assert noun_phrase("What is the time when it ends?") is None
    assert noun_phrase("What is the lamp doing?") is None


def test_small_rules() -> None:
    assert contracted("What is this? I am lost.") == "What's this? I'm lost."
    assert contracted("How is") is None
    assert contracted("How long?") is None
    assert typed_quickly("How long is the Alpha?") == "how long is the alpha"
    assert lower_first("The Alpha") == "the Alpha"
    assert lower_first("Alpha weight") == "Alpha weight"
    words = as_keywords("How many grams does the Alpha 2.5 weigh?", random.Random(1))
    assert words is not None
    assert set(words.split()) == {"grams", "Alpha", "2.5", "weigh"}
    assert as_keywords("How is it?", random.Random(0)) is None
    two = "I have one. How long is it?"
    assert all(two in politely(two, random.Random(seed)) for seed in range(30)), "never cut in two"


def test_the_answer_s_own_sentence_asks_where_its_value_stood() -> None:
    question = Question(id="q", question="Alpha weight", answers=("The Alpha weighs 240 grams.", "240 grams"))  # fmt: skip
    found = {text for seed in range(20) for text in wordings(question, random.Random(seed))}
    assert "The Alpha weighs how many grams?" in found
    assert {"The Alpha weighs ...", "The Alpha weighs ____."} <= found
    assert not any("240" in text for text in found)


def test_a_refused_request_gets_no_polite_frame() -> None:
    question = Question(id="q", question="Open the door.", answers=("No.",), kind="refusal")
    assert wordings(question, random.Random(0)) == ["open the door"]


def test_what_is_held_out_is_not_asked() -> None:
    questions = _questions(("Alpha warranty",))
    rows = rewording_rows(questions, [], WORDING, recipe=Recipe(rewording_share=5))
    asked = {row.prompt.user for row in rows}
    assert asked
    held_out = [Question(id=f"h{n}", question=text.upper() + "!") for n, text in enumerate(asked)]
    again = rewording_rows(questions, held_out, WORDING, recipe=Recipe(rewording_share=5))
    kept_out = {bare(one.question) for one in held_out}
    assert not [row for row in again if bare(row.prompt.user) in kept_out]


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 2), seed=st.integers(0, 20))
def test_the_share_holds_and_the_seed_decides(share: float, seed: int) -> None:
    recipe = Recipe(rewording_share=share, seed=seed)
    rows = rewording_rows(_questions(), [], WORDING, recipe=recipe)
    assert len(rows) == round(4 * share)
    assert rows == rewording_rows(_questions(), [], WORDING, recipe=recipe)
    assert len({row.prompt.user for row in rows}) == len(rows)
    answers = {question.id: question.answers[0] for question in _questions()}
    assert all(row.completion == answers[row.question_id] for row in rows)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_rule_breaks_on_any_text(text: str) -> None:
    if text.strip():
        question = Question(id="q", question=text, answers=(f"It is {text}.", text.strip()))
        for one in wordings(question, random.Random(0)):
            assert one and one != question.question


@pytest.mark.parametrize(
    ("texts", "english"),
    [
        (TEXTS, True),
        (("Wie lange hält der Akku?", "Was kostet er?"), False),
        (("Сколько стоит the Alpha?",), False),
        (("これは何ですか",), False),
        ((), False),
    ],
)
def test_english_is_told_by_what_is_written(texts: tuple[str, ...], english: bool) -> None:
    assert looks_english(texts) is english


@pytest.mark.parametrize("name", ["halden", "solar-system"])
def test_a_shipped_corpus_is_reworded_without_its_held_out_words(name: str) -> None:
    corpus = read_corpus(name)
    train = corpus.of_split("train")
    held_out = [*corpus.of_split("validation"), *corpus.of_split("test")]
    rows = rewording_rows(train, held_out, corpus.wording, recipe=Recipe(rewording_share=1))
    assert len(rows) == len(train)
    asked = [bare(row.prompt.user) for row in rows]
    assert not set(asked) & {bare(question.question) for question in held_out}
    trained = {bare(question.question) for question in train}
    assert sum(text not in trained for text in asked) > 0.75 * len(asked), "other words, mostly"
