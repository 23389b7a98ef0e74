"""Ingest against the bare encoder, search against bare FAISS, adding a document, opening, memory.

`python benchmarks/retrieval_speed.py` times the two sides of a ratio in turns in one run. Ingest is
measured on real passages with the real encoder; the mechanics of a large index on 100,000 passages
whose vectors are drawn, which cost no encoding.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
import unittest.mock
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np

from core.corpus.read import Corpus, CorpusInfo
from core.records import Document
from core.settings import load_settings
from rag.embedding_cache import CachedEncoder
from rag.encoder import Encoder
from rag.passages import searched_text, split_document
from rag.store import PassageStore, open_store
from rag.sync import sync_index
from workbench import Workbench


class Drawn:
    """An encoder whose vectors are drawn from the text's hash: quick, of the real dimensions."""

    reference, fingerprint = "drawn", "drawn-384"

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        draw = np.random.default_rng(abs(hash(texts[0])) % 2**32 if texts else 0)
        centres = np.random.default_rng(0).normal(size=(200, 384)).astype(np.float32)
        near = centres[draw.integers(0, 200, len(texts))]
        vectors = near + draw.normal(size=(len(texts), 384)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_questions = encode_documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--corpus", default="solar-system")
    parser.add_argument("--backends-only", action="store_true", help="torch against openvino only")
    given = parser.parse_args()
    print("| measured | value | goal |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        backends(given.corpus, Path(folder))
        if given.backends_only:
            return
        ingest(given.corpus, Path(folder))
        large(given.passages, Path(folder))
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"| peak memory of this process | {peak / 2**30:.2f} GiB | |")


def ingest(reference: str, folder: Path) -> None:
    """Index a corpus, and encode the same passages without anything around it, in turns."""
    workbench = Workbench(load_settings())
    corpus = workbench.corpus(reference)
    encoder = Encoder(workbench.settings.encoder, device="cpu")
    texts = [searched_text(one) for each in corpus.documents for one in split_document(each)]
    encoder.encode_documents(texts[:64])
    ratios, with_sentences, without = [], [], []
    for turn in range(3):
        bare = seconds(lambda: encoder.encode_documents(texts))
        home = folder / f"ingest-{turn}"
        cached = CachedEncoder(encoder, home)
        whole = seconds(lambda cached=cached, home=home: sync_index(corpus, cached, home))
        # What the index encodes besides the passages are their sentences, for small corpora.
        every = Counting(encoder)
        sync_index(corpus, CachedEncoder(every, None), folder / f"count-{turn}")
        both = seconds(lambda every=every: encoder.encode_documents(every.texts))
        ratios.append(bare / whole)
        # Collections of more passages than this have their sentences encoded when they are asked.
        with unittest.mock.patch("rag.sync.SENTENCES_UP_TO", 0):
            home = folder / f"large-{turn}"
            cached = CachedEncoder(encoder, home)
            large_one = seconds(lambda cached=cached, home=home: sync_index(corpus, cached, home))
        again = seconds(lambda: encoder.encode_documents(texts))
        without.append((bare + again) / 2 / large_one)
        with_sentences.append(both / whole)
    row("ingest ÷ bare encoding of the passages, speed, sentences encoded too", ratios, "≥ 0.9 ×")
    row("the same ÷ bare encoding of passages and sentences", with_sentences, "")
    row("ingest as of more than 5,000 passages (no sentences) ÷ bare encoding", without, "≥ 0.9 ×")


def backends(reference: str, folder: Path) -> None:
    """Encode the same passages by torch and by OpenVINO in turns, and index them by the latter."""
    workbench = Workbench(load_settings())
    corpus = workbench.corpus(reference)
    torch, openvino = (
        Encoder(workbench.settings.encoder, device="cpu", backend=backend, models_folder=folder)
        for backend in ("torch", "openvino")
    )
    texts = [searched_text(one) for each in corpus.documents for one in split_document(each)]
    ours, theirs = openvino.encode_documents(texts), torch.encode_documents(texts)
    encoding, one, ingesting = [], [], []
    for turn in range(3):
        bare = seconds(lambda: torch.encode_documents(texts))
        encoding.append(bare / seconds(lambda: openvino.encode_documents(texts)))
        slow = seconds(lambda: [torch.encode_questions([text[:80]]) for text in texts[:30]])
        fast = seconds(lambda: [openvino.encode_questions([text[:80]]) for text in texts[:30]])
        one.append(slow / fast)
        cached = CachedEncoder(openvino, folder / f"openvino-{turn}")
        home = folder / f"openvino-index-{turn}"
        whole = seconds(lambda cached=cached, home=home: sync_index(corpus, cached, home))
        ingesting.append(bare / whole)
    row("passages encoded by openvino ÷ by torch, speed", encoding, "")
    row("one question at a time, the same", one, "")
    row("ingest by openvino, sentences too ÷ bare encoding by torch", ingesting, "≥ 0.9 ×")
    print(
        f"| greatest difference of their vectors' numbers | {np.abs(ours - theirs).max():.1e} | |"
    )


class Counting:
    """Keeps the texts that were encoded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.reference, self.fingerprint = encoder.reference, encoder.fingerprint
        self.texts: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return self._encoder.encode_documents(texts)

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        return self._encoder.encode_questions(texts)


def large(count: int, folder: Path) -> None:
    """Build an index of many passages, then search, add to, and open it."""
    words = [f"word{number}" for number in range(5000)]
    draw = np.random.default_rng(1)
    each = 20

    def text() -> str:
        parts = (f"## Part {part}\n\n" + " ".join(draw.choice(words, 60)) for part in range(each))
        return "\n\n".join(parts)

    documents = tuple(
        Document(id=f"d{number}", title=f"D{number}", source=f"d{number}.md", text=text())
        for number in range(count // each)
    )
    corpus = Corpus("large", folder, CorpusInfo(), documents, ())
    encoder = CachedEncoder(Drawn(), None)
    began = time.perf_counter()
    report = sync_index(corpus, encoder, folder)
    value(f"indexing {report.passages} passages ({report.kind})", time.perf_counter() - began)
    store = open_store(folder / "large", encoder)
    assert store is not None
    print(f"| kinds measured | {store.manifest.meta['measured']} | recall ≥ 0.98 |")
    search(store, encoder)
    added = Document(
        id="new", title="New", text="# New\n\nOne more text of some words.", source="n"
    )
    grown = Corpus("large", folder, CorpusInfo(), (*documents, added), ())
    times = []
    for turn in range(3):
        now = grown if turn % 2 == 0 else corpus
        times.append(seconds(lambda now=now: sync_index(now, encoder, folder)))
    value("adding or removing one document, saved", statistics.median(times), "≤ 1 s")
    opening = [seconds(lambda: open_store(folder / "large", encoder)) for _ in range(5)]
    value("opening, every byte checked", statistics.median(opening), "≤ 0.3 s")


def search(store: PassageStore, encoder: CachedEncoder) -> None:
    """Ask the store, and the FAISS index inside it, the same questions in turns."""
    vectors = encoder.encode_questions([f"question {number}" for number in range(100)])
    [segment] = store.manifest.segments()
    bare = faiss.read_index(str(store.folder / segment.name), faiss.IO_FLAG_MMAP_IFC)
    ratios = []
    for _ in range(5):
        ours = seconds(lambda: [store.near(vector, 10) for vector in vectors])
        theirs = seconds(lambda: [bare.search(vector.reshape(1, -1), 10) for vector in vectors])
        ratios.append(ours / theirs)
    row("search ÷ the bare FAISS call, time", ratios, "≤ 1.3 ×")
    value("one search", ours / len(vectors))
    value("one search by words", seconds(lambda: store.wording("word7 word99 word1234", 10)))


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def row(name: str, ratios: Sequence[float], goal: str) -> None:
    print(f"| {name} | {statistics.median(ratios):.2f} × | {goal} |", flush=True)


def value(name: str, taken: float, goal: str = "") -> None:
    shown = f"{1000 * taken:.1f} ms" if taken < 1 else f"{taken:.1f} s"
    print(f"| {name} | {shown} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
