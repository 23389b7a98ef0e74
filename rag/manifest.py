"""The manifest of an index generation: an SQLite file of its documents, passages and words.

A generation's manifest is written once, aside, and never changed after it is published, so a reader
needs no lock. The words of the passages are in an FTS5 table of the same file, which adds and
removes a passage in milliseconds where a collection of 100,000 would be scored anew.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import VectorIndexError
from core.records import Passage
from rag.terms import terms

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (id TEXT PRIMARY KEY, hash TEXT NOT NULL, source TEXT NOT NULL);
CREATE TABLE passages (
  number INTEGER PRIMARY KEY, document_id TEXT NOT NULL, start INTEGER NOT NULL,
  "end" INTEGER NOT NULL, heading TEXT NOT NULL, page INTEGER, text TEXT NOT NULL);
CREATE INDEX passages_of_document ON passages (document_id);
CREATE TABLE removed (number INTEGER PRIMARY KEY);
CREATE TABLE segments (name TEXT PRIMARY KEY, kind TEXT NOT NULL, vectors INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (terms, content='', tokenize="unicode61 tokenchars '_'");
"""
_COLUMNS = 'number, document_id, start, "end", heading, page, text'


@dataclass(frozen=True)
class Segment:
    """A file of vectors: its name, how FAISS keeps them, and how many there are."""

    name: str
    kind: str
    vectors: int


class Manifest:
    """An open manifest: read by searches, changed only while a generation is being made."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Open the file, or make it where a generation is being made.

        :raises VectorIndexError: when it is no manifest.
        """
        self.path = path
        fresh = writable and not path.exists()
        mode = "rwc" if writable else "ro"
        # An open file is shared by the threads of a server; SQLite serialises their statements.
        uri = f"{path.resolve().as_uri()}?mode={mode}{'' if writable else '&immutable=1'}"
        self._file = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            if writable:
                # Aside and flushed as a whole at the end: a journal would only cost time.
                self._file.execute("PRAGMA journal_mode=OFF")
                self._file.execute("PRAGMA synchronous=OFF")
            if fresh:
                self._file.executescript(_SCHEMA)
            self.meta = dict(self._file.execute("SELECT key, value FROM meta"))
        except sqlite3.Error as error:
            self._file.close()
            raise VectorIndexError(
                f"{path}: is no index manifest ({error}). Build the index again with "
                "`sft-vs-rag index`."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # Read

    def documents(self) -> dict[str, str]:
        """Hash of each document by its id."""
        return dict(self._file.execute("SELECT id, hash FROM documents"))

    def segments(self) -> list[Segment]:
        """The files of vectors, oldest first."""
        rows = self._file.execute("SELECT name, kind, vectors FROM segments ORDER BY name")
        return [Segment(*row) for row in rows]

    def removed(self) -> list[int]:
        """Numbers of passages whose vectors are still in a segment and that are gone."""
        return [number for (number,) in self._file.execute("SELECT number FROM removed")]

    def count(self) -> int:
        """How many passages there are."""
        return int(self._file.execute("SELECT COUNT(*) FROM passages").fetchone()[0])

    def numbers(self, documents: Sequence[str] | None = None) -> list[int]:
        """Numbers of all passages, or of those of some documents."""
        if documents is None:
            rows = self._file.execute("SELECT number FROM passages ORDER BY number")
            return [number for (number,) in rows]
        found: list[int] = []
        for document in documents:
            rows = self._file.execute(
                "SELECT number FROM passages WHERE document_id = ?", (document,)
            )
            found += [number for (number,) in rows]
        return found

    def passages(self, numbers: Sequence[int]) -> dict[int, Passage]:
        """The passages of some numbers, by number."""
        found: dict[int, Passage] = {}
        for first in range(0, len(numbers), 500):
            some = list(numbers[first : first + 500])
            marks = ",".join("?" * len(some))
            rows = self._file.execute(
                f"SELECT {_COLUMNS} FROM passages WHERE number IN ({marks})", some
            )
            found.update((row[0], _passage(row)) for row in rows)
        return found

    def search_words(
        self, question: str, k: int, *, language: str, within: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """(number, score) of the best passages that share a word with the question, best first.

        The score is SQLite's BM25 (k1 1.2, b 0.75), higher is better.

        :param within: only these passages.
        """
        wanted = list(dict.fromkeys(terms(question, language=language)))
        if not wanted:
            return []
        query = " OR ".join(f'"{term}"' for term in wanted)
        allowed = None if within is None else set(within)
        # Filtered here: a list of numbers may be longer than a statement takes.
        limit = k if allowed is None else -1
        rows = self._file.execute(
            "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? "
            "ORDER BY bm25(words), rowid LIMIT ?",
            (query, limit),
        )
        found = []
        for number, score in rows:
            if allowed is None or number in allowed:
                found.append((number, float(score)))
                if len(found) == k:
                    break
        return found

    # Written while a generation is being made

    def set_meta(self, values: dict[str, Any]) -> None:
        """Set what the manifest says of the whole."""
        rows = [(key, str(value)) for key, value in values.items()]
        self._file.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        self.meta.update({key: str(value) for key, value in values.items()})

    def add_document(
        self, document: tuple[str, str, str], passages: Sequence[Passage], *, language: str
    ) -> list[int]:
        """Add a document's (id, hash, source) and passages; return the passages' new numbers."""
        first = int(self.meta.get("next_number", "0"))
        numbers = list(range(first, first + len(passages)))
        self._file.execute("INSERT INTO documents VALUES (?, ?, ?)", document)
        for number, one in zip(numbers, passages, strict=True):
            self._file.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)",
                (number, one.document_id, one.start, one.end, one.heading, one.page, one.text),
            )
            self._file.execute(
                "INSERT INTO words (rowid, terms) VALUES (?, ?)",
                (number, _searched(one, language)),
            )
        self.set_meta({"next_number": first + len(passages)})
        return numbers

    def remove_documents(self, ids: Iterable[str], *, language: str) -> None:
        """Take documents and their passages out; their vectors are marked as gone."""
        for document in ids:
            rows = self._file.execute(
                f"SELECT {_COLUMNS} FROM passages WHERE document_id = ?", (document,)
            ).fetchall()
            for row in rows:
                # FTS5 forgets a row when it is told what the row held.
                self._file.execute(
                    "INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)",
                    (row[0], _searched(_passage(row), language)),
                )
                self._file.execute("INSERT INTO removed VALUES (?)", (row[0],))
            self._file.execute("DELETE FROM passages WHERE document_id = ?", (document,))
            self._file.execute("DELETE FROM documents WHERE id = ?", (document,))

    def set_segments(self, segments: Sequence[Segment], *, forget_removed: bool = False) -> None:
        """Say which files of vectors there are now.

        :param forget_removed: when they hold no vector of a removed passage any more.
        """
        self._file.execute("DELETE FROM segments")
        rows = [(one.name, one.kind, one.vectors) for one in segments]
        self._file.executemany("INSERT INTO segments VALUES (?, ?, ?)", rows)
        if forget_removed:
            self._file.execute("DELETE FROM removed")

    def commit(self) -> None:
        """Write out what was changed."""
        self._file.commit()


def _passage(row: Sequence[Any]) -> Passage:
    _, document_id, start, end, heading, page, text = row
    return Passage(
        id=f"{document_id}#{start}",
        document_id=document_id,
        start=start,
        end=end,
        text=text,
        heading=heading,
        page=page,
    )


def _searched(passage: Passage, language: str) -> str:
    return " ".join(terms(f"{passage.heading} {passage.text}", language=language))
