"""Syncing indexes what changed, and whatever interrupts it, the index before still answers."""

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import Letters
from filelock import FileLock

from core.corpus.read import Corpus, read_corpus
from core.errors import RetrievalUnavailable, StorageError, VectorIndexError
from core.records import Document
from rag import compaction, generations, index_kinds, sync
from rag.embedding_cache import CachedEncoder
from rag.store import PassageStore, open_store
from rag.sync import is_current, sync_index


@pytest.fixture
def corpus(tiny_corpus: Path) -> Corpus:
    return read_corpus(str(tiny_corpus))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


@pytest.fixture
def encoder() -> CachedEncoder:
    return CachedEncoder(Letters(), None)


def with_texts(corpus: Corpus, **texts: str | None) -> Corpus:
    """The corpus with other texts for some documents, new ones added, and those of None taken out."""
    documents = {one.id: one for one in corpus.documents}
    for name, text in texts.items():
        if text is None:
            del documents[name]
        else:
            documents[name] = Document(id=name, title=name, text=text, source=f"{name}.md")
    return replace(corpus, documents=tuple(documents.values()))


def opened(corpus: Corpus, folder: Path, encoder: CachedEncoder) -> PassageStore:
    store = open_store(folder / corpus.name, encoder)
    assert store is not None
    return store


def texts_of(store: PassageStore) -> list[str]:
    return sorted(one.text for one in store.passages(store.manifest.numbers()).values())


def found(
    store: PassageStore, encoder: CachedEncoder, question: str = "how is the Beta reset"
) -> list[str]:
    [vector] = encoder.encode_questions([question])
    passages = store.passages(store.numbers_of(list(store.manifest.documents())))
    return [passages[number].text for number, _ in store.near(vector, 3)]


def test_a_sync_reports_what_it_did_and_encodes_only_what_is_new(
    corpus: Corpus, folder: Path
) -> None:
    letters = Letters()
    encoder = CachedEncoder(letters, None)
    first = sync_index(corpus, encoder, folder)
    assert (first.added, first.updated, first.unchanged, first.removed) == (3, 0, 0, 0)
    assert (first.documents, first.passages, first.kind) == (3, 5, "Flat")
    assert first.encoded == len(letters.seen) > 5
    letters.seen.clear()
    again = sync_index(corpus, encoder, folder)
    assert (again.added, again.updated, again.unchanged, again.removed) == (0, 0, 3, 0)
    assert (again.encoded, letters.seen, again.generation) == (0, [], first.generation)
    changed = with_texts(
        corpus, alpha="# Alpha\n\nIt is grey now.", gamma="# Gamma\n\nIt is new.", beta=None
    )
    third = sync_index(changed, encoder, folder)
    assert (third.added, third.updated, third.unchanged, third.removed) == (1, 1, 1, 1)
    assert all("grey" in text or "new" in text for text in letters.seen)
    store = opened(changed, folder, encoder)
    assert texts_of(store) == sorted(
        ["It is grey now.", "It is new.", *(t for t in texts_of(store) if "warranty" in t)]
    )
    assert is_current(changed.documents, store.manifest)
    assert not is_current(corpus.documents, store.manifest)
    # A document that comes back is remembered by its content.
    letters.seen.clear()
    assert sync_index(corpus, encoder, folder).encoded == 0
    assert letters.seen == []


def test_what_is_gone_is_found_no_more_by_meaning_or_words(
    corpus: Corpus, folder: Path, encoder: CachedEncoder
) -> None:
    sync_index(corpus, encoder, folder)
    changed = with_texts(corpus, beta=None, alpha="# Alpha\n\nThe Alpha is grey.")
    sync_index(changed, encoder, folder)
    store = opened(changed, folder, encoder)
    worded = store.passages([number for number, _ in store.wording("Beta reset", 9)])
    assert {one.document_id for one in worded.values()} == {"shop/warranty"}, "it names the Beta"
    assert store.wording("lamp turns green", 9) == []
    numbers = set(store.manifest.numbers())
    [vector] = encoder.encode_questions(["Beta beta beta"])
    near = store.near(vector, 9)
    assert {number for number, _ in near} <= numbers
    assert len(near) == len(numbers) == store.size


