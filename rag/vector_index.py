"""The vector index: FAISS with ids, in one folder with its passages and a checksum of every file.

A flipped byte loads silently in FAISS, so every file is checked against a SHA-256 on opening.
FAISS also accepts duplicate ids and NaN vectors silently and pads missing hits with -1: all three
are refused or taken out here.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch  # noqa: F401  (before faiss: on macOS the other order can crash)
from pydantic import ValidationError

from core.errors import VectorIndexError
from core.records import Passage
from core.storage import fingerprint, write_folder
from rag.encoder import Encoder

_VECTORS, _SENTENCES = "vectors.faiss", "sentences.faiss"
_PASSAGES, _MANIFEST = "passages.jsonl", "manifest.json"
#: Raised when the files or the cutting of documents change: an index of another format is built
#: anew.
FORMAT = 3
#: Sentences looked at for each passage wanted.
_SENTENCES_A_PASSAGE = 4


class VectorIndex:
    """Passages, their vectors and their sentences' vectors; nearest by inner product."""

    def __init__(
        self,
        passages: Sequence[Passage],
        vectors: np.ndarray,
        *,
        sentence_vectors: np.ndarray,
        owners: Sequence[int],
        encoder_fingerprint: str,
    ) -> None:
        """Put unit vectors (passages, dimensions) under their positions as ids.

        :param sentence_vectors: (sentences, dimensions), kept under their passages' positions.
        :param owners: the position of each sentence's passage.
        :raises VectorIndexError: for nothing to index, doubled passages, or vectors with NaN.
        """
        if not passages:
            raise VectorIndexError("There is no passage to index: the documents hold no text.")
        if len({passage.id for passage in passages}) != len(passages):
            raise VectorIndexError("Two passages have one id; index each document once.")
        if len(vectors) != len(passages) or not np.isfinite(vectors).all():
            raise VectorIndexError(
                f"{len(passages)} passages need as many finite vectors; got {vectors.shape}. "
                "The encoder is at fault: try another."
            )
        self.passages = tuple(passages)
        self.encoder_fingerprint = encoder_fingerprint
        if len(sentence_vectors) != len(owners) or not np.isfinite(sentence_vectors).all():
            raise VectorIndexError(
                f"{len(owners)} sentences need as many finite vectors; got "
                f"{sentence_vectors.shape}. The encoder is at fault: try another."
            )
        self._index = _flat(vectors, range(len(passages)))
        self._sentences = _flat(sentence_vectors, owners)

    def search(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        """(position, cosine similarity) of the `k` nearest passages, best first."""
        scores, ids = self._index.search(vector.reshape(1, -1), min(k, len(self.passages)))
        pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
        return [(position, score) for position, score in pairs if position >= 0]

    def search_sentences(self, vector: np.ndarray, k: int) -> list[int]:
        """Positions of the `k` passages that hold the nearest sentences, best first."""
        # A passage of ten near sentences is one candidate: look at more sentences than passages.
        wanted = min(_SENTENCES_A_PASSAGE * k, self._sentences.ntotal)
        _, ids = self._sentences.search(vector.reshape(1, -1), wanted)
        return [position for position in dict.fromkeys(ids[0].tolist()) if position >= 0][:k]

    def save(self, folder: Path, *, encoder: Encoder, corpus_fingerprint: str) -> None:
        """Write the index whole into a new folder.

        :raises StorageError: when the disk is full; nothing is left behind.
        """

        def fill(aside: Path) -> None:
            # Not by faiss.write_index: on a full disk that can leave a cut file and say nothing.
            (aside / _VECTORS).write_bytes(faiss.serialize_index(self._index).tobytes())
            (aside / _SENTENCES).write_bytes(faiss.serialize_index(self._sentences).tobytes())
            lines = "".join(passage.model_dump_json() + "\n" for passage in self.passages)
            (aside / _PASSAGES).write_text(lines, encoding="utf-8")
            manifest = {
                "format": FORMAT,
                "encoder": encoder.reference,
                "encoder_fingerprint": encoder.fingerprint,
                "corpus_fingerprint": corpus_fingerprint,
                "passages": len(self.passages),
                "sha256": {
                    name: fingerprint([aside / name]) for name in (_VECTORS, _SENTENCES, _PASSAGES)
                },
            }
            manifest["checksum"] = _checksum(manifest)
            (aside / _MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")

        write_folder(folder, fill)

    @classmethod
    def open(cls, folder: Path, *, encoder_fingerprint: str) -> "VectorIndex":
        """Open a saved index after checking every byte of it.

        :raises VectorIndexError: when a file is missing or damaged, or the encoder is another.
        """
        manifest = read_manifest(folder)
        for name, wanted in manifest["sha256"].items():
            path = folder / name
            if not path.is_file() or fingerprint([path]) != wanted:
                raise _damaged(path)
        if manifest["encoder_fingerprint"] != encoder_fingerprint:
            raise VectorIndexError(
                f"The index in {folder} was made with {manifest['encoder']}, another encoder than "
                "the one in use. Index the corpus again with `sft-vs-rag index`."
            )
        lines = (folder / _PASSAGES).read_text(encoding="utf-8").split("\n")
        try:
            passages = [Passage.model_validate_json(line) for line in lines if line]
            stored = faiss.read_index(str(folder / _VECTORS))
            sentences = faiss.read_index(str(folder / _SENTENCES))
        except (ValidationError, RuntimeError) as error:
            raise _damaged(folder) from error
        index = cls.__new__(cls)
        index.passages = tuple(passages)
        index.encoder_fingerprint = encoder_fingerprint
        index._index, index._sentences = stored, sentences
        if stored.ntotal != len(passages):
            raise _damaged(folder)
        return index


def _flat(vectors: np.ndarray, ids: Sequence[int]) -> Any:
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(vectors, np.asarray(ids, dtype=np.int64))
    return index


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what an index folder says of itself, checked against its own checksum.

    :raises VectorIndexError: when it is missing or damaged.
    """
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        checksum = manifest.pop("checksum")
        whole = checksum == _checksum(manifest)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(path) from error
    if not whole:
        raise _damaged(path)
    return manifest


def _checksum(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path) -> VectorIndexError:
    return VectorIndexError(
        f"{path}: the index is damaged or incomplete (a byte differs from when it was written). "
        "Build it again with `sft-vs-rag index`."
    )
