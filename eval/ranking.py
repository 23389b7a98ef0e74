"""Measures of a ranking, over judged lists: which of the first hits hold the evidence."""

from collections.abc import Sequence

import numpy as np

DEPTHS = (1, 3, 5)


def ranking_measures(ranked: Sequence[Sequence[bool]]) -> dict[str, float]:
    """Hit rates and rank measures over questions; {} for none.

    hit@k: the evidence is in one of the first k. MRR@10: mean of 1/rank of the first that holds it.
    nDCG@10: binary gains, discount log2(rank + 1), against all that hold it among those returned
    (Järvelin & Kekäläinen 2002).

    :param ranked: for each question, whether each hit holds the evidence, best first.
    """
    if not ranked:
        return {}
    cut = [list(relevant[:10]) for relevant in ranked]
    measures = {f"hit@{k}": [float(any(relevant[:k])) for relevant in cut] for k in DEPTHS}
    measures["mrr@10"] = [
        next((1 / rank for rank, hit in enumerate(relevant, start=1) if hit), 0.0)
        for relevant in cut
    ]
    measures["ndcg@10"] = [_ndcg(relevant) for relevant in cut]
    return {name: round(float(np.mean(values)), 4) for name, values in measures.items()}


def _ndcg(relevant: Sequence[bool]) -> float:
    gains = sum(1 / np.log2(rank + 1) for rank, hit in enumerate(relevant, start=1) if hit)
    best = sum(1 / np.log2(rank + 1) for rank in range(1, sum(relevant) + 1))
    return float(gains / best) if best else 0.0
