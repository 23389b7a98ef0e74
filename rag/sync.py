"""Brings a corpus's index up to its documents: what changed is indexed, what did not costs nothing.

One process at a time syncs a corpus (a lock file holds the others off); readers go on with the
generation they have open.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.corpus.read import Corpus
from core.errors import RetrievalUnavailable, VectorIndexError
from core.records import Document
from core.storage import fingerprint_text
from rag.compaction import write_segments
from rag.embedding_cache import CachedEncoder
from rag.generations import (
    MANIFEST_FILE,
    checked_sums,
    current_generation,
    make_generation,
    remove_others,
)
from rag.manifest import Manifest
from rag.passages import searched_text, sentence_texts, split_document

#: Raised when the files or the cutting of documents change: an index of another format is rebuilt.
FORMAT = "5"
#: How long to wait for another process that is at it.
LOCK_SECONDS = 30.0
#: Up to here the sentences of the passages are encoded as well, so that the first question does not
#: wait for them.
SENTENCES_UP_TO = 5_000


@dataclass(frozen=True)
class SyncReport:
    """What a sync did. `seconds` is wall-clock, encoding included."""

    corpus: str
    generation: str
    documents: int
    passages: int
    added: int
    updated: int
    unchanged: int
    removed: int
    #: Texts that no vector was kept of: passages and, for small corpora, their sentences.
    encoded: int
    encoder: str
    kind: str
    seconds: float
    #: What was wrong with the index that was there, where it had to be built anew; else empty.
    damaged: str = ""
    #: Files that could not be read, and why.
    failed: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Old:
    """The generation that is there, checked: its manifest, and the SHA-256 of its files."""

    manifest: Manifest
    sums: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.manifest.path.parent


@dataclass(frozen=True)
class _Changes:
    #: Hash of each document there is now, by its id.
    hashes: dict[str, str]
    added: tuple[Document, ...]
    updated: tuple[Document, ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def none(self) -> bool:
        return not (self.added or self.updated or self.removed)


def sync_index(
    corpus: Corpus,
    encoder: CachedEncoder,
    folder: Path,
    *,
    rebuild: bool = False,
    wait: float = LOCK_SECONDS,
) -> SyncReport:
    """Index what is new or changed among a corpus's documents, and take out what is gone.

    A damaged index is built anew: who calls this wants it whole, and what was wrong is reported.

    :param rebuild: index everything anew, whatever is there.
    :param wait: seconds to wait for another process that is at it.
    :raises VectorIndexError: when there is no document to index.
    :raises RetrievalUnavailable: when another process is at it.
    :raises StorageError: when the disk is full; the current generation stays.
    """
    began = time.perf_counter()
    if not corpus.documents:
        why = f" ({corpus.problems[0]})" if corpus.problems else ""
        raise VectorIndexError(
            f"{corpus.folder} has no documents to index: put files into its documents/ folder{why}."
        )
    home = folder / corpus.name
    with _alone(home, corpus.name, wait):
        encoded = encoder.encoded
        old, damage = (None, "") if rebuild else _usable(home, encoder)
        changes = _compare(corpus.documents, old.manifest if old else None)
        if old is None or not changes.none:
            generation = _make(home, corpus, encoder, old, changes)
        else:
            generation = old.folder
            remove_others(home, generation.name)  # what a killed process left
        if old is not None:
            old.manifest.close()
        made = Manifest(generation / MANIFEST_FILE)
        try:
            return SyncReport(
                corpus=corpus.name,
                generation=generation.name,
                documents=len(corpus.documents),
                passages=made.count(),
                added=len(changes.added),
                updated=len(changes.updated),
                unchanged=changes.unchanged,
                removed=len(changes.removed),
                encoded=encoder.encoded - encoded,
                encoder=encoder.reference,
                kind=made.meta["kind"],
                seconds=round(time.perf_counter() - began, 3),
                damaged=damage,
                failed=corpus.problems,
            )
        finally:
            made.close()


def document_hash(document: Document) -> str:
    """SHA-256 over what passages are cut from."""
    pages = ",".join(map(str, document.pages))
    return fingerprint_text(document.id, document.title, document.text, pages)


def is_current(documents: Sequence[Document], manifest: Manifest) -> bool:
    """Say whether a manifest is of exactly these documents."""
    return _compare(documents, manifest).none


@contextmanager
def _alone(home: Path, corpus: str, wait: float) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.parent / f".{home.name}.lock", timeout=wait)
    try:
        lock.acquire()
    except Timeout as error:
        raise RetrievalUnavailable(
            f"Another process is indexing {corpus}; the index before it answers meanwhile. "
            "Try again when it is done."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _usable(home: Path, encoder: CachedEncoder) -> tuple[_Old | None, str]:
    """The current generation, checked; None when everything is to be made anew.

    :returns: the generation, and what is damaged where that is why there is none.
    """
    try:
        folder = current_generation(home)
        if folder is None:
            return None, ""
        sums = checked_sums(folder)
        manifest = Manifest(folder / MANIFEST_FILE)
    except VectorIndexError as error:
        return None, str(error)
    same = (manifest.meta.get("format"), manifest.meta.get("encoder_fingerprint"))
    if same != (FORMAT, encoder.fingerprint):
        manifest.close()
        return None, ""
    return _Old(manifest, sums), ""


def _compare(documents: Sequence[Document], manifest: Manifest | None) -> _Changes:
    known = manifest.documents() if manifest is not None else {}
    hashes = {document.id: document_hash(document) for document in documents}
    added = tuple(one for one in documents if one.id not in known)
    updated = tuple(one for one in documents if one.id in known and known[one.id] != hashes[one.id])
    removed = tuple(name for name in known if name not in hashes)
    return _Changes(hashes, added, updated, removed, len(documents) - len(added) - len(updated))


def _make(
    home: Path,
    corpus: Corpus,
    encoder: CachedEncoder,
    old: _Old | None,
    changes: _Changes,
) -> Path:
    language = corpus.info.language
    fresh = [(one, split_document(one)) for one in (*changes.added, *changes.updated)]
    new_passages = [passage for _, passages in fresh for passage in passages]
    vectors = encoder.encode_documents([searched_text(one) for one in new_passages])
    if (old.manifest.count() if old else 0) + len(new_passages) <= SENTENCES_UP_TO:
        encoder.encode_documents([text for one in new_passages for text in sentence_texts(one)])
    before = old.folder if old is not None else None

    def fill(folder: Path) -> None:
        if before is not None:
            shutil.copyfile(before / MANIFEST_FILE, folder / MANIFEST_FILE)
        manifest = Manifest(folder / MANIFEST_FILE, writable=True)
        try:
            gone = [*changes.removed, *(one.id for one in changes.updated)]
            manifest.remove_documents(gone, language=language)
            numbers: list[int] = []
            for document, passages in fresh:
                row = (document.id, changes.hashes[document.id], document.source)
                numbers += manifest.add_document(row, passages, language=language)
            manifest.set_meta(
                {
                    "format": FORMAT,
                    "encoder": encoder.reference,
                    "encoder_fingerprint": encoder.fingerprint,
                    "language": language,
                }
            )
            write_segments(folder, manifest, before, (numbers, vectors), encoder)
            manifest.commit()
        finally:
            manifest.close()

    sums = old.sums if old is not None else {}
    trusted = {name: sha for name, sha in sums.items() if name != MANIFEST_FILE}
    return make_generation(home, fill, trusted=trusted)
