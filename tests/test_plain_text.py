"""The plain-text probe: general prose that ships with the project and is never trained on."""

from collections import Counter
from pathlib import Path

import pytest

from core.corpus.plain_text import PLAIN_TEXT_FILE, read_plain_text
from core.corpus.read import read_corpus
from core.errors import CorpusError


def test_the_shipped_passages_are_varied_and_short() -> None:
    corpus = read_corpus("general-knowledge")
    texts = read_plain_text(corpus)
    assert len(texts) == 40
    assert len(Counter(one.kind for one in texts)) >= 6
    assert all(60 <= len(one.text.split()) <= 95 for one in texts)
    assert len({one.text for one in texts}) == len(texts)
    trained = {one.question for one in corpus.questions}
    assert not any(question in one.text for one in texts for question in trained)


def test_a_corpus_without_passages_has_none(tiny_corpus: Path) -> None:
    assert read_plain_text(read_corpus(str(tiny_corpus))) == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", ":2: is not JSON"),
        ('{"id": "b", "kind": "news"}', ":2: text: "),
        ('{"id": "a", "kind": "news", "text": "y"}', ":2: id: 'a' stands there twice"),
        ('["a"]', ":2: the line: "),
    ],
)
def test_a_bad_line_is_named(tiny_corpus: Path, line: str, message: str) -> None:
    path = tiny_corpus / PLAIN_TEXT_FILE
    good = '{"id": "a", "kind": "news", "text": "One\\u2028line."}\n'
    path.write_text(good)
    assert read_plain_text(read_corpus(str(tiny_corpus)))[0].text == "One\u2028line."
    path.write_text(good + line + "\n")
    with pytest.raises(CorpusError, match=r"plain-text\.jsonl") as raised:
        read_plain_text(read_corpus(str(tiny_corpus)))
    assert message in str(raised.value)
