"""Find by paragraph, read by sentence: narrows the hits to the few sentences the model is given.

A small model answers better from one tight window than from whole paragraphs, but a paragraph is
found more surely than a sentence. So passages are ranked whole and then read in part: every
sentence of the best hits is compared with the question, by meaning and by words, and the window
around the best one is put before the model.
"""

from collections.abc import Sequence

import numpy as np

from core.records import Hit, Passage
from rag.embedding_cache import CachedEncoder
from rag.lexical_index import LexicalIndex
from rag.passages import join, sentences


class Reader:
    """Chooses what of the hits is read."""

    def __init__(self, encoder: CachedEncoder, *, language: str = "en") -> None:
        """Use the retriever's encoder and language."""
        self._encoder, self._language = encoder, language

    def windows(
        self, question: str, hits: Sequence[Hit], *, windows: int = 1, neighbours: int = 0
    ) -> list[Passage]:
        """Return the best windows, best first.

        :param windows: how many, at most.
        :param neighbours: sentences kept on each side of a window's own sentence.
        """
        parts = [(hit, sentences(hit.passage)) for hit in hits]
        flat = [
            (rank, hit, own, index)
            for rank, (hit, own) in enumerate(parts)
            for index in range(len(own))
        ]
        if not flat:
            return [hit.passage for hit in hits[:windows]]
        plain = [own[index].text for _, _, own, index in flat]
        headed = [f"{hit.passage.heading}: {own[index].text}" for _, hit, own, index in flat]
        scores = self._scores(question, plain, headed, [rank for rank, _, _, _ in flat])
        chosen: list[Passage] = []
        for position in np.argsort(-scores, kind="stable"):
            _, hit, own, index = flat[position]
            window = join(hit.passage, own[max(0, index - neighbours) : index + neighbours + 1])
            if not any(_overlap(window, other) for other in chosen):
                chosen.append(window)
            if len(chosen) == windows:
                break
        return chosen

    def _scores(
        self, question: str, plain: list[str], headed: list[str], ranks: list[int]
    ) -> np.ndarray:
        """One score a sentence: likeness in meaning, in words, and its passage's rank.

        Each sentence counts with and without its heading: the heading names what a pronoun stands
        for, and drowns a short line or a table's row. The weights were chosen on validation
        questions of Halden and the train questions of XQuAD (see benchmarks/README.md).
        """
        vector = self._encoder.encode_questions([question])[0]
        encoded = self._encoder.encode_documents([*plain, *headed])
        dense = (encoded[: len(plain)] + encoded[len(plain) :]) @ vector
        lexical = self._matched(question, plain) + self._matched(question, headed)
        prior = 1.0 / (1.0 + np.array(ranks, dtype=np.float32))
        return _unit_range(dense) + 0.5 * _unit_range(lexical) + 0.3 * prior

    def _matched(self, question: str, texts: list[str]) -> np.ndarray:
        scores = np.zeros(len(texts), dtype=np.float32)
        for position, score in LexicalIndex(texts, language=self._language).search(
            question, len(texts)
        ):
            scores[position] = score
        return scores


def _unit_range(values: np.ndarray) -> np.ndarray:
    spread = float(values.max() - values.min())
    return (values - values.min()) / spread if spread else np.zeros_like(values)


def _overlap(one: Passage, other: Passage) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end
