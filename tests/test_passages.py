"""Passages and sentences are exact cuts of their document."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.records import Document
from rag.passages import PASSAGE_CHARACTERS, join, sentences, split_document

MARKDOWN = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(
            ["# Title", "## Part", "- item one\n- item two", "| a | b |\n|---|---|\n| 1 | 2 |",
             "A sentence. Another one! A third?", "Dr. Smith costs 1.5 euros.", "日本語。次の文。", "x" * 1500]
        ),
    ),
    max_size=12,
).map("\n\n".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
def test_passages_are_exact_in_order_and_small(text: str) -> None:
    document = Document(id="d", title="T", text=text, source="d.md")
    passages = split_document(document)
    end = 0
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.start >= end
        assert 0 < len(passage.text) <= PASSAGE_CHARACTERS
        end = passage.end
    assert len({passage.id for passage in passages}) == len(passages)


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
def test_sentences_are_exact_and_inside(text: str) -> None:
    document = Document(id="d", title="T", text=text, source="d.md")
    for passage in split_document(document):
        end = passage.start
        parts = sentences(passage)
        for part in parts:
            assert text[part.start : part.end] == part.text
            assert part.start >= end
            assert part.end <= passage.end
            assert part.text == part.text.strip() != ""
            end = part.end
        if parts:
            whole = join(passage, parts)
            assert text[whole.start : whole.end] == whole.text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=40))
def test_no_word_below_a_heading_is_lost(words: list[str]) -> None:
    text = "# Title\n\n" + "\n\n".join(words)
    kept = "".join(
        passage.text
        for passage in split_document(Document(id="d", title="T", text=text, source="d"))
    )
    assert all(word in kept for word in words)


def test_headings_name_the_path_to_a_passage() -> None:
    text = "# Router\n\nIntro.\n\n## Reset\n\nHold it.\n\n### Twice\n\nAgain.\n\n## Box\n\nA cable."
    found = {
        one.text: one.heading
        for one in split_document(Document(id="d", title="T", text=text, source="d"))
    }
    assert found == {
        "Intro.": "Router", "Hold it.": "Router › Reset", "Again.": "Router › Reset › Twice",
        "A cable.": "Router › Box",
    }  # fmt: skip


def test_a_sentence_does_not_end_in_an_abbreviation_or_a_number() -> None:
    text = "# T\n\nDr. Berg paid 1.5 euros, approx. two. It was late! Was it? Yes."
    parts = sentences(split_document(Document(id="d", title="T", text=text, source="d"))[0])
    assert [part.text for part in parts] == [
        "Dr. Berg paid 1.5 euros, approx. two.",
        "It was late!",
        "Was it?",
        "Yes.",
    ]


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
@example("# Shipping takes two days\n# Returns take ten days\n")
@example("# Help\n\n## Open all day\n\n## Closed on Sunday\n\nElse ring.\n")
def test_what_is_in_no_passage_is_in_a_heading(text: str) -> None:
    passages = split_document(Document(id="d", title="T", text=text, source="d"))
    rest = list(text)
    for passage in passages:
        rest[passage.start : passage.end] = " " * len(passage.text)
    headings = {word for one in passages for word in one.heading.replace("#", " ").split()}
    left = {word for word in "".join(rest).replace("#", " ").split() if word.isalnum()}
    assert left <= headings


def test_a_heading_without_words_below_is_a_passage() -> None:
    text = "# Help\n\n## Shipping takes two days\n\n## Returns\n\nTen days."
    found = split_document(Document(id="d", title="Help", text=text, source="d"))
    assert [(one.text, one.heading) for one in found] == [
        ("Shipping takes two days", "Help"),
        ("Ten days.", "Help › Returns"),
    ]


def test_a_comment_in_code_is_no_heading() -> None:
    text = "# Reset\n\nRun:\n\n```sh\n# wipe all\nreset --all\n```\n\nWait.\n\n## After\n\nOn."
    found = split_document(Document(id="d", title="T", text=text, source="d"))
    assert [one.heading for one in found] == ["Reset", "Reset › After"]
    assert "# wipe all" in found[0].text
