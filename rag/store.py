"""An open index: one generation's passages, searched by meaning and by words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import ProjectError, VectorIndexError
from core.records import Passage
from core.storage import fingerprint_text
from rag.embedding_cache import CachedEncoder
from rag.generations import MANIFEST_FILE, checked_sums, current_generation
from rag.manifest import Manifest
from rag.segments import Segments


class PassageStore:
    """A generation, checked when it is opened and never changed while it is open."""

    def __init__(self, folder: Path, *, encoder: CachedEncoder) -> None:
        """Open a generation after checking every byte of it.

        :raises VectorIndexError: when a file is missing or damaged, or the encoder is another.
        """
        sums = checked_sums(folder)
        self.manifest = Manifest(folder / MANIFEST_FILE)
        told = self.manifest.meta
        if told.get("encoder_fingerprint") != encoder.fingerprint:
            raise VectorIndexError(
                f"The index in {folder} was made with {told.get('encoder')}, another encoder than "
                "the one in use. Index the corpus again with `sft-vs-rag index`."
            )
        self.folder, self.language = folder, told.get("language", "en")
        names = [segment.name for segment in self.manifest.segments()]
        self._segments = Segments([folder / name for name in names], self.manifest.removed())
        self.size = self.manifest.count()
        #: SHA-256 over the files' own: what an answer names as the index it came from.
        self.fingerprint = fingerprint_text(
            *(f"{name} {sha}" for name, sha in sorted(sums.items()))
        )

    def near(
        self, vector: np.ndarray, k: int, *, within: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """(number, cosine similarity) of the nearest passages, best first."""
        return self._segments.search(vector, min(k, self.size), within=within)

    def wording(
        self, question: str, k: int, *, within: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """(number, BM25 score) of the passages that share words with a question, best first."""
        return self.manifest.search_words(question, k, language=self.language, within=within)

    def passages(self, numbers: Sequence[int]) -> dict[int, Passage]:
        """Passages by their numbers."""
        return self.manifest.passages(numbers)

    def vectors(self, numbers: Sequence[int]) -> np.ndarray:
        """Vectors (passages, dimensions) of some passages."""
        return self._segments.vectors(numbers)

    def numbers_of(self, documents: Sequence[str]) -> list[int]:
        """Numbers of the passages of some documents."""
        return self.manifest.numbers(documents)

    def close(self) -> None:
        """Close the files."""
        self.manifest.close()


def open_store(home: Path, encoder: CachedEncoder) -> PassageStore | None:
    """Open the generation that answers for a corpus; None when there is none.

    :raises VectorIndexError: when it is damaged or of another encoder.
    """
    for attempt in range(3):
        folder = current_generation(home)
        if folder is None:
            return None
        try:
            return PassageStore(folder, encoder=encoder)
        except (VectorIndexError, OSError):
            # Another process may have switched and removed this one between two reads.
            if attempt == 2 or (folder.is_dir() and current_generation(home) == folder):
                raise
    return None


def describe_indexes(folder: Path) -> dict[str, str]:
    """Say of each corpus's index what it holds and how FAISS keeps its vectors, and why so."""
    homes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return {home.name: _described(home) for home in homes}


def _described(home: Path) -> str:
    try:
        generation = current_generation(home)
        if generation is None:
            return "not built yet"
        manifest = Manifest(generation / MANIFEST_FILE)
    except (ProjectError, OSError) as error:
        return str(error)
    try:
        told = manifest.meta
        parts = [
            f"{manifest.count()} passages of {len(manifest.documents())} documents",
            f"{told.get('kind')} of {told.get('dimensions')} dimensions",
            f"made with {told.get('encoder')}",
        ]
        if told.get("measured"):
            parts.append(f"measured: {told['measured']}")
        return "; ".join(parts)
    finally:
        manifest.close()
