"""The right passage is found, read and quoted, with exact offsets, the same every time."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.read import read_corpus
from core.records import Passage
from rag.citations import cite
from rag.encoder import Encoder
from rag.fusion import reciprocal_rank_fusion
from rag.lexical_index import LexicalIndex
from rag.passages import split_document
from rag.reading import Reader
from rag.retrieval import HybridRetriever, embed_index


@pytest.fixture
def retriever(tiny_corpus: Path, encoder: Encoder) -> HybridRetriever:
    corpus = read_corpus(str(tiny_corpus))
    passages = [one for document in corpus.documents for one in split_document(document)]
    return HybridRetriever(embed_index(passages, encoder), encoder, name="tiny/g1")


def test_fusion_adds_the_reciprocals_of_ranks() -> None:
    # 1/(60 + rank), summed over rankings (Cormack, Clarke and Büttcher 2009).
    fused = dict(reciprocal_rank_fusion([[7, 8], [8, 9]]))
    assert fused == pytest.approx({7: 1 / 61, 8: 1 / 62 + 1 / 61, 9: 1 / 62})
    assert [position for position, _ in reciprocal_rank_fusion([[7, 8], [8, 9]])] == [8, 7, 9]


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("How long is the Beta's button held for a reset?", "beta", "12 seconds"),
        ("For how long is the Alpha guaranteed?", "shop/warranty", "24 months"),
        ("What is the weight of the Beta?", "beta", "520 grams"),
    ],
)
def test_the_right_passage_is_first_and_the_right_sentence_read(
    retriever: HybridRetriever, encoder: Encoder, question: str, document: str, words: str
) -> None:
    hits = retriever.retrieve(question, 5)
    assert hits[0].passage.document_id == document
    assert words in hits[0].passage.text
    read = Reader(encoder).windows(question, hits)
    assert len(read) == 1
    assert words in read[0].text


def test_hits_say_what_found_them(retriever: HybridRetriever) -> None:
    hits = retriever.retrieve("reset the Beta", 3)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    first = hits[0]
    assert (first.dense_rank, first.lexical_rank, first.sentence_rank) == (1, 1, 1)
    assert first.similarity is not None
    assert 0.3 < first.similarity <= 1
    assert retriever.retrieve("reset the Beta", 3) == hits
    assert len(retriever.retrieve("reset the Beta", 50)) == 5


def test_exact_names_are_found_by_words() -> None:
    index = LexicalIndex(["the RX200 router", "the RX400 router", "nothing alike"])
    assert index.search("RX400", 3)[0][0] == 1
    assert index.search("zebra", 3) == []


def test_words_of_an_answer_are_cited_where_they_stand(
    retriever: HybridRetriever, tiny_corpus: Path
) -> None:
    read = [hit.passage for hit in retriever.retrieve("reset the Beta", 2)]
    answer = "Please hold the button for 12 seconds."
    citations = cite(answer, read)
    texts = {document.id: document.text for document in read_corpus(str(tiny_corpus)).documents}
    assert any(
        "hold the button for 12 seconds" in answer[one.answer_start : one.answer_end]
        for one in citations
    )
    for one in citations:
        document = next(p.document_id for p in read if p.id == one.passage_id)
        said = answer[one.answer_start : one.answer_end].lower()
        assert texts[document][one.start : one.end].lower() == said
    assert cite("Zebras graze quietly.", read) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 9))
def test_citations_stay_inside_answer_and_passage(answer: str, text: str, start: int) -> None:
    passage = Passage(id="p", document_id="d", start=start, end=start + len(text), text=text)
    end = 0
    for one in cite(answer, [passage]):
        assert end <= one.answer_start < one.answer_end <= len(answer)
        assert start <= one.start < one.end <= start + len(text)
        end = one.answer_end


def test_nothing_found_is_nothing_read(encoder: Encoder) -> None:
    assert Reader(encoder).windows("anything", []) == []
