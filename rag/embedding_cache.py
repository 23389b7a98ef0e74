"""Vectors by the content of their texts: what was encoded once is not encoded again.

One SQLite file for each encoder, shared by all corpora. A row holds the text's SHA-256, the vector
and a checksum, so that a damaged row is encoded again instead of believed. The cache is a help and
never a condition: where it cannot be read or written, texts are simply encoded.
"""

import hashlib
import logging
import sqlite3
import threading
import time
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
#: Texts encoded between two writes: some seconds of a laptop that a crash may cost, and as long as
#: whoever else needs a text encoded may wait.
_A_PART = 500
#: Seconds of encoding after which it is said how far it is.
_SILENT = 15.0


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
        """Vectors (texts, dimensions) in float32, of length 1; each text encoded once, ever.

        Many are encoded in parts and each part is kept at once: who is stopped goes on from there.
        How far it is is a warning every few seconds.
        """
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        text_of = dict(zip(keys, texts, strict=True))
        found = self._known(list(text_of))
        missing = [key for key in text_of if key not in found]
        if len(missing) > _A_PART:
            # Like lengths together, as a batch is as slow as its longest; the slowest first.
            missing.sort(key=lambda key: -len(text_of[key]))
        began = said = time.monotonic()
        for first in range(0, len(missing), _A_PART):
            part = {key: text_of[key] for key in missing[first : first + _A_PART]}
            found.update(self._encoded(part))
            done, now = first + len(part), time.monotonic()
            if done < len(missing) and now - said >= _SILENT:
                said, left = now, (now - began) * (len(missing) - done) / done
                _log.warning(
                    f"Encoding the documents: {done:,} of {len(missing):,} texts, "
                    f"at most {max(1, round(left / 60))} min left."
                )
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)

    def _known(self, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        """The vectors that are kept, in memory or in the file."""
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            kept = self._read([key for key in keys if key not in found])
            self._remember(kept)
        return {**found, **kept}

    def _encoded(self, texts: dict[bytes, str]) -> dict[bytes, np.ndarray]:
        """Encode and keep texts by their keys; what another thread did meanwhile is taken over."""
        with self._lock:
            new = {key: self._memory[key] for key in texts if key in self._memory}
            new.update(self._read([key for key in texts if key not in new]))
            missing = {key: text for key, text in texts.items() if key not in new}
            if missing:
                vectors = self._encoder.encode_documents(list(missing.values()))
                self.encoded += len(missing)
                made = dict(zip(missing, vectors, strict=True))
                new.update(made)
                self._write(made)
                self._remember(made)
        return new

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
