"""The right passage is found, read and quoted, with exact offsets, the same every time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.read import read_corpus
from core.records import Passage
from rag.citations import align
from rag.embedding_cache import CachedEncoder
from rag.encoder import Encoder
from rag.fusion import marginal_relevance, min_max_fusion, reciprocal_rank_fusion
from rag.lexical_index import LexicalIndex
from rag.passages import searched_text
from rag.reading import Reader
from rag.retrieval import HybridRetriever, RetrievalOptions
from rag.store import PassageStore, open_store
from rag.sync import sync_index


@pytest.fixture
def cached(encoder: Encoder) -> CachedEncoder:
    return CachedEncoder(encoder, None)


@pytest.fixture
def store(tiny_corpus: Path, cached: CachedEncoder, tmp_path: Path) -> PassageStore:
    corpus = read_corpus(str(tiny_corpus))
    sync_index(corpus, cached, tmp_path / "indexes")
    found = open_store(tmp_path / "indexes" / corpus.name, cached)
    assert found is not None
    return found


@pytest.fixture
def retriever(store: PassageStore, cached: CachedEncoder) -> HybridRetriever:
    return HybridRetriever(store, cached, name="tiny/g1")


def test_fusion_adds_the_reciprocals_of_ranks() -> None:
    # 1/(60 + rank), summed over rankings (Cormack, Clarke and Büttcher 2009).
    fused = dict(reciprocal_rank_fusion([[7, 8], [8, 9]]))
    assert fused == pytest.approx({7: 1 / 61, 8: 1 / 62 + 1 / 61, 9: 1 / 62})
    assert [position for position, _ in reciprocal_rank_fusion([[7, 8], [8, 9]])] == [8, 7, 9]


def test_min_max_fusion_is_the_mean_of_scores_between_0_and_1() -> None:
    fused = dict(min_max_fusion([{1: 0.9, 2: 0.5, 3: 0.1}, {2: 30.0, 4: 10.0}]))
    assert fused == pytest.approx({1: 0.5, 2: 0.25 + 0.5, 3: 0.0, 4: 0.0})
    assert next(iter(fused)) == 2
    assert dict(min_max_fusion([{}, {7: 3.0}])) == {7: 0.5}
    weighted = dict(min_max_fusion([{1: 5.0, 2: 4.0}, {2: 1.0, 3: 0.0}], (1, 3)))
    assert weighted == pytest.approx({1: 0.25, 2: 0.75, 3: 0.0})


def test_marginal_relevance_passes_over_what_is_alike() -> None:
    # By hand: units 1, .9, 0. After the first, 0.5 · 0.9 - 0.5 · 1 < 0.5 · 0 - 0.5 · 0.
    ranked = [(1, 1.0), (2, 0.9), (3, 0.0)]
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert [one for one, _ in marginal_relevance(ranked, vectors, 2, relevance=0.5)] == [1, 3]
    assert marginal_relevance(ranked, vectors, 3, relevance=1.0) == ranked
    assert marginal_relevance([], vectors[:0], 3, relevance=0.5) == []


@pytest.mark.parametrize("options", [RetrievalOptions("rrf"), RetrievalOptions(relevance=0.5)])
def test_every_option_gives_k_different_hits(
    store: PassageStore, cached: CachedEncoder, options: RetrievalOptions
) -> None:
    retriever = HybridRetriever(store, cached, name="tiny/g1", options=options)
    hits = retriever.retrieve("reset the Beta", 4)
    assert len({hit.passage.id for hit in hits}) == 4
    assert hits[0].passage.document_id == "beta"
    assert retriever.retrieve("reset the Beta", 4) == hits


def test_a_reranker_has_the_last_word(store: PassageStore, cached: CachedEncoder) -> None:
    class Longest:
        reference = "longest"

        def scores(self, question: str, texts: Sequence[str]) -> np.ndarray:
            return np.array([float(len(text)) for text in texts], dtype=np.float32)

    options = RetrievalOptions(reranker=Longest())
    hits = HybridRetriever(store, cached, name="t", options=options).retrieve("the Alpha", 5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    every = store.passages(store.manifest.numbers()).values()
    longest = max(every, key=lambda one: len(searched_text(one)))
    assert hits[0].passage == longest


def test_a_search_can_be_kept_to_some_documents(retriever: HybridRetriever) -> None:
    hits = retriever.retrieve("reset the Beta", 5, documents=["alpha", "shop/warranty"])
    assert {hit.passage.document_id for hit in hits} == {"alpha", "shop/warranty"}
    assert retriever.retrieve("reset the Beta", 5, documents=[]) == []
    assert retriever.retrieve("reset the Beta", 5, documents=["nowhere"]) == []


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [
        ("How long is the Beta's button held for a reset?", "beta", "12 seconds"),
        ("For how long is the Alpha guaranteed?", "shop/warranty", "24 months"),
        ("What is the weight of the Beta?", "beta", "520 grams"),
    ],
)
def test_the_right_passage_is_first_and_the_right_sentence_read(
    retriever: HybridRetriever, cached: CachedEncoder, question: str, document: str, words: str
) -> None:
    hits = retriever.retrieve(question, 5)
    assert hits[0].passage.document_id == document
    assert words in hits[0].passage.text
    read = Reader(cached).windows(question, hits)
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
    citations = list(align(answer, read).citations)
    texts = {document.id: document.text for document in read_corpus(str(tiny_corpus)).documents}
    assert any(
        "hold the button for 12 seconds" in answer[one.answer_start : one.answer_end]
        for one in citations
    )
    for one in citations:
        document = next(p.document_id for p in read if p.id == one.passage_id)
        said = answer[one.answer_start : one.answer_end].lower()
        assert texts[document][one.start : one.end].lower() == said
    assert list(align("Zebras graze quietly.", read).citations) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 9))
def test_citations_stay_inside_answer_and_passage(answer: str, text: str, start: int) -> None:
    passage = Passage(id="p", document_id="d", start=start, end=start + len(text), text=text)
    end = 0
    for one in list(align(answer, [passage]).citations):
        assert end <= one.answer_start < one.answer_end <= len(answer)
        assert start <= one.start < one.end <= start + len(text)
        end = one.answer_end


def test_nothing_found_is_nothing_read(cached: CachedEncoder) -> None:
    assert Reader(cached).windows("anything", []) == []
