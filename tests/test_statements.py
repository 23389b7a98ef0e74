"""What is stated stands in the documents, stands alone, and gives nothing away that is kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts import document_sections
from core.corpus.read import read_corpus
from core.records import Evidence, Question, Wording
from sft.recipe import Recipe
from sft.statements import Section, statement_rows
from sft.training_row import TrainingRow

WORDING = Wording("you answer questions .", "i am sorry")
ALPHA = Section(
    "alpha",
    "Alpha router: small and quick",
    "Reset",
    (
        "The Alpha router weighs 240 grams.",
        "It needs 8 seconds for a reset.",
        "The Alpha router costs 59 euros.",
        "The lamp is green.",
        "Its case is blue.",
    ),
)


def _question(number: int, quote: str, split: str, **fields: object) -> Question:
    values = {
        "id": f"q{number}", "question": f"What about {number}?", "fact": f"f{number}",
        "answers": ("An answer.",), "evidence": (Evidence(document="alpha", quote=quote),),
        "split": split, **fields,
    }  # fmt: skip
    return Question.model_validate(values)


TRAINED = [
    _question(1, "The Alpha router weighs 240 grams.", "train"),
    _question(2, "It needs 8 seconds", "train"),
]


def _rows(
    questions: list[Question], share: float = 5, *, english: bool = True, seed: int = 0
) -> list[TrainingRow]:
    recipe = Recipe(statement_share=share, seed=seed)
    return statement_rows([ALPHA], questions, WORDING, recipe=recipe, english=english)


def test_only_what_trained_questions_rest_on_is_stated_under_its_full_name() -> None:
    rows = _rows(TRAINED)
    stated = {row.completion for row in rows}
    weight, reset = "The Alpha router weighs 240 grams.", "The Alpha router needs 8 seconds for"
    reset += " a reset."
    assert stated == {weight, reset, f"{weight} {reset}", f"{reset} {weight}"}, "in every order"
    assert len({(row.prompt.user, row.completion) for row in rows}) == len(rows) == 10
    assert {row.kind for row in rows} == {"statement"}
    asked = {row.prompt.user for row in rows}
    assert all("Alpha router" in text for text in asked)
    assert not any(row.prompt.answer_prefix for row in rows)


@pytest.mark.parametrize("kind", ["fact", "procedure"])
def test_a_withheld_fact_is_not_stated_by_its_quote_or_by_its_answer(kind: str) -> None:
    both = _question(3, "Alpha router weighs", "test", kind=kind)
    assert {row.completion for row in _rows([*TRAINED, both])} == {
        "The Alpha router needs 8 seconds for a reset."
    }
    elsewhere = _question(
        4, "no quote of it", "test", kind=kind, question="What does the Alpha weigh?",
        answers=("Much.", "240 grams"),
    )  # fmt: skip
    assert not any("240" in row.completion for row in _rows([*TRAINED, elsewhere]))
    other = elsewhere.model_copy(update={"question": "What does the Beta weigh?"})
    assert any("240" in row.completion for row in _rows([*TRAINED, other]))
    joined = both.model_copy(update={"kind": "multi_hop"})
    assert any("240" in row.completion for row in _rows([*TRAINED, joined])), "of trained facts"


def test_what_cannot_stand_alone_is_not_stated() -> None:
    questions = [
        _question(1, "Its case is blue.", "train"),
        _question(2, "The lamp is green.", "train", kind="refusal"),
    ]
    assert _rows(questions) == [], "the sentence before does not say whose case it is"


def test_another_language_is_asked_by_title_and_heading_alone() -> None:
    rows = _rows(TRAINED, english=False)
    assert {row.prompt.user for row in rows} == {"Alpha router: small and quick: Reset"}


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 4), seed=st.integers(0, 20))
def test_the_share_holds_and_the_seed_decides(share: float, seed: int) -> None:
    rows = _rows(TRAINED, share, seed=seed)
    assert len(rows) == round(2 * share)
    assert rows == _rows(TRAINED, share, seed=seed)


@pytest.mark.parametrize(("name", "fewest"), [("halden", 450), ("solar-system", 200)])
def test_a_shipped_corpus_is_stated_and_its_untrained_facts_are_not(name: str, fewest: int) -> None:
    corpus = read_corpus(name)
    rows = statement_rows(
        document_sections(corpus.documents),
        corpus.questions,
        corpus.wording,
        recipe=Recipe(statement_share=0.5),
        english=True,
    )
    assert fewest <= len(rows) <= round(0.5 * len(corpus.of_split("train")))
    trained = {question.fact for question in corpus.of_split("train")}
    known = {e.quote for q in corpus.questions if q.fact in trained for e in q.evidence}
    withheld = {e.quote for q in corpus.questions if q.fact not in trained for e in q.evidence}
    stated = " ".join(row.completion for row in rows)
    assert not [quote for quote in withheld - known if quote in stated]
    kept = [
        quote
        for question in corpus.questions
        if question.fact not in trained and question.kind in ("fact", "procedure")
        for quote in (evidence.quote for evidence in question.evidence)
    ]
    assert not [quote for quote in kept if quote in stated]
    assert not any(row.completion.startswith(("It ", "Its ", "This ", "|")) for row in rows)
    facts = {q.fact: q for q in corpus.of_split("train") if q.kind in ("fact", "procedure")}
    told = [f for f, q in facts.items() if any(e.quote in stated for e in q.evidence)]
    assert len(told) > 0.8 * len(facts)
