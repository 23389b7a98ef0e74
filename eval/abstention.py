"""Declining as a classification: an arm should decline what has no answer, and nothing else.

Positive is to decline: a question of the kinds `unanswerable` and `refusal` should be declined,
every other answered. Whether an answer is right is another matter.
"""

from collections.abc import Sequence
from typing import Any

from core.records import DECLINED_KINDS
from eval.bootstrap import ratio
from eval.comparisons import cluster_of
from eval.measured import as_record, bounded
from eval.results import ResultRow, refuses

SIGNATURE = "abstention:declined-against-unanswerable-or-refusal|ratio:bootstrap-by-document"


def abstention(rows: Sequence[ResultRow], *, seed: int = 0) -> dict[str, Any]:
    """Give accuracy, precision, recall and F1 of declining, with 95 % intervals, and the counts.

    A share of nothing is left out: precision where nothing was declined, recall where nothing
    should have been, F1 where neither.

    :raises ValueError: for no rows.
    """
    outcomes = [_outcome(row) for row in rows]
    clusters = [cluster_of(row) for row in rows]
    tp, fp, fn, tn = ([float(one == name) for one in outcomes] for name in ("tp", "fp", "fn", "tn"))
    every = [1.0] * len(outcomes)
    shares = {
        "accuracy": (_sum(tp, tn), every),
        "precision": (tp, _sum(tp, fp)),
        "recall": (tp, _sum(tp, fn)),
        "f1": (_sum(tp, tp), _sum(tp, tp, fp, fn)),
    }
    found: dict[str, Any] = {}
    for name, (above, below) in shares.items():
        spread = ratio(above, below, clusters=clusters, seed=seed)
        if spread is not None:
            counted = [cluster for cluster, weight in zip(clusters, below, strict=True) if weight]
            found[name] = as_record(bounded(spread, counted))
    counts = {name: outcomes.count(name) for name in ("tp", "fp", "fn", "tn")}
    return {**found, "counts": counts, "n": len(outcomes)}


def did_decline(row: ResultRow) -> bool:
    """Say whether a row's answer abstained or refused, in the corpus's words or in plain ones."""
    return row.abstained or refuses(row.prediction, row.references if row.kind == "refusal" else ())


def _outcome(row: ResultRow) -> str:
    if row.kind in DECLINED_KINDS:
        return "tp" if did_decline(row) else "fn"
    return "fp" if did_decline(row) else "tn"


def _sum(*columns: list[float]) -> list[float]:
    return [sum(cells) for cells in zip(*columns, strict=True)]
