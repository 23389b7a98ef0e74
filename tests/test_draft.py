"""Drafts: proposed by the local model, kept apart, and never trained on before a person accepts."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.corpus.answer_spans import answer_spans
from core.corpus.draft import draft_questions
from core.corpus.drafts import DraftBox
from core.corpus.read import Corpus, read_corpus
from core.errors import CorpusError
from core.language_model import LanguageModel
from core.prompts import Prompt
from core.records import Document, Passage, Question
from core.settings import Settings
from curation import Curation
from rag.passages import sentences, split_document

SPANS = [
    ("The RX100 is covered by a warranty of 24 months.", [("24 months", "How long")]),
    ("A pair costs €69 or 75 euros in a shop.", [("€69", "How much"), ("75 euros", "How much")]),
    ("Huygens landed there on 14 January 2005.", [("14 January 2005", "When")]),
    ("It was launched in 1997.", [("1997", "In which year")]),
    ("The desk is open from 8:00 to 20:00.", [("8:00 to 20:00", "When")]),
    ("The wall slots are 95 mm apart.", [("95 mm", "How far")]),
    ("The router weighs 1,150 grams.", [("1,150 grams", "How heavy")]),
    ("Up to 32 devices can be connected.", [("32 devices", "How many")]),
    ("The lens cover is called the Eyelid.", [("the Eyelid", "What is the name of")]),
    ("Parcels are carried by Nordpil Post.", [("Nordpil Post", "Who")]),
    ("Data is stored in Kelmark.", [("Kelmark", "Where")]),
    ("Open the form “Something is broken” first.", [("Something is broken", "What")]),
    ("24 months is the whole warranty.", []),
    ("Nothing here can be asked for.", []),
    ("", []),
]


@pytest.mark.parametrize(("sentence", "expected"), SPANS)
def test_what_can_be_asked_for(sentence: str, expected: list[tuple[str, str]]) -> None:
    found = answer_spans(sentence)
    assert [(span.text, span.openings[0]) for span in found] == expected
    for span in found:
        assert sentence[span.start : span.start + len(span.text)] == span.text


DOCUMENT = Document(
    id="shop/alpha",
    title="Alpha",
    text="# Alpha\n\nThe Alpha router weighs 240 grams without cables. The warranty of the Alpha is "
    "24 months.\n\n- The Alpha fan starts at 68 degrees.\n",
    source="shop/alpha.md",
)
SENTENCES = [one for passage in split_document(DOCUMENT) for one in sentences(passage)]


class Scripted:
    """Completes question prompts by rule, and reads an answer from the sentence it is given."""

    def __init__(self, questions: dict[str, str], *, misread: bool = False) -> None:
        self.questions, self.misread = questions, misread

    def __call__(self, prompts: Sequence[Prompt]) -> list[str]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> str:
        if prompt.answer_prefix.startswith("From the text"):
            return "nothing at all" if self.misread else prompt.user.split("\n")[1]
        told = next((rest for key, rest in self.questions.items() if key in prompt.user), " that?")
        return told


ASKED = {"weighs": " is the Alpha router without cables?", "warranty": " is the warranty of the Alpha?",
         "fan": " degrees does the Alpha fan start at?"}  # fmt: skip


def test_drafts_carry_their_evidence_and_their_mark() -> None:
    drafts = draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED))
    assert [draft.question for draft in drafts] == [
        "How heavy is the Alpha router without cables?",
        "How long is the warranty of the Alpha?",
        "How many degrees does the Alpha fan start at?",
    ]
    for draft in drafts:
        assert draft.status == "draft" and draft.split is None
        assert draft.evidence[0].quote in DOCUMENT.text
        assert draft.evidence[0].document == "shop/alpha"
        assert draft.answers[1] in draft.answers[0]
    assert drafts[2].answers == ("The Alpha fan starts at 68 degrees.", "68 degrees")
    assert len({draft.id for draft in drafts}) == 3


@pytest.mark.parametrize(
    "completion",
    [
        " is 240 grams of the Alpha router without cables?",  # gives the answer away
        " is it?",  # could be about anything
        " far is the Moon from the Alpha in the long winter nights?",  # about something else
        " a great question about the Alpha! The router is heavy?",  # chatter
    ],
)
def test_a_question_that_is_none_is_no_draft(completion: str) -> None:
    assert draft_questions(DOCUMENT, SENTENCES[:2], Scripted({"weighs": completion})) == []


def test_a_question_the_model_cannot_answer_itself_is_no_draft() -> None:
    assert draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED, misread=True)) == []


def test_the_best_are_kept_in_the_document_s_order() -> None:
    drafts = draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED), count=2)
    assert len(drafts) == 2
    starts = [DOCUMENT.text.index(draft.evidence[0].quote) for draft in drafts]
    assert starts == sorted(starts)
    assert draft_questions(DOCUMENT, [], Scripted(ASKED)) == []


@pytest.fixture
def box(tiny_corpus: Path, tmp_path: Path) -> DraftBox:
    box = DraftBox(read_corpus(str(tiny_corpus)), tmp_path / "state")
    box.add(draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED)))
    return box


def _training(folder: Path) -> list[str]:
    return [one.question for one in read_corpus(str(folder)).questions]


def test_no_draft_is_in_the_corpus_before_it_is_accepted(box: DraftBox, tiny_corpus: Path) -> None:
    before = _training(tiny_corpus)
    draft = box.all()[0]
    edited = box.edit(
        draft.id, question="What does the Alpha weigh?", answers=["It weighs 240 grams.", "240 g"]
    )
    assert edited.status == "draft"
    assert _training(tiny_corpus) == before
    accepted = box.accept(draft.id)
    assert accepted.status is None and not accepted.id.startswith("draft-")
    assert _training(tiny_corpus) == [*before, "What does the Alpha weigh?"]
    assert [one.id for one in box.all()] == [one.id for one in box.all() if one.id != draft.id]
    box.reject(box.all()[0].id)
    assert len(box.all()) == 1
    last = json.loads((tiny_corpus / "qa.jsonl").read_text().splitlines()[-1])
    assert "status" not in last and last["answers"] == ["It weighs 240 grams.", "240 g"]


def test_drafts_in_a_user_s_own_file_are_neither_trained_on_nor_scored(tiny_corpus: Path) -> None:
    before = read_corpus(str(tiny_corpus))
    with (tiny_corpus / "qa.jsonl").open("a") as file:
        for split in ("train", "validation", "test"):
            row = {
                "id": f"d-{split}",
                "question": f"A {split} draft?",
                "answers": ["no"],
                "split": split,
            }
            file.write(json.dumps({**row, "status": "draft"}) + "\n")
    after = read_corpus(str(tiny_corpus))
    assert after.questions == before.questions
    assert after.fingerprint == before.fingerprint


def test_what_is_asked_already_is_not_drafted_again(box: DraftBox, tiny_corpus: Path) -> None:
    again = draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED))
    assert box.add(again) == []
    assert len(box.all()) == 3


def test_unknown_drafts_and_empty_edits_are_refused(box: DraftBox) -> None:
    for act in (box.accept, box.reject, box.edit):
        with pytest.raises(CorpusError, match="has no draft 'gone'"):
            act("gone")
    name = box.all()[0].id
    with pytest.raises(CorpusError, match="cannot be so: question: is empty"):
        box.edit(name, question=" ")
    assert box.all()[0].id == name


@pytest.mark.model
def test_the_real_model_drafts_questions_on_a_document(
    tiny_corpus: Path, tmp_path: Path, embedded_model: LanguageModel
) -> None:
    (tiny_corpus / "documents" / "shop.md").write_text(
        "# Alpha shop\n\nThe Alpha shop stores customer data in a data centre in Kelmark. The reset button of "
        "the Alpha SW8 must be held for 9 seconds. The Alpha SW8 is covered by a warranty of 60 months.\n"
    )
    curation = Curation(Settings(state=tmp_path / "state"))
    curation._loaded._model = embedded_model
    drafts = curation.draft(str(tiny_corpus), "shop")
    assert drafts, "at least one of three plain sentences gives a question"
    for draft in drafts:
        assert re.match(r"^(How|For|What|Where|When|In) .*\?$", draft.question)
    assert curation.drafts(str(tiny_corpus)) == drafts
    with pytest.raises(CorpusError, match="has no document 'gone'; some are: alpha"):
        curation.draft(str(tiny_corpus), "gone")


def test_a_passage_is_all_that_drafting_needs() -> None:
    bare = Passage(id="x#0", document_id="shop/alpha", start=0, end=48,
                   text="The warranty of the Alpha is 24 months in Norway.")  # fmt: skip
    drafts = draft_questions(DOCUMENT, [bare], Scripted(ASKED))
    assert all(isinstance(draft, Question) for draft in drafts)
    assert drafts


def test_a_box_over_a_corpus_without_questions(tmp_path: Path) -> None:
    (tmp_path / "c" / "documents").mkdir(parents=True)
    (tmp_path / "c" / "documents" / "a.md").write_text(DOCUMENT.text)
    corpus: Corpus = read_corpus(str(tmp_path / "c"))
    box = DraftBox(corpus, tmp_path / "state")
    box.add(draft_questions(DOCUMENT, SENTENCES, Scripted(ASKED)))
    box.accept(box.all()[0].id)
    assert len(read_corpus(str(tmp_path / "c")).questions) == 1
