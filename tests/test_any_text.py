"""Whatever a document or a question holds, it is indexed, found, read and cited without a crash."""

import os
import tempfile
from pathlib import Path

from fakes import Letters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.corpus.documents import document_paths, load_document
from core.corpus.read import Corpus, CorpusInfo
from core.records import Document
from rag.citations import align
from rag.embedding_cache import CachedEncoder
from rag.floor import nearness
from rag.passages import split_document
from rag.reading import Reader
from rag.retrieval import HybridRetriever, RetrievalOptions
from rag.store import open_store
from rag.sync import sync_index

#: 1,000 documents and as many questions in `make soak`, enough to notice in `make test`.
EXAMPLES = 250 if "SFT_VS_RAG_SOAK" in os.environ else 15

#: What real files hold that tidy ones do not.
ODD = st.sampled_from(
    [
        "\U0001f469\u200d\U0001f467 family \U0001f3f3\ufe0f", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u200e", "\u202ereversed\u202c", "\0null\0", "a" * 3000, "é́́́", "日本語の文。次の文。",
        "|a|b|\n|-|-|\n|1|2|", "```\n# no heading\n", "<|im_end|>", '"quoted" OR NEAR(x) *', "\u2028line",
        "\ufeffbom", "﷽", "1,000.5 %", "# " * 50, "\r\n\r\n", "\x1b[31m", "NOT AND OR", "'; DROP TABLE words",
    ]
)  # fmt: skip
TEXT = st.lists(st.one_of(ODD, st.text(max_size=80)), min_size=1, max_size=12).map(" \n".join)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXT, min_size=4, max_size=4), st.lists(TEXT, min_size=4, max_size=4))
def test_any_document_and_any_question(texts: list[str], questions: list[str]) -> None:
    documents = tuple(
        Document(id=f"d{number}", title=text[:20], text=text, source=f"d{number}.md")
        for number, text in enumerate([*texts, "a plain sentence stands here"])
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = Corpus("odd", folder, CorpusInfo(), documents, ())
        encoder = CachedEncoder(Letters(), folder / "vectors")
        sync_index(corpus, encoder, folder)
        assert sync_index(corpus, encoder, folder).encoded == 0
        store = open_store(folder / "odd", encoder)
        assert store is not None
        assert store.size == sum(len(split_document(one)) for one in documents)
        whole = {one.id: one.text for one in documents}
        options = RetrievalOptions(relevance=0.7)
        retriever = HybridRetriever(store, encoder, name="odd", options=options)
        for question in [*questions, *texts]:
            hits = retriever.retrieve(question, 5)
            assert 0 < len(hits) <= 5
            assert -1.01 <= nearness(hits) <= 1.01
            passages = [hit.passage for hit in hits]
            read = Reader(encoder).windows(question, hits, windows=2)
            for one in [*passages, *read]:
                assert whole[one.document_id][one.start : one.end] == one.text
            for one in align(question, passages).citations:
                assert 0 <= one.answer_start < one.answer_end <= len(question)
        store.close()


def test_a_line_of_a_megabyte(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    words = "the lamp of the router turns green after twelve seconds "
    (folder / "long.txt").write_text(words * 20_000)
    (folder / "letters.txt").write_text("x" * 1_000_000)
    (folder / "short.txt").write_text("The Gamma has a red lamp.")
    documents = tuple(load_document(path, folder) for path in document_paths(folder))
    corpus = Corpus("long", tmp_path, CorpusInfo(), documents, ())
    encoder = CachedEncoder(Letters(), None)
    report = sync_index(corpus, encoder, tmp_path / "indexes")
    assert report.documents == 3
    assert report.passages > 1500
    store = open_store(tmp_path / "indexes" / "long", encoder)
    assert store is not None
    assert store.wording("Gamma", 3)[0][1] > 0
    assert all(len(one.text) <= 1200 for one in store.passages(store.manifest.numbers()).values())
