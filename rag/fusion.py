"""Ways to make one ranking of several."""

from collections.abc import Mapping, Sequence

import numpy as np

#: Cormack, Clarke and Büttcher (SIGIR 2009) fix it at 60; it damps the weight of the first ranks.
RANK_CONSTANT = 60


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Fuse rankings of numbers: score = Σ 1 / (60 + rank), ranks from 1; best first.

    Ties keep the order in which the rankings name them, the first ranking first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (RANK_CONSTANT + rank)
    return _best_first(scores)


def min_max_fusion(
    scored: Sequence[Mapping[int, float]], weights: Sequence[float] | None = None
) -> list[tuple[int, float]]:
    """Fuse scores: each set brought to 0..1 by its least and greatest, then their weighted mean.

    What a set does not hold counts as its least. Best first, scores 0..1.

    :param weights: one a set; all alike by default.
    """
    weights = weights or [1.0] * len(scored)
    scores: dict[int, float] = {}
    for one, weight in zip(scored, weights, strict=True):
        if not one:
            continue
        least, spread = min(one.values()), max(one.values()) - min(one.values())
        for number, score in one.items():
            unit = (score - least) / spread if spread else 1.0
            scores[number] = scores.get(number, 0.0) + weight * unit / sum(weights)
    return _best_first(scores)


def marginal_relevance(
    ranked: Sequence[tuple[int, float]], vectors: np.ndarray, k: int, *, relevance: float
) -> list[tuple[int, float]]:
    """Choose `k` that are relevant and not alike (maximal marginal relevance).

    Carbonell and Goldstein (SIGIR 1998): each next one has the greatest λ·relevance - (1 - λ)·
    (greatest cosine similarity to one already chosen); relevance is the score brought to 0..1.

    :param ranked: (number, score), best first.
    :param vectors: (ranked, dimensions) of unit length.
    :param relevance: λ; 1 leaves the ranking as it is.
    """
    if not ranked:
        return []
    scores = np.array([score for _, score in ranked])
    spread = scores.max() - scores.min()
    unit = (scores - scores.min()) / spread if spread else np.ones_like(scores)
    alike = vectors @ vectors.T
    chosen: list[int] = []
    left = list(range(len(ranked)))
    while left and len(chosen) < k:
        nearest = alike[left][:, chosen].max(axis=1) if chosen else np.zeros(len(left))
        gain = relevance * unit[left] - (1 - relevance) * nearest
        chosen.append(left.pop(int(np.argmax(gain))))
    return [ranked[position] for position in chosen]


def _best_first(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    return sorted(scores.items(), key=lambda item: -item[1])
