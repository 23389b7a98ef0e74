"""What the tab about how it works shows: the real numbers, every one of them escaped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.chat import prompt_ids
from core.errors import ModelError
from core.model_files import ModelFiles, load_tokenizer
from core.prompts import build_prompt
from core.records import Hit, Passage
from core.settings import Settings
from rag.floor import Floor
from rag.library import Found
from ui.how_answering import Likelihood, Replies, replies, replies_shown
from ui.how_glossary import GLOSSARY, glossary
from ui.how_looking import Lesson, Look, Lookup, lesson, look, shown_ranks
from ui.how_retrieval import retrieval_track
from ui.how_tab import steps_shown
from ui.how_tokens import Token, token_strip, told_apart
from ui.how_training import training_track
from workbench import Workbench

HOSTILE = '<img src=x onerror="alert(1)"> & co'
ASKED = "For how many seconds do I press to reset the Alpha?"


def test_both_ways_are_the_real_ones_and_load_no_model(
    settings: Settings, tiny_corpus: Path
) -> None:
    workbench = Workbench(settings)
    seen = look(workbench, str(tiny_corpus), ASKED)
    assert isinstance(seen.lookup, Lookup) and isinstance(seen.lesson, Lesson)
    # Looked up: the encoder's own numbers, the retriever's own hits, the likeness they say.
    assert seen.lookup.vector.shape == (384,)
    assert np.linalg.norm(seen.lookup.vector) == pytest.approx(1, abs=1e-4)
    assert list(seen.lookup.found.hits) == workbench.retrieve(str(tiny_corpus), ASKED, settings.k)
    likeness = [hit.similarity or 0.0 for _, hit in seen.lookup.compared]
    assert likeness == sorted(likeness, reverse=True)
    # The prompt is the one that the arm asks with.
    corpus = workbench.corpus(str(tiny_corpus))
    prompt = build_prompt(ASKED, seen.lookup.found.read, system_prompt=corpus.wording.system_prompt)
    ids = prompt_ids(prompt, workbench.tokenizer())
    assert [token.number for token in seen.lookup.tokens] == ids
    # Learnt: another wording of the same fact, of whose row the answer alone is supervised.
    assert seen.lesson.question.fact == "alpha-reset" and seen.lesson.question.split == "train"
    assert "2 other wordings" in seen.lesson.why
    parts = [token.part for token in seen.lesson.tokens]
    first = parts.index("learnt")
    assert "learnt" not in parts[:first] and set(parts[first:]) == {"learnt"}
    end = workbench.tokenizer().eos_token_id
    assert seen.lesson.tokens[-1].number == end
    assert workbench._loaded._model is None, "no weights are loaded for the steps"
    assert steps_shown(seen).count("<li><h3>") == 8


def test_which_trained_question_is_shown_and_why(settings: Settings, tiny_corpus: Path) -> None:
    workbench = Workbench(settings)

    def taught(question: str) -> Lesson:
        seen = look(workbench, str(tiny_corpus), question).lesson
        assert isinstance(seen, Lesson)
        return seen

    assert "This very question" in taught("Alpha reset seconds").why
    assert "can only be guessed" in taught("How much does the Beta weigh?").why
    own = taught("which chip sits in that Alpha")
    assert own.question.id == "none-1" and "most like yours" in own.why
    assert own.answer == workbench.corpus(str(tiny_corpus)).wording.abstain_text


def test_a_side_that_cannot_be_shown_says_why(settings: Settings) -> None:
    seen = look(Workbench(settings), "general-knowledge", "Who painted it?")
    assert isinstance(seen.lookup, str) and "no documents" in seen.lookup
    assert isinstance(seen.lesson, Lesson) and seen.lesson.adapter is None
    page = steps_shown(seen)
    assert seen.lookup in page and "Nothing has been trained on this domain yet" in page


def test_the_shipped_adapter_is_told_in_its_own_numbers(settings: Settings) -> None:
    workbench = Workbench(settings)
    seen = lesson(workbench, workbench.corpus("halden"), "How much does the RX100 cost?")
    assert seen.added is not None
    added = seen.added
    assert (added.rank, added.factor, added.pairs) == (16, 2.0, 210)
    assert added.share is None, "the two-layer model is not the base that it was trained on"
    page = training_track(seen)
    assert "1,645" in page and f"{added.numbers:,}" in page and "59%" in page
    assert "polyline" not in page, "the shipped adapter brings no curve along"
    rows = ({"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}, {"step": 2, "eval_loss": 1.5})
    page = training_track(replace(seen, curve=rows))
    assert page.count("<polyline") == 2 and "from 2.00 to 1.00" in page


def test_the_nearest_and_a_few_far_ones_are_compared() -> None:
    assert shown_ranks(205) == [1, 2, 3, 4, 5, 55, 105, 155, 205]
    assert shown_ranks(3) == [1, 2, 3]
    assert shown_ranks(6) == [1, 2, 3, 4, 5, 6]
    assert shown_ranks(0) == []


class Letters:
    """A tokenizer of single characters; "#" is special."""

    all_special_ids = (ord("#"),)

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


def test_tokens_know_what_they_are_part_of() -> None:
    ids = [ord(letter) for letter in "#ab#abc"]
    found = told_apart(
        ids, Letters(), texts=[("ab", "told"), ("ab", "asked")], learnt=[False] * 6 + [True]
    )
    parts = ["mark", "told", "told", "mark", "asked", "asked", "learnt"]
    assert [token.part for token in found] == parts
    key = token_strip(found).split("token-key")[1]
    assert "supervised" in key and "what was found" not in key, "only what occurs is explained"


def test_everything_is_escaped() -> None:
    passage = Passage(
        id="p", document_id=HOSTILE, start=0, end=len(HOSTILE), text=HOSTILE, heading=HOSTILE
    )
    hit = Hit(passage=passage, score=1, similarity=0.9, sentence_similarity=0.9)
    lookup = Lookup(
        encoder=HOSTILE, vector=np.ones(4, np.float32), compared=((1, hit),), passages=1,
        found=Found((hit,), (passage,), (hit,), 0.1), floor=Floor(0.4), near=0.9,
        tokens=(Token(1, HOSTILE, "read"),),
    )  # fmt: skip
    page = steps_shown(Look(HOSTILE, lookup, HOSTILE))
    page += replies_shown(Replies(texts={"rag": HOSTILE}, reasons={"sft": HOSTILE}))
    page += replies_shown(Replies(likelihood=Likelihood((HOSTILE,), (0.1,), (0.9,))))
    assert "<img" not in page and page.count("&lt;img") >= 8


def test_the_floor_decides_in_words_too() -> None:
    passage = Passage(id="p", document_id="d", start=0, end=1, text="t")
    hit = Hit(passage=passage, score=1, similarity=0.3)
    near = Lookup(
        encoder="e", vector=np.ones(4, np.float32), compared=((1, hit),), passages=1,
        found=Found((hit,), (passage,), (hit,), 0.1), floor=Floor(0.4), near=0.5, tokens=(),
    )  # fmt: skip
    assert "✓ near enough" in retrieval_track(near)
    far = replace(near, near=0.3, found=replace(near.found, withheld="Withheld: <far>."))
    page = retrieval_track(far)
    assert "✗ too far" in page and "Withheld: &lt;far&gt;. No prompt is made." in page


def test_answers_come_and_those_that_cannot_say_why(settings: Settings, tiny_corpus: Path) -> None:
    workbench = Workbench(settings)
    *_, last = replies(workbench, str(tiny_corpus), ASKED, "no row")
    assert set(last.answers) == {"rag"} and "no adapter yet" in last.reasons["sft"]
    page = replies_shown(last)
    assert 'data-arm="rag" data-state="done"' in page
    assert 'data-arm="sft" data-state="unavailable"' in page


def test_the_loss_of_the_row_is_told_before_and_after() -> None:
    page = replies_shown(Replies(likelihood=Likelihood(("8", ""), (0.1, 0.1), (1.0, 1.0))))
    assert (
        '<b class="number">2.30</b> before' in page and '<b class="number">0.00</b> after' in page
    )
    assert page.count("<tr><th") == 3, "a row a token, and the head"


def test_the_words_that_a_newcomer_meets_are_explained() -> None:
    wanted = "Adapter LoRA Embedding Passage Hit Floor Overfitting Epoch F1 BLEU ROUGE".split()
    assert {*wanted, "Catastrophic forgetting", "Exact match"} <= set(GLOSSARY)
    assert glossary().count("<dt>") == len(GLOSSARY)


def test_a_tokenizer_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no tokenizer that loads"):
        load_tokenizer(ModelFiles("mine", str(tmp_path), "0"))
