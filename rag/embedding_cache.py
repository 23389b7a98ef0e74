"""Vectors by the content of their texts: what was encoded once is not encoded again.

One SQLite file for each encoder, shared by all corpora. A row holds the text's SHA-256, the vector
and a checksum, so that a damaged row is encoded again instead of believed. The cache is a help and
never a condition: where it cannot be read or written, texts are simply encoded.
"""

import hashlib
import logging
import sqlite3
import threading
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

import numpy as np

_log = logging.getLogger(__name__)

#: Vectors kept in memory beside the file: some thousand sentences of a session, about 30 MB.
_IN_MEMORY = 20_000
#: Keys asked for in one statement; SQLite takes at most 999 where it is old.
_AT_ONCE = 900


class Encodes(Protocol):
    """What is cached: see `rag.encoder.Encoder`."""

    reference: str
    fingerprint: str

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) of unit length."""

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) of unit length."""


class CachedEncoder:
    """An encoder that remembers the documents' texts it has encoded."""

    def __init__(
        self, encoder: Encodes, folder: Path | None, *, in_memory: int = _IN_MEMORY
    ) -> None:
        """Wrap an encoder.

        :param folder: where the cache's file is kept; None remembers in memory only.
        :param in_memory: vectors kept in memory beside the file.
        """
        self._in_memory = in_memory
        self._encoder = encoder
        self.reference, self.fingerprint = encoder.reference, encoder.fingerprint
        self._path = folder / f"{encoder.fingerprint[:16]}.sqlite" if folder else None
        self._memory: dict[bytes, np.ndarray] = {}
        self._lock = threading.Lock()
        #: How many texts were encoded because no vector of theirs was found.
        self.encoded = 0

    def apart(self, folder: Path, *, in_memory: int = _IN_MEMORY) -> "CachedEncoder":
        """The same encoder with a memory of its own, which knows nothing yet.

        :param folder: where that memory's file is kept.
        :param in_memory: vectors kept in memory beside the file.
        """
        return CachedEncoder(self._encoder, folder, in_memory=in_memory)

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) in float32, of length 1; questions are not remembered."""
        return self._encoder.encode_questions(texts)

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, dimensions) in float32, of length 1; each text encoded once, ever."""
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            unseen = list(dict.fromkeys(key for key in keys if key not in found))
            found.update(self._read(unseen))
            text_of = dict(zip(keys, texts, strict=True))
            missing = [key for key in unseen if key not in found]
            if missing:
                vectors = self._encoder.encode_documents([text_of[key] for key in missing])
                self.encoded += len(missing)
                new = dict(zip(missing, vectors, strict=True))
                found.update(new)
                self._write(new)
            self._remember({key: found[key] for key in unseen})
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)

    def _remember(self, vectors: dict[bytes, np.ndarray]) -> None:
        self._memory.update(vectors)
        for key in list(self._memory)[: max(0, len(self._memory) - self._in_memory)]:
            del self._memory[key]

    def _read(self, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        found: dict[bytes, np.ndarray] = {}
        if self._path is None or not keys or not self._path.is_file():
            return found
        try:
            with closing(sqlite3.connect(self._path, timeout=5)) as file:
                for first in range(0, len(keys), _AT_ONCE):
                    some = keys[first : first + _AT_ONCE]
                    marks = ",".join("?" * len(some))
                    rows = file.execute(
                        f"SELECT key, vector, checksum FROM vectors WHERE key IN ({marks})", some
                    )
                    for key, vector, checksum in rows:
                        if zlib.crc32(key + vector) == checksum:
                            found[key] = np.frombuffer(vector, dtype=np.float32)
        except sqlite3.Error as error:
            _log.warning("%s cannot be read (%s); texts are encoded again.", self._path, error)
        return found

    def _write(self, vectors: dict[bytes, np.ndarray]) -> None:
        if self._path is None:
            return
        rows = []
        for key, vector in vectors.items():
            packed = np.ascontiguousarray(vector, dtype=np.float32).tobytes()
            rows.append((key, packed, zlib.crc32(key + packed)))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=5)) as file:
                # A crash may lose the last rows; they are encoded again then.
                file.execute("PRAGMA journal_mode=WAL")
                file.execute("PRAGMA synchronous=NORMAL")
                with file:
                    file.execute(
                        "CREATE TABLE IF NOT EXISTS vectors "
                        "(key BLOB PRIMARY KEY, vector BLOB, checksum INTEGER) WITHOUT ROWID"
                    )
                    file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            _log.warning("%s cannot be written (%s); nothing is lost.", self._path, error)
