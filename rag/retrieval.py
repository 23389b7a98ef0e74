"""The retriever the arms use: vectors and BM25 side by side, fused by reciprocal rank."""

from core.records import Hit
from core.storage import fingerprint_text
from rag.encoder import Encoder
from rag.fusion import reciprocal_rank_fusion
from rag.lexical_index import LexicalIndex
from rag.vector_index import VectorIndex

#: How many candidates each index puts forward for fusion, at least.
_CANDIDATES = 50


class HybridRetriever:
    """Finds passages by meaning and by words, and says for each hit which of the two found it."""

    def __init__(
        self, index: VectorIndex, encoder: Encoder, *, name: str, language: str = "en"
    ) -> None:
        """Build the lexical index over the passages of `index`.

        :param name: corpus and generation, for provenance.
        """
        self._index, self._encoder = index, encoder
        self._lexical = LexicalIndex(
            [_searched(passage.heading, passage.text) for passage in index.passages],
            language=language,
        )
        self.name = name
        self.fingerprint = fingerprint_text(
            index.encoder_fingerprint, *(passage.id + passage.text for passage in index.passages)
        )

    def retrieve(self, question: str, k: int) -> list[Hit]:
        """The `k` best passages by fused rank, best first; `score` is the fused score."""
        candidates = max(_CANDIDATES, k)
        vector = self._encoder.encode_questions([question])[0]
        dense = self._index.search(vector, candidates)
        lexical = self._lexical.search(question, candidates)
        dense_ranks = {position: rank for rank, (position, _) in enumerate(dense, start=1)}
        lexical_ranks = {position: rank for rank, (position, _) in enumerate(lexical, start=1)}
        similarity = dict(dense)
        fused = reciprocal_rank_fusion([list(dense_ranks), list(lexical_ranks)])
        return [
            Hit(
                passage=self._index.passages[position],
                score=score,
                dense_rank=dense_ranks.get(position),
                lexical_rank=lexical_ranks.get(position),
                similarity=similarity.get(position),
            )
            for position, score in fused[:k]
        ]


def embed_index(passages: list, encoder: Encoder) -> VectorIndex:
    """Encode passages with their heading before them, and index the vectors."""
    texts = [_searched(passage.heading, passage.text) for passage in passages]
    return VectorIndex(
        passages, encoder.encode_documents(texts), encoder_fingerprint=encoder.fingerprint
    )


def _searched(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if heading else text
