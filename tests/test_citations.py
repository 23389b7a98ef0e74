"""A citation is words that the answer and a passage share, with exact offsets in both."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import Passage
from rag.citations import align

WORDS = [
    "The",
    "reset",
    "button",
    "12",
    "3.5",
    "€",
    "59",
    "router",
    "of",
    "a",
    "Öl",
    "STRASSE",
    "東京",
]
texts = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", ", ", ". ", "\n"])), max_size=12
).map(lambda pieces: "".join(word + gap for word, gap in pieces))


def passage(text: str, start: int = 0, name: str = "p") -> Passage:
    return Passage(id=name, document_id="d", start=start, end=start + len(text), text=text)


def words(text: str) -> list[str]:
    return re.findall(r"\d+[.,]\d+|\w+|€", text.lower())


@settings(max_examples=400, deadline=None)
@given(texts, st.lists(texts, min_size=1, max_size=3), st.integers(0, 40))
def test_both_ends_hold_the_same_words(answer: str, parts: list[str], start: int) -> None:
    # One document, the passages in it one after the other.
    document, read = "~" * start, []
    for number, part in enumerate(parts):
        read.append(passage(part, len(document), f"p{number}"))
        document += part
    citations = list(align(answer, read).citations)
    assert citations == list(align(answer, read).citations)
    end = 0
    for one in citations:
        source = next(one_read for one_read in read if one_read.id == one.passage_id)
        assert end <= one.answer_start < one.answer_end <= len(answer)
        assert source.start <= one.start < one.end <= source.end
        quoted = words(answer[one.answer_start : one.answer_end])
        assert quoted == words(document[one.start : one.end])
        assert one.score == pytest.approx(len(quoted) / len(words(answer)))
        end = one.answer_end


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_citations_within_bounds(answer: str, text: str) -> None:
    for one in list(align(answer, [passage(text, 5)]).citations):
        assert 0 <= one.answer_start < one.answer_end <= len(answer)
        assert 5 <= one.start < one.end <= 5 + len(text)
        assert 0 < one.score <= 1


@settings(max_examples=200, deadline=None)
@given(texts)
def test_words_of_no_passage_are_not_cited(answer: str) -> None:
    assert (
        list(
            align(answer, [passage("Nothing here agrees with what was said, 7 times 8.")]).citations
        )
        == []
    )
    assert list(align(answer, []).citations) == []


def test_the_longest_run_is_cited_not_the_first() -> None:
    read = [
        passage("The button is red.", 0, "short"),
        passage("Hold the button for 12 s.", 50, "long"),
    ]
    [one] = list(align("Hold the button for 12 seconds", read).citations)
    assert (one.passage_id, one.start, one.end) == ("long", 50, 72)
    assert (one.answer_start, one.answer_end) == (0, 22)
    assert one.score == pytest.approx(5 / 6)


@pytest.mark.parametrize("answer", ["It is of the", "is a", "you can"])
def test_words_that_carry_no_fact_are_not_cited(answer: str) -> None:
    assert (
        list(align(answer, [passage("It is of the best; is a thing you can do.")]).citations) == []
    )


@pytest.mark.parametrize(
    ("answer", "text", "cited"),
    [
        ("12", "for 12 seconds", "12"),
        ("2", "for 12 seconds", None),
        ("3", "weighs 3.5 kg", None),
        ("3.5", "weighs 3.5 kg", "3.5"),
        ("€59", "It costs € 59.", "€ 59"),
        ("Gigabit!", "up to one gigabit", "gigabit"),
        ("red", "It turns RED.", None),  # a single short word is no evidence
    ],
)
def test_a_single_word_is_cited_where_it_is_a_number_or_long(
    answer: str, text: str, cited: str | None
) -> None:
    found = [text[one.start : one.end] for one in list(align(answer, [passage(text)]).citations)]
    assert found == ([cited] if cited else [])


@pytest.mark.parametrize(
    ("answer", "supported"),
    [
        ("Voyager 1 passed Saturn on 12 November 1980.", True),
        ("It was on November 12, 1980 that Voyager 1 passed Saturn.", True),
        # Each word stands somewhere, and the date nowhere.
        ("Voyager 1 passed Saturn on 5 September 1980.", False),
        ("Voyager 1 was launched in 1977 and passed Saturn in 1980.", True),
    ],
)
def test_a_date_put_together_from_two_sentences_is_not_supported(
    answer: str, supported: bool
) -> None:
    passages = [
        Passage(id=f"{n}", document_id="d", start=0, end=len(text), text=text)
        for n, text in enumerate(
            [
                "Voyager 1 passed Saturn on 12 November 1980.",
                "Voyager 1 was launched on 5 September 1977.",
            ]
        )
    ]
    assert (align(answer, passages).unsupported == ()) is supported


@pytest.mark.parametrize(
    ("answer", "supported"),
    [
        ("The Halden RX200 has a warranty of 24 months.", True),
        ("The warranty of the RX200 is 24 months.", True),
        # The number stands there, of another product.
        ("The Halden RX200 has a warranty of 36 months.", False),
        ("The Halden RX400 has a warranty of 24 months.", False),
        ("The Halden RX400 has a warranty of 36 months.", True),
        # The model is named in the heading only.
        ("The box of the Halden RX400 weighs 900 grams.", True),
        ("The box of the Halden RX200 weighs 900 grams.", False),
    ],
)
def test_another_things_number_is_no_support(answer: str, supported: bool) -> None:
    parts = [
        ("Warranty", "The Halden RX200 has a warranty of 24 months."),
        ("Warranty", "The Halden RX400 has a warranty of 36 months."),
        ("Halden RX400", "Its box weighs 900 grams."),
    ]
    passages = [
        Passage(id=f"{n}", document_id="d", start=0, end=len(text), text=text, heading=heading)
        for n, (heading, text) in enumerate(parts)
    ]
    assert (align(answer, passages).unsupported == ()) is supported


def test_an_answer_from_two_passages_cites_both() -> None:
    read = [
        passage("The RX200 costs 59 euros.", 0, "price"),
        passage("Returned within 30 days.", 90, "days"),
    ]
    found = list(align("The RX200 costs 59 euros and is returned within 30 days.", read).citations)
    assert [one.passage_id for one in found] == ["price", "days"]
