"""Generations of an index: whatever interrupts a build, the one before still answers."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.corpus.read import Corpus, read_corpus
from core.errors import StorageError, VectorIndexError
from core.records import Document
from rag import indexes
from rag.indexes import build_index, open_index


class Letters:
    """An encoder of 26 dimensions that counts letters."""

    reference, fingerprint = "letters", "letters-1"

    def encode_documents(self, texts: list[str]) -> np.ndarray:
        rows = [[1.0, *(text.lower().count(chr(97 + n)) for n in range(26))] for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_questions = encode_documents


class Stopped(Letters):
    """An encoder that is interrupted."""

    def encode_documents(self, texts: list[str]) -> np.ndarray:
        raise KeyboardInterrupt


ENCODER: Any = Letters()


@pytest.fixture
def corpus(tiny_corpus: Path) -> Corpus:
    return read_corpus(str(tiny_corpus))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


def served(corpus: Corpus, home: Path) -> tuple[str, list[str]]:
    """The generation that answers, and what it answers."""
    opened = open_index(corpus, ENCODER, home)
    assert opened is not None
    index, name = opened
    [vector] = ENCODER.encode_questions(["how is the Beta reset"])
    return name, [index.passages[position].text for position, _ in index.search(vector, 3)]


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The operating system itself refuses to write on, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_an_interrupted_build_leaves_the_old_one(corpus: Corpus, home: Path) -> None:
    build_index(corpus, ENCODER, home)
    before = served(corpus, home)
    with pytest.raises(KeyboardInterrupt):
        build_index(corpus, Stopped(), home)  # type: ignore[arg-type]
    assert served(corpus, home) == before


@pytest.mark.parametrize("name", ["vectors.faiss", "sentences.faiss", "passages.jsonl"])
def test_a_disk_full_in_any_file_leaves_the_old_one(corpus: Corpus, home: Path, name: str) -> None:
    corpus = replace_alpha(corpus, "The Alpha is red. " * 300)
    generation = build_index(corpus, ENCODER, home).generation
    before = served(corpus, home)
    size = (home / "tiny" / generation / name).stat().st_size - 1
    with no_file_longer_than(size), pytest.raises(StorageError):
        build_index(corpus, ENCODER, home)
    assert served(corpus, home) == before
    assert len(list((home / "tiny").iterdir())) == 2, "nothing half-written is left"


@pytest.mark.parametrize("step", ["write_text", "_remove_others"])
def test_a_kill_before_or_after_the_switch(
    corpus: Corpus, home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    build_index(corpus, ENCODER, home)
    old, answers = served(corpus, home)

    def kill(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(indexes, step, kill)
    with pytest.raises(SystemExit):
        build_index(corpus, ENCODER, home)
    monkeypatch.undo()
    name, found = served(corpus, home)
    assert (name == old) == (step == "write_text")
    assert found == answers
    # The next build clears up what the killed one left.
    new = build_index(corpus, ENCODER, home).generation
    assert {path.name for path in (home / "tiny").iterdir()} == {"current", new}


def test_every_moment_of_a_build_has_a_whole_index(
    corpus: Corpus, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(corpus, ENCODER, home)
    before = served(corpus, home)
    changed = replace_alpha(corpus, "# Alpha\n\nTo reset it, hold the Beta key for 3 seconds.")
    seen = []

    def watched(call: Callable) -> Callable:
        def watching(*arguments: Any) -> Any:
            seen.append(open_index(corpus, ENCODER, home) or open_index(changed, ENCODER, home))
            return call(*arguments)

        return watching

    for name in ("replace", "fsync"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    build_index(changed, ENCODER, home)
    monkeypatch.undo()
    assert len(seen) > 5 and all(seen)
    assert open_index(corpus, ENCODER, home) is None
    name, _ = served(changed, home)
    assert name != before[0]


def replace_alpha(corpus: Corpus, text: str) -> Corpus:
    documents = tuple(
        one.model_copy(update={"text": text}) if one.id == "alpha" else one
        for one in corpus.documents
    )
    return Corpus(corpus.name, corpus.folder, corpus.info, documents, corpus.questions)


def test_any_flipped_byte_of_current_is_refused(corpus: Corpus, home: Path) -> None:
    build_index(corpus, ENCODER, home)
    current = home / "tiny" / "current"
    content = current.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            bad = bytearray(content)
            bad[position] ^= 1 << bit
            current.write_bytes(bytes(bad))
            with pytest.raises(VectorIndexError):
                open_index(corpus, ENCODER, home)


def test_a_corpus_without_documents_or_words(corpus: Corpus, home: Path) -> None:
    empty = Corpus("none", corpus.folder, corpus.info, (), corpus.questions)
    with pytest.raises(VectorIndexError, match="no documents"):
        build_index(empty, ENCODER, home)
    rule = Document(id="rule", title="rule", text="***", source="rule.md")
    wordless = Corpus("rule", corpus.folder, corpus.info, (rule,), ())
    build_index(wordless, ENCODER, home)
    assert open_index(wordless, ENCODER, home) is not None
