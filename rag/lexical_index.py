"""BM25 over words, beside the vectors: it finds names and numbers that embeddings blur."""

from collections.abc import Sequence

import bm25s
import numpy as np

from rag.terms import terms


class LexicalIndex:
    """Ranks texts for a question by BM25 (Lucene's variant, k1 1.5, b 0.75)."""

    def __init__(self, texts: Sequence[str], *, language: str = "en") -> None:
        """Index the texts; positions in this sequence are what `search` returns."""
        self._language = language
        self._size = len(texts)
        self._index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        tokens = [terms(text, language=language) for text in texts]
        # bm25s cannot index a collection without one word.
        self._empty = not any(tokens)
        if not self._empty:
            self._index.index(tokens, show_progress=False)

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """Return (position, score) of the best texts that share a word with it, best first."""
        tokens = terms(question, language=self._language)
        if self._empty or not tokens:
            return []
        scores = self._index.get_scores(tokens)
        # Stable, so that ties come in document order on every machine.
        best = np.argsort(-scores, kind="stable")[: min(k, self._size)]
        return [(int(position), float(scores[position])) for position in best if scores[position]]
