"""Of all that was found, the sentence that answers is what the model is given to read."""

import pytest

from core.records import Document, Hit
from rag.encoder import Encoder
from rag.passages import sentences, split_document
from rag.reading import Reader

GUIDE = Document(
    id="guide",
    title="RX200",
    source="guide.md",
    text="# RX200\n\nThe RX200 is a small router for flats. It is sold in white and in black. It has a "
    "warranty of 36 months. The power supply is in the box.\n\n## Reset\n\nSwitch the router on. Hold "
    "the button at the back for 12 seconds. Wait until the lamp turns green.\n\n## Ports\n\n| port | "
    "speed |\n|---|---|\n| WAN | 2.5 Gbit/s |\n| LAN | 1 Gbit/s |\n",
)


@pytest.fixture(scope="module")
def hits() -> list[Hit]:
    return [Hit(passage=passage, score=1.0) for passage in split_document(GUIDE)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long is the warranty of the RX200?", "warranty of 36 months"),
        ("For how many seconds do I press the button for a reset?", "for 12 seconds"),
        ("Which colours is it sold in?", "white and in black"),
    ],
)
def test_the_sentence_that_answers_is_read(
    encoder: Encoder, hits: list[Hit], question: str, answer: str
) -> None:
    # Wherever retrieval ranked its passage.
    for order in (hits, hits[::-1]):
        [window] = Reader(encoder).windows(question, order)
        assert answer in window.text
        assert len(window.text) < 80


def test_windows_are_exact_and_do_not_overlap(encoder: Encoder, hits: list[Hit]) -> None:
    for neighbours in range(3):
        read = Reader(encoder).windows("reset button", hits, windows=4, neighbours=neighbours)
        assert 1 < len(read) <= 4
        taken: set[int] = set()
        for window in read:
            assert GUIDE.text[window.start : window.end] == window.text
            span = set(range(window.start, window.end))
            assert not span & taken
            taken |= span


def test_neighbours_are_those_beside_the_sentence_in_its_passage(
    encoder: Encoder, hits: list[Hit]
) -> None:
    [window] = Reader(encoder).windows("hold the button at the back", hits, neighbours=1)
    assert window.text.startswith("Switch the router on.")
    assert window.text.endswith("turns green.")
    [window] = Reader(encoder).windows("hold the button at the back", hits, neighbours=9)
    assert window.heading == "RX200 › Reset"
    assert window.text.startswith("Switch") and window.text.endswith("green."), "no other passage"


def test_the_first_windows_are_the_same_however_many_are_asked_for(
    encoder: Encoder, hits: list[Hit]
) -> None:
    reader = Reader(encoder)
    many = reader.windows("warranty", hits, windows=9)
    assert reader.windows("warranty", hits, windows=3) == many[:3]
    assert Reader(encoder).windows("warranty", hits, windows=9) == many


def test_never_more_than_there_is(encoder: Encoder, hits: list[Hit]) -> None:
    every = sum(len(sentences(hit.passage)) for hit in hits)
    assert len(Reader(encoder).windows("warranty", hits, windows=100)) == every
    assert Reader(encoder).windows("warranty", []) == []


def test_a_passage_without_sentences_is_read_whole(encoder: Encoder) -> None:
    rule = split_document(Document(id="r", title="r", text="* * * *", source="r.md"))
    hits = [Hit(passage=rule[0], score=1.0)]
    assert Reader(encoder).windows("what?", hits) == rule


@pytest.mark.parametrize("question", ["", "?", "のの", "the of and", "x" * 5000])
def test_any_question_can_be_read_for(encoder: Encoder, hits: list[Hit], question: str) -> None:
    assert len(Reader(encoder).windows(question, hits)) == 1
