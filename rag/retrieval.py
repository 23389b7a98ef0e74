"""The retriever the arms use: three rankings of the passages, fused into one.

By the passage's vector, by its words (BM25), and by the vector of its best sentence. How they are
fused was chosen on the train questions of three corpora (benchmarks/README.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.records import Hit, Passage
from rag.embedding_cache import CachedEncoder
from rag.fusion import marginal_relevance, min_max_fusion, reciprocal_rank_fusion
from rag.passages import searched_text, sentence_texts
from rag.reranker import Reranker
from rag.store import PassageStore
from rag.sync import SENTENCES_UP_TO

#: How many candidates each ranking puts forward, at least.
_CANDIDATES = 50
#: Weights of the passage's vector, its words and its best sentence where scores are fused.
WEIGHTS = (1.0, 1.5, 3.0)
#: Of a collection whose sentences are not encoded beforehand, only so many passages' are.
_SENTENCES_OF = 15
#: Passages that a reranker reads.
_RERANKED = 20


@dataclass(frozen=True)
class RetrievalOptions:
    """How hits are chosen among the candidates."""

    fusion: Literal["rrf", "minmax"] = "minmax"
    #: λ of maximal marginal relevance: 1 ranks by relevance alone, less avoids hits that are alike.
    relevance: float = 1.0
    reranker: Reranker | None = None


class HybridRetriever:
    """Finds passages by meaning and by words, and says for each hit what found it."""

    def __init__(
        self,
        store: PassageStore,
        encoder: CachedEncoder,
        *,
        name: str,
        options: RetrievalOptions | None = None,
    ) -> None:
        """Search a store.

        :param name: corpus and generation, for provenance.
        """
        self._store, self._encoder = store, encoder
        self._options = options or RetrievalOptions()
        self.name, self.fingerprint = name, store.fingerprint
        self._sentences: dict[int, np.ndarray] = {}

    def retrieve(
        self, question: str, k: int, *, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """The `k` best passages, best first; `score` is the fused (or the reranker's) score.

        :param documents: search these documents only, by id.
        """
        within = self._store.numbers_of(documents) if documents is not None else None
        if within is not None and not within:
            return []
        candidates = max(_CANDIDATES, k)
        vector = self._encoder.encode_questions([question])[0]
        dense = dict(self._store.near(vector, candidates, within=within))
        lexical = dict(self._store.wording(question, candidates, within=within))
        passages = self._store.passages(list(dict.fromkeys([*dense, *lexical])))
        first = reciprocal_rank_fusion([list(dense), list(lexical)])
        limit = None if self._store.size <= SENTENCES_UP_TO else _SENTENCES_OF
        by_sentence = self._by_sentence(vector, [number for number, _ in first[:limit]], passages)
        scored = [dense, lexical, by_sentence]
        if self._options.fusion == "minmax":
            fused = min_max_fusion(scored, WEIGHTS)
        else:
            fused = reciprocal_rank_fusion([list(one) for one in scored])
        chosen = self._chosen(question, fused, passages, k)
        ranks = [{number: rank for rank, number in enumerate(one, start=1)} for one in scored]
        return [
            Hit(
                passage=passages[number],
                score=score,
                dense_rank=ranks[0].get(number),
                lexical_rank=ranks[1].get(number),
                sentence_rank=ranks[2].get(number),
                similarity=dense.get(number),
                sentence_similarity=by_sentence.get(number),
            )
            for number, score in chosen
        ]

    def _by_sentence(
        self, vector: np.ndarray, numbers: Sequence[int], passages: dict[int, Passage]
    ) -> dict[int, float]:
        """Cosine similarity of each passage's best sentence, best first."""
        new = [number for number in numbers if number not in self._sentences]
        if new:
            texts = [sentence_texts(passages[number]) for number in new]
            vectors = self._encoder.encode_documents([text for own in texts for text in own])
            ends = np.cumsum([len(own) for own in texts])
            parts = np.split(vectors, ends[:-1])
            if len(self._sentences) > SENTENCES_UP_TO:
                self._sentences.clear()
            self._sentences.update(zip(new, parts, strict=True))
        best = {number: float((self._sentences[number] @ vector).max()) for number in numbers}
        return dict(sorted(best.items(), key=lambda item: -item[1]))

    def _chosen(
        self,
        question: str,
        fused: list[tuple[int, float]],
        passages: dict[int, Passage],
        k: int,
    ) -> list[tuple[int, float]]:
        reranker = self._options.reranker
        if reranker is not None and fused:
            head = fused[: max(_RERANKED, k)]
            texts = [searched_text(passages[number]) for number, _ in head]
            scores = reranker.scores(question, texts)
            order = np.argsort(-scores, kind="stable")
            fused = [(head[position][0], float(scores[position])) for position in order]
        if self._options.relevance < 1:
            head = fused[: max(_CANDIDATES, k)]
            vectors = self._store.vectors([number for number, _ in head])
            return marginal_relevance(head, vectors, k, relevance=self._options.relevance)
        return fused[:k]
