"""Training rows of a corpus: what is read comes from retrieval, what is held out stays out."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contexts import further_rows, training_contexts, training_rows
from core.corpus.read import Corpus, read_corpus
from core.errors import TrainingError
from core.records import Hit
from rag.library import Library
from rag.passages import sentences, split_document
from sft.recipe import Recipe
from sft.rewordings import bare

FULL = Recipe(
    statement_share=0.5, rewording_share=1, multi_turn_share=0.5, open_book_share=1,
    distractor_share=0.3, distractors_only_share=0.2, substituted_share=0.5,
)  # fmt: skip


def _library(corpus: Corpus) -> Library:
    """Finds by shared words and reads sentence by sentence, without an encoder."""
    passages = [one for document in corpus.documents for one in split_document(document)]

    def shared(question: str, text: str) -> int:
        return -len(set(bare(question).split()) & set(bare(text).split()))

    def retrieve(question: str, k: int) -> list[Hit]:
        best = sorted(passages, key=lambda one: shared(question, f"{one.heading} {one.text}"))
        return [Hit(passage=passage, score=1.0) for passage in best[:k]]

    def windows(question: str, hits: list[Hit], *, windows: int) -> list[Any]:
        found = [one for hit in hits for one in sentences(hit.passage)]
        return sorted(found, key=lambda one: shared(question, one.text))[:windows]

    shelf: Any = SimpleNamespace(retrieve=retrieve)
    reader: Any = SimpleNamespace(windows=windows)
    return Library(shelf, reader, k=5, windows=1)


@pytest.fixture
def corpus(tiny_corpus: Path) -> Corpus:
    return read_corpus(str(tiny_corpus))


def test_rows_of_every_kind_are_made_counted_and_the_same_again(corpus: Corpus) -> None:
    made = training_rows(corpus, None, _library(corpus), recipe=FULL)
    assert made == training_rows(corpus, None, _library(corpus), recipe=FULL)
    assert sum(made.counts.values()) == len(made.rows)
    assert made.counts["closed book"] == 5
    assert made.counts["rewording"] == 5
    assert {"statement", "substituted"} <= set(made.counts)
    missing = "multi_turn_share asks for 2 rows and the corpus gives 0."
    assert missing in made.findings, "each document has one trained fact"


def test_a_recipe_says_how_much_its_rows_read(corpus: Corpus) -> None:
    def read(windows: int | None) -> set[int]:
        recipe = Recipe(open_book_share=1, distractors_only_share=0, read_windows=windows)
        made = training_rows(corpus, None, _library(corpus), recipe=recipe)
        return {
            row.prompt.user.partition("\n\nQuestion:")[0].count("\n") - 1  # a line each, in marks
            for row in [*made.rows, *made.validation]
            if row.kind == "open book"
        }

    assert read(None) == read(1) == {1}
    assert read(3) == {3}


def test_validation_rows_are_never_augmented(corpus: Corpus) -> None:
    plain = FULL.model_copy(update={"distractor_share": 0.0, "substituted_share": 0.0})
    made = training_rows(corpus, None, _library(corpus), recipe=FULL)
    assert made.validation == training_rows(corpus, None, _library(corpus), recipe=plain).validation
    assert {row.kind for row in made.validation} <= {"closed book", "open book", "distractors only"}


def test_nothing_held_out_is_asked_or_stated(corpus: Corpus) -> None:
    made = training_rows(corpus, None, _library(corpus), recipe=FULL)
    held_out = {bare(one.question) for one in corpus.questions if one.split != "train"}
    for row in made.rows:
        assert bare(row.prompt.user.rpartition("Question: ")[2]) not in held_out
        assert "520 grams" not in row.completion, "the one fact that is only tested"


def test_distractors_are_what_retrieval_finds_nearest_and_hold_no_evidence(corpus: Corpus) -> None:
    questions = [one for one in corpus.of_split("train") if one.evidence]
    contexts = training_contexts(corpus, questions, _library(corpus))
    for question in questions:
        context = contexts[question.id]
        assert question.evidence[0].quote in context.gold[0].text
        assert question.evidence[0].quote not in context.distractors[0].text
        assert set(bare(question.question).split()) & set(bare(context.distractors[0].text).split())


def test_chats_are_trained_with_the_questions(tiny_corpus: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    (tiny_corpus / "chats.jsonl").write_text(json.dumps({"messages": messages}) + "\n")
    made = training_rows(read_corpus(str(tiny_corpus)), None, None, recipe=Recipe())
    assert made.counts == {"closed book": 5, "chat": 1}


def test_a_share_that_cannot_be_had_is_said(corpus: Corpus, tiny_corpus: Path) -> None:
    info = "language = 'de'\n"
    (tiny_corpus / "corpus.toml").write_text(info)
    made = training_rows(read_corpus(str(tiny_corpus)), None, None, recipe=FULL)
    assert "rewording" not in made.counts
    assert "rewording_share asks for 5 rows and the corpus gives 0." in made.findings


def test_a_validation_question_that_is_trained_stops_it_all(corpus: Corpus) -> None:
    [validation] = corpus.of_split("validation")
    trained = validation.model_copy(update={"id": "again", "split": "train"})
    both = Corpus(corpus.name, corpus.folder, corpus.info, corpus.documents,
                  (*corpus.questions, trained))  # fmt: skip
    with pytest.raises(TrainingError, match="1 validation question is trained as well"):
        training_rows(both, None, None, recipe=Recipe())


@pytest.mark.parametrize("name", ["halden", "solar-system"])
def test_the_shipped_corpora_give_what_the_recipe_asks(name: str) -> None:
    corpus = read_corpus(name)
    number = len(corpus.of_split("train"))
    recipe = Recipe(statement_share=0.3, rewording_share=0.7, multi_turn_share=0.1)
    kinds = [row.kind for row in further_rows(corpus, recipe=recipe)]
    assert kinds.count("statement") == round(0.3 * number)
    assert kinds.count("rewording") == round(0.7 * number)
    assert kinds.count("multi-turn") == round(0.1 * number)
    made = training_rows(corpus, read_corpus("general-knowledge"), None, recipe=Recipe())
    assert made.findings == ()
    assert made.counts == {"closed book": number, "replay": round(0.15 * number)}
