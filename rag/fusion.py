"""Reciprocal-rank fusion of rankings."""

from collections.abc import Sequence

#: Cormack, Clarke and Büttcher (SIGIR 2009) fix it at 60; it damps the weight of the first ranks.
RANK_CONSTANT = 60


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Fuse rankings of positions: score = Σ 1 / (60 + rank), ranks from 1; best first.

    Ties keep the order in which the rankings name them, the first ranking first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, position in enumerate(ranking, start=1):
            scores[position] = scores.get(position, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
