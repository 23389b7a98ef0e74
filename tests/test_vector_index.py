"""An index is used as it was written, or not at all."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import core.storage
from core.corpus.read import Corpus, read_corpus
from core.errors import StorageError, VectorIndexError
from core.records import Passage
from rag.indexes import build_index, open_index
from rag.vector_index import VectorIndex

ENCODER: Any = SimpleNamespace(reference="test", fingerprint="f")


class HashedWords:
    """An encoder of 64 dimensions that counts words: quick, and like enough for order."""

    reference, fingerprint = "hashed", "hashed-1"

    def encode_documents(self, texts: list[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, sum(word.encode()) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    encode_questions = encode_documents


def _passages(count: int) -> list[Passage]:
    return [
        Passage(id=f"d#{i}", document_id="d", start=i, end=i + 1, text=str(i % 10))
        for i in range(count)
    ]


def _index(count: int = 6) -> VectorIndex:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(count, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sentences = np.concatenate([vectors, -vectors])
    owners = [*range(count), *reversed(range(count))]
    return VectorIndex(
        _passages(count),
        vectors,
        sentence_vectors=sentences,
        owners=owners,
        encoder_fingerprint="f",
    )


def test_a_saved_index_finds_the_same(tmp_path: Path) -> None:
    index = _index()
    index.save(tmp_path / "g", encoder=ENCODER, corpus_fingerprint="c")
    opened = VectorIndex.open(tmp_path / "g", encoder_fingerprint="f")
    assert opened.passages == index.passages
    vector = np.ones(8, dtype=np.float32)
    assert opened.search(vector, 4) == index.search(vector, 4)
    assert opened.search_sentences(vector, 4) == index.search_sentences(vector, 4)
    assert len(index.search(vector, 100)) == 6
    assert sorted(index.search_sentences(vector, 100)) == [0, 1, 2, 3, 4, 5]


def test_any_flipped_byte_is_refused(tmp_path: Path) -> None:
    _index().save(tmp_path / "g", encoder=ENCODER, corpus_fingerprint="c")
    draw = random.Random(3)
    for path in sorted((tmp_path / "g").iterdir()):
        content = path.read_bytes()
        for position in {0, len(content) - 1, *(draw.randrange(len(content)) for _ in range(25))}:
            bad = bytearray(content)
            bad[position] ^= 1 << draw.randrange(8)
            path.write_bytes(bytes(bad))
            with pytest.raises(VectorIndexError, match="damaged"):
                VectorIndex.open(tmp_path / "g", encoder_fingerprint="f")
        path.write_bytes(content)
    VectorIndex.open(tmp_path / "g", encoder_fingerprint="f")


@pytest.mark.parametrize(
    "name", ["vectors.faiss", "sentences.faiss", "passages.jsonl", "manifest.json"]
)
def test_a_missing_or_cut_file_is_refused(tmp_path: Path, name: str) -> None:
    _index().save(tmp_path / "g", encoder=ENCODER, corpus_fingerprint="c")
    path = tmp_path / "g" / name
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(VectorIndexError, match="damaged"):
        VectorIndex.open(tmp_path / "g", encoder_fingerprint="f")
    path.unlink()
    with pytest.raises(VectorIndexError, match="damaged"):
        VectorIndex.open(tmp_path / "g", encoder_fingerprint="f")


def test_another_encoder_s_index_is_refused(tmp_path: Path) -> None:
    _index().save(tmp_path / "g", encoder=ENCODER, corpus_fingerprint="c")
    with pytest.raises(VectorIndexError, match="another encoder"):
        VectorIndex.open(tmp_path / "g", encoder_fingerprint="other")


def test_bad_vectors_and_doubled_passages_are_refused() -> None:
    good = np.eye(3, 8, dtype=np.float32)
    nan = good.copy()
    nan[1, 2] = np.nan
    with pytest.raises(VectorIndexError, match="finite"):
        VectorIndex(
            _passages(3), nan, sentence_vectors=good, owners=[0, 1, 2], encoder_fingerprint="f"
        )
    with pytest.raises(VectorIndexError, match="finite"):
        VectorIndex(
            _passages(3), good, sentence_vectors=nan, owners=[0, 1, 2], encoder_fingerprint="f"
        )
    with pytest.raises(VectorIndexError, match="no passage"):
        VectorIndex([], good[:0], sentence_vectors=good[:0], owners=[], encoder_fingerprint="f")
    with pytest.raises(VectorIndexError, match="one id"):
        VectorIndex(
            _passages(1) * 3, good, sentence_vectors=good, owners=[0, 1, 2], encoder_fingerprint="f"
        )


@pytest.fixture
def corpus(tiny_corpus: Path) -> Corpus:
    return read_corpus(str(tiny_corpus))


def test_a_changed_document_makes_the_index_stale_and_a_question_does_not(
    corpus: Corpus, tiny_corpus: Path, tmp_path: Path
) -> None:
    encoder: Any = HashedWords()
    assert open_index(corpus, encoder, tmp_path / "i") is None
    report = build_index(corpus, encoder, tmp_path / "i")
    assert (report.documents, report.passages) == (3, 5)
    opened = open_index(corpus, encoder, tmp_path / "i")
    assert opened is not None
    assert opened[1] == f"tiny/{report.generation}"
    (tiny_corpus / "qa.jsonl").write_text("")
    assert open_index(read_corpus(str(tiny_corpus)), encoder, tmp_path / "i") is not None
    (tiny_corpus / "documents" / "alpha.md").write_text("Other words.")
    assert open_index(read_corpus(str(tiny_corpus)), encoder, tmp_path / "i") is None


def test_a_new_generation_replaces_the_old_one(corpus: Corpus, tmp_path: Path) -> None:
    encoder: Any = HashedWords()
    first = build_index(corpus, encoder, tmp_path / "i").generation
    second = build_index(corpus, encoder, tmp_path / "i").generation
    assert first != second
    assert {one.name for one in (tmp_path / "i" / "tiny").iterdir()} == {"current", second}


def test_a_full_disk_leaves_the_old_generation_answering(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder: Any = HashedWords()
    first = build_index(corpus, encoder, tmp_path / "i").generation

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(core.storage.os, "fsync", full)
    with pytest.raises(StorageError):
        build_index(corpus, encoder, tmp_path / "i")
    monkeypatch.undo()
    opened = open_index(corpus, encoder, tmp_path / "i")
    assert opened is not None
    assert opened[1] == f"tiny/{first}"


def test_a_current_file_that_names_nothing_is_damage(corpus: Corpus, tmp_path: Path) -> None:
    encoder: Any = HashedWords()
    build_index(corpus, encoder, tmp_path / "i")
    (tmp_path / "i" / "tiny" / "current").write_text("../../elsewhere")
    with pytest.raises(VectorIndexError, match="names no index generation"):
        open_index(corpus, encoder, tmp_path / "i")