def test_small_segments_are_linked_and_merged_when_there_are_many(
    corpus: Corpus, folder: Path, encoder: CachedEncoder
) -> None:
    big = with_texts(corpus, **{f"d{n}": f"# D{n}\n\nText number {n} of many." for n in range(60)})
    sync_index(big, encoder, folder)
    first = opened(big, folder, encoder)
    inode = (first.folder / "vectors-000001.faiss").stat().st_ino
    grown = with_texts(big, extra="# Extra\n\nOne more text.")
    sync_index(grown, encoder, folder)
    store = opened(grown, folder, encoder)
    assert [one.vectors for one in store.manifest.segments()] == [65, 1]
    assert (store.folder / "vectors-000001.faiss").stat().st_ino == inode, "linked, not copied"
    for number in range(30):
        grown = with_texts(grown, **{f"e{number}": f"# E\n\nAnd text {number}."})
        sync_index(grown, encoder, folder)
    segments = opened(grown, folder, encoder).manifest.segments()
    assert len(segments) <= 9
    assert sum(one.vectors for one in segments) == 96
    shrunk = with_texts(grown, **{f"d{n}": None for n in range(60)})
    sync_index(shrunk, encoder, folder)
    store = opened(shrunk, folder, encoder)
    assert [one.vectors for one in store.manifest.segments()] == [36], "no dead vectors are kept"
    fresh = folder.parent / "fresh"
    sync_index(shrunk, encoder, fresh)
    other = opened(shrunk, fresh, encoder)
    assert found(store, encoder) == found(other, encoder)
    assert texts_of(store) == texts_of(other)


def worded(store: PassageStore, question: str) -> set[str]:
    numbers = [number for number, _ in store.wording(question, 50)]
    return {passage.text for passage in store.passages(numbers).values()}


def test_every_sync_gives_what_a_rebuild_gives(
    corpus: Corpus, folder: Path, encoder: CachedEncoder
) -> None:
    draw = random.Random(4)
    now = corpus
    for step in range(25):
        name = f"n{draw.randrange(8)}"
        there = any(one.id == name for one in now.documents)
        gone = there and draw.random() < 0.3
        words = " ".join("".join(draw.choices("abcdefgh", k=6)) for _ in range(5))
        now = with_texts(now, **{name: None if gone else f"# {name}\n\nStep {step} says {words}."})
        sync_index(now, encoder, folder)
        store = opened(now, folder, encoder)
        rebuilt = folder.parent / f"again-{step}"
        sync_index(now, encoder, rebuilt, rebuild=True)
        other = opened(now, rebuilt, encoder)
        assert texts_of(store) == texts_of(other)
        question = f"Step {words}"
        assert found(store, encoder, question) == found(other, encoder, question)

        assert worded(store, f"{name} step {step}") == worded(other, f"{name} step {step}")
        store.close()
        other.close()


