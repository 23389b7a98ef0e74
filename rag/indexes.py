"""A corpus's indexes on disk: generations, of which one is current.

A generation is written aside and made current by one rename, so a reader always opens the old or
the new whole. Older generations are removed once the new one stands.
"""

import shutil
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.corpus.read import Corpus
from core.errors import VectorIndexError
from core.storage import ASIDE_MARK, fingerprint_text, write_text
from rag.encoder import Encoder
from rag.passages import split_document
from rag.retrieval import embed_index
from rag.vector_index import FORMAT, VectorIndex, read_manifest

_CURRENT = "current"


@dataclass(frozen=True)
class IndexReport:
    """What indexing did. `seconds` is wall-clock, encoding included."""

    corpus: str
    generation: str
    documents: int
    passages: int
    encoder: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return asdict(self)


def build_index(corpus: Corpus, encoder: Encoder, folder: Path) -> IndexReport:
    """Cut, encode and save a corpus's documents, then make the result current.

    :raises VectorIndexError: when there is no document.
    :raises StorageError: when the disk is full; the current generation stays.
    """
    began = time.perf_counter()
    if not corpus.documents:
        raise VectorIndexError(
            f"{corpus.folder} has no documents to index: put files into its documents/ folder."
        )
    passages = [passage for document in corpus.documents for passage in split_document(document)]
    index = embed_index(passages, encoder)
    generation = f"g{int(time.time())}-{uuid.uuid4().hex[:6]}"
    home = folder / corpus.name
    index.save(home / generation, encoder=encoder, corpus_fingerprint=documents_key(corpus))
    write_text(home / _CURRENT, generation)
    _remove_others(home, generation)
    return IndexReport(
        corpus=corpus.name,
        generation=generation,
        documents=len(corpus.documents),
        passages=len(passages),
        encoder=encoder.reference,
        seconds=round(time.perf_counter() - began, 3),
    )


def open_index(corpus: Corpus, encoder: Encoder, folder: Path) -> tuple[VectorIndex, str] | None:
    """Open the current generation; None when there is none or the documents have changed since.

    :returns: the index and its name, `corpus/generation`.
    :raises VectorIndexError: when it is damaged.
    """
    home = folder / corpus.name
    current = home / _CURRENT
    if not current.is_file():
        return None
    generation = current.read_text(encoding="utf-8", errors="replace").strip()
    if not generation or not (home / generation).is_dir() or "/" in generation:
        raise VectorIndexError(
            f"{current} names no index generation. Build it again with `sft-vs-rag index`."
        )
    manifest = read_manifest(home / generation)
    if manifest["format"] != FORMAT or manifest["corpus_fingerprint"] != documents_key(corpus):
        return None
    index = VectorIndex.open(home / generation, encoder_fingerprint=encoder.fingerprint)
    return index, f"{corpus.name}/{generation}"


def documents_key(corpus: Corpus) -> str:
    """SHA-256 over the documents alone: labelling more questions makes no index stale."""
    return fingerprint_text(*(f"{document.id}\n{document.text}" for document in corpus.documents))


def _remove_others(home: Path, generation: str) -> None:
    for path in home.iterdir():
        if path.is_dir() and path.name != generation:
            # What a killed process left aside goes too, once it is surely not at work any more.
            fresh = ASIDE_MARK in path.name and time.time() - path.stat().st_mtime < 3600
            if not fresh:
                shutil.rmtree(path, ignore_errors=True)
