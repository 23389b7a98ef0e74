"""A text is encoded once; what is kept is believed only if it is whole."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import Letters

from rag.embedding_cache import CachedEncoder


def test_each_text_is_encoded_once_ever(tmp_path: Path) -> None:
    letters = Letters()
    encoder = CachedEncoder(letters, tmp_path)
    vectors = encoder.encode_documents(["one", "two", "one"])
    assert letters.seen == ["one", "two"]
    assert np.array_equal(vectors, Letters().encode_questions(["one", "two", "one"]))
    again = Letters()
    other = CachedEncoder(again, tmp_path)
    assert np.array_equal(
        other.encode_documents(["two", "three"]), Letters().encode_questions(["two", "three"])
    )
    assert (again.seen, other.encoded) == (["three"], 1)


class _Stopped(Letters):
    """An encoder that is stopped in its second call, as by a keyboard interrupt."""

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        if self.seen:
            raise KeyboardInterrupt
        return super().encode_documents(texts)


def test_who_is_stopped_goes_on_from_there_and_hears_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rag.embedding_cache._A_PART", 10)
    monkeypatch.setattr("rag.embedding_cache._SILENT", 0.0)
    texts = [f"text {'x' * (number % 7)} {number}" for number in range(35)]
    stopped = _Stopped()
    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(stopped, tmp_path).encode_documents(texts)
    assert len(stopped.seen) == 10 and len(stopped.seen[0]) == max(map(len, texts))
    assert "10 of 35 texts, at most 1 min left" in caplog.text
    letters = Letters()
    vectors = CachedEncoder(letters, tmp_path).encode_documents(texts)
    assert len(letters.seen) == 25 and sorted([*letters.seen, *stopped.seen]) == sorted(texts)
    assert np.array_equal(vectors, Letters().encode_questions(texts))


def test_encoders_do_not_share_vectors(tmp_path: Path) -> None:
    CachedEncoder(Letters("a"), tmp_path).encode_documents(["one"])
    other = Letters("b")
    CachedEncoder(other, tmp_path).encode_documents(["one"])
    assert other.seen == ["one"]


def test_questions_are_not_kept(tmp_path: Path) -> None:
    CachedEncoder(Letters(), tmp_path).encode_questions(["who?"])
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_encode(tmp_path: Path) -> None:
    assert len(CachedEncoder(Letters(), tmp_path).encode_documents([])) == 0


def test_a_damaged_row_is_encoded_again(tmp_path: Path) -> None:
    CachedEncoder(Letters(), tmp_path).encode_documents(["one", "two"])
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as file:
        file.execute("UPDATE vectors SET vector = zeroblob(length(vector))")
    again = Letters()
    vectors = CachedEncoder(again, tmp_path).encode_documents(["one", "two"])
    assert again.seen == ["one", "two"]
    assert np.array_equal(vectors, Letters().encode_questions(["one", "two"]))


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_file_that_is_no_cache_is_a_warning_and_no_failure(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    CachedEncoder(Letters(), tmp_path).encode_documents(["one"])
    (path,) = tmp_path.glob("*.sqlite")
    path.write_bytes(content)
    again = Letters()
    vectors = CachedEncoder(again, tmp_path).encode_documents(["one"])
    assert again.seen == ["one"]
    assert vectors.shape == (1, 27)
    if content:
        assert "encoded again" in caplog.text


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    encoder = CachedEncoder(Letters(), tmp_path / "file")
    assert encoder.encode_documents(["one"]).shape == (1, 27)
    assert encoder.encode_documents(["one"]).shape == (1, 27)


def test_threads_share_one_encoder(tmp_path: Path) -> None:
    letters = Letters()
    encoder = CachedEncoder(letters, tmp_path)
    texts = [f"text {number}" for number in range(50)]
    threads = [threading.Thread(target=encoder.encode_documents, args=[texts]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert letters.seen == texts