def test_another_encoder_or_format_is_built_anew_and_refused_to_readers(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_index(corpus, encoder, folder)
    other = CachedEncoder(Letters("letters-2"), None)
    with pytest.raises(VectorIndexError, match="another encoder"):
        open_store(folder / "tiny", other)
    assert sync_index(corpus, other, folder).added == 3
    monkeypatch.setattr(sync, "FORMAT", "next")
    assert sync_index(corpus, other, folder).added == 3


def test_a_corpus_without_documents_or_words(
    corpus: Corpus, folder: Path, encoder: CachedEncoder
) -> None:
    with pytest.raises(VectorIndexError, match="no documents"):
        sync_index(replace(corpus, documents=()), encoder, folder)
    rule = replace(
        corpus, documents=(Document(id="rule", title="rule", text="***", source="r.md"),)
    )
    sync_index(rule, encoder, folder)
    assert opened(rule, folder, encoder).size == 1


def test_a_vector_that_is_no_number_is_refused(corpus: Corpus, folder: Path) -> None:
    class Broken(Letters):
        def encode_documents(self, texts: list[str]) -> np.ndarray:
            vectors = super().encode_documents(texts)
            vectors[0, 0] = np.nan
            return vectors

    with pytest.raises(VectorIndexError, match="finite vectors"):
        sync_index(corpus, CachedEncoder(Broken(), None), folder)
    assert open_store(folder / "tiny", CachedEncoder(Letters(), None)) is None


# What interrupts it


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The operating system itself refuses to write on, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_full_disk_leaves_the_old_generation_answering(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, share: float
) -> None:
    sync_index(corpus, encoder, folder)
    before = opened(corpus, folder, encoder)
    largest = max(path.stat().st_size for path in before.folder.iterdir())
    changed = with_texts(corpus, alpha="# Alpha\n\n" + "It is grey now. " * 400)
    with no_file_longer_than(int(share * largest)), pytest.raises((StorageError, VectorIndexError)):
        sync_index(changed, encoder, folder)
    after = opened(corpus, folder, encoder)
    assert after.folder == before.folder
    assert found(after, encoder) == found(before, encoder)
    sync_index(changed, encoder, folder)
    assert {path.name for path in (folder / "tiny").iterdir()} == {
        "current", opened(changed, folder, encoder).folder.name,
    }  # fmt: skip


@pytest.mark.parametrize("step", ["write_text", "remove_others"])
def test_a_kill_before_or_after_the_switch(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sync_index(corpus, encoder, folder)
    old = opened(corpus, folder, encoder)

    def kill(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(generations, step, kill)
    changed = with_texts(corpus, alpha="# Alpha\n\nIt is grey now.")
    with pytest.raises(SystemExit):
        sync_index(changed, encoder, folder)
    monkeypatch.undo()
    now = opened(corpus, folder, encoder)
    assert (now.folder == old.folder) == (step == "write_text")
    sync_index(changed, encoder, folder)
    kept = opened(changed, folder, encoder).folder.name
    assert {path.name for path in (folder / "tiny").iterdir()} == {"current", kept}


def test_every_moment_of_a_sync_has_a_whole_index(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_index(corpus, encoder, folder)
    old_texts = texts_of(opened(corpus, folder, encoder))
    changed = with_texts(corpus, alpha="# Alpha\n\nIt is grey now.")
    seen = []

    def watched(call: Callable) -> Callable:
        def watching(*arguments: Any, **more: Any) -> Any:
            seen.append(texts_of(opened(corpus, folder, encoder)))
            return call(*arguments, **more)

        return watching

    for name in ("replace", "fsync", "link"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    sync_index(changed, encoder, folder)
    monkeypatch.undo()
    new_texts = texts_of(opened(changed, folder, encoder))
    assert len(seen) > 5
    assert all(texts in (old_texts, new_texts) for texts in seen)
    assert old_texts != new_texts


def test_a_reader_goes_on_with_the_generation_it_has_open(
    corpus: Corpus, folder: Path, encoder: CachedEncoder
) -> None:
    sync_index(corpus, encoder, folder)
    reader = opened(corpus, folder, encoder)
    before = (texts_of(reader), found(reader, encoder), reader.wording("Beta", 5))
    sync_index(with_texts(corpus, beta="# Beta\n\nAll is new."), encoder, folder)
    assert not reader.folder.exists(), "its folder is removed already"
    assert (texts_of(reader), found(reader, encoder), reader.wording("Beta", 5)) == before


def test_two_at_once_wait_for_each_other_or_say_so(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_index(corpus, encoder, folder)
    lock = FileLock(folder / ".tiny.lock")
    with lock, pytest.raises(RetrievalUnavailable, match="Another process is indexing tiny"):
        sync_index(corpus, encoder, folder, wait=0.2)
    assert sync_index(corpus, encoder, folder).unchanged == 3


@pytest.mark.parametrize("kind", ["current", "sums", "manifest", "vectors"])
def test_a_flipped_byte_in_any_file_is_noticed(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, kind: str
) -> None:
    sync_index(corpus, encoder, folder)
    generation = opened(corpus, folder, encoder).folder
    path = {
        "current": folder / "tiny" / "current", "sums": generation / "sums.json",
        "manifest": generation / "manifest.sqlite", "vectors": generation / "vectors-000001.faiss",
    }[kind]  # fmt: skip
    content = path.read_bytes()
    draw = random.Random(1)
    positions = {0, len(content) - 1, *(draw.randrange(len(content)) for _ in range(30))}
    for position in positions:
        bad = bytearray(content)
        bad[position] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(bad))
        with pytest.raises(VectorIndexError):
            open_store(folder / "tiny", encoder)
    path.write_bytes(content)
    assert opened(corpus, folder, encoder).size == 5
    # Whoever syncs wants it whole, and is told what was not.
    path.write_bytes(bytes(bad))
    report = sync_index(corpus, encoder, folder)
    assert str(path) in report.damaged
    assert (report.added, report.encoded) == (3, 0)
    assert opened(corpus, folder, encoder).size == 5
    assert sync_index(corpus, encoder, folder).damaged == ""


@pytest.mark.parametrize("name", ["manifest.sqlite", "vectors-000001.faiss", "sums.json"])
def test_a_missing_or_added_file_is_noticed(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, name: str
) -> None:
    sync_index(corpus, encoder, folder)
    generation = opened(corpus, folder, encoder).folder
    (generation / name).rename(generation / "elsewhere")
    with pytest.raises(VectorIndexError, match="damaged"):
        open_store(folder / "tiny", encoder)


_KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from fakes import Letters
from core.corpus.read import read_corpus
from core.records import Document
from rag.embedding_cache import CachedEncoder
from rag.sync import sync_index
corpus = read_corpus(sys.argv[3])
encoder = CachedEncoder(Letters(), Path(sys.argv[4]) / "embeddings")
print("ready", flush=True)
for step in range(10_000):
    extra = tuple(
        Document(id=f"d{n}", title="d", text=f"# D{n}\\n\\nStep {step} of {n}. " * 30, source="d.md")
        for n in range(40)
    )
    sync_index(replace(corpus, documents=(*corpus.documents, *extra)), encoder, Path(sys.argv[4]),
               rebuild=step % 3 == 0)
    print(step, flush=True)
"""


def _kill_at_random_moments(corpus: Corpus, tiny: Path, folder: Path, times: int) -> None:
    root = Path(__file__).resolve().parent.parent
    draw = random.Random(times)
    encoder = CachedEncoder(Letters(), None)
    sync_index(corpus, encoder, folder)
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(root), str(root / "tests"), str(tiny), str(folder)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(draw.uniform(0, 0.4))
            process.kill()
        store = opened(corpus, folder, encoder)
        texts = texts_of(store)
        steps = {text.split(" of ")[0] for text in texts if text.startswith("Step")}
        assert len(steps) <= 1, "of one moment, whole"
        assert store.size == len(texts)
        [vector] = encoder.encode_questions(["Step"])
        assert len(store.near(vector, 500)) == store.size
        store.close()
    sync_index(corpus, encoder, folder)
    kept = opened(corpus, folder, encoder).folder.name
    assert {path.name for path in (folder / "tiny").iterdir()} == {"current", kept}, "no orphan"


def test_kill_9_during_a_sync_loses_nothing(
    corpus: Corpus, tiny_corpus: Path, folder: Path
) -> None:
    _kill_at_random_moments(corpus, tiny_corpus, folder, times=4)


@pytest.mark.skipif("SFT_VS_RAG_SOAK" not in os.environ, reason="runs in make soak")
def test_kill_9_fifty_times(corpus: Corpus, tiny_corpus: Path, folder: Path) -> None:
    _kill_at_random_moments(corpus, tiny_corpus, folder, times=50)


# Large collections


def test_kinds_of_index_are_measured_and_the_floor_is_kept() -> None:
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(40, 64)).astype(np.float32)
    vectors = centres[draw.integers(0, 40, 6000)] + draw.normal(size=(6000, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert index_kinds.choose_kind(vectors)[0].kind == "Flat", "small enough to be exact"
    measured = index_kinds.choose_kind(vectors, exact_up_to=1000)
    assert {one.kind for one in measured} == {"Flat", "SQ8", "IVF"}
    assert measured[0].recall >= index_kinds.RECALL_FLOOR
    good = [one for one in measured if one.recall >= index_kinds.RECALL_FLOOR]
    assert measured[0].milliseconds == min(one.milliseconds for one in good)


@pytest.mark.parametrize("kind", ["SQ8", "IVF"])
def test_a_quantised_index_is_synced_as_an_exact_one(
    corpus: Corpus, folder: Path, encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(
        compaction, "choose_kind", lambda vectors: [index_kinds.Measured(kind, 0.99, 1.0)]
    )
    big = with_texts(
        corpus,
        **{
            f"d{n}": f"# D{n}\n\n{chr(97 + n % 26) * 9} {chr(97 + n // 26) * 5}" for n in range(200)
        },
    )
    assert sync_index(big, encoder, folder).kind == kind
    changed = with_texts(big, d7=None, d9="# D9\n\nzzzz zebra", extra="# E\n\nquick fox")
    sync_index(changed, encoder, folder)
    store = opened(changed, folder, encoder)
    [vector] = encoder.encode_questions(["zzzz zebra"])
    top = store.passages([number for number, _ in store.near(vector, 3)])
    assert any("zebra" in passage.text for passage in top.values())
    assert all(passage.document_id != "d7" for passage in top.values())
    shrunk = with_texts(changed, **{f"d{n}": None for n in range(20, 120)})
    assert sync_index(shrunk, encoder, folder).passages == store.size - 100
