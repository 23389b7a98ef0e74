"""Folds scored rows into `summary.json`: means with 95 % intervals, slices, retrieval, pairs."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.errors import EvaluationError
from core.records import DECLINED_KINDS
from eval.bootstrap import holm, interval, paired_difference
from eval.ranking import ranking_measures
from eval.results import ResultRow, rows_by_arm
from eval.scores import METRICS, signatures

_COMPARED = ("accuracy", "f1")
#: Below this adjusted p a difference is called one.
_SIGNIFICANCE = 0.05


def summarise(
    rows: Sequence[ResultRow],
    *,
    corpus: str,
    split: str,
    provenance: dict[str, Any],
    seed: int = 0,
) -> dict[str, Any]:
    """Build the summary of an evaluation, in the shape of the design's contract.

    :raises EvaluationError: for no rows, or arms that answered different questions.
    """
    by_arm = rows_by_arm(rows)
    if not by_arm:
        raise EvaluationError("There is no answer to summarise: the split has no questions.")
    asked = {arm: [row.question_id for row in mine] for arm, mine in by_arm.items()}
    first = next(iter(asked.values()))
    for arm, ids in asked.items():
        if ids != first:
            raise EvaluationError(
                f"The arm {arm} has {len(ids)} answers, another {len(first)}, or in another order; "
                "only arms that answered the same questions can be compared."
            )
    return {
        "corpus": corpus,
        "split": split,
        "n": len(first),
        "provenance": provenance,
        "signatures": signatures(),
        "arms": {arm: _arm(mine, seed) for arm, mine in by_arm.items()},
        "retrieval": _retrieval(by_arm),
        "comparisons": _comparisons(by_arm, seed),
    }


def _arm(rows: list[ResultRow], seed: int) -> dict[str, Any]:
    seconds = np.array([row.seconds for row in rows])
    answerable = [row for row in rows if row.kind not in DECLINED_KINDS]
    by_exposure = _sliced(rows, lambda row: row.exposure, seed)
    # The goals speak of answerable questions: those that have an answer to find.
    by_kind = _sliced(rows, lambda row: row.kind, seed)
    by_known = _sliced(rows, lambda row: row.known, seed)
    if answerable and len(answerable) < len(rows):
        by_kind["answerable"] = _slice(answerable, seed)
    return {
        "metrics": {name: _mean(rows, name, seed) for name in METRICS},
        "by_kind": by_kind,
        "by_exposure": by_exposure,
        "by_kind_and_exposure": _sliced(rows, _kind_and_exposure, seed),
        **({"by_known": by_known} if by_known else {}),
        "seconds": {
            "p50": round(float(np.percentile(seconds, 50)), 3),
            "p95": round(float(np.percentile(seconds, 95)), 3),
        },
        "tokens": {
            "prompt": round(sum(row.prompt_tokens for row in rows) / len(rows), 1),
            "completion": round(sum(row.completion_tokens for row in rows) / len(rows), 1),
        },
    }


def _sliced(
    rows: list[ResultRow], key: Callable[[ResultRow], str | None], seed: int
) -> dict[str, Any]:
    names = dict.fromkeys(name for row in rows if (name := key(row)))
    return {name: _slice([row for row in rows if key(row) == name], seed) for name in names}


def _kind_and_exposure(row: ResultRow) -> str | None:
    """Name the slice of the kinds that a fact can be trained for; None for the others."""
    if row.kind not in ("fact", "procedure") or row.exposure is None:
        return None
    return f"{row.kind}, {row.exposure}"


def _slice(rows: list[ResultRow], seed: int) -> dict[str, Any]:
    return {"n": len(rows), **{name: _mean(rows, name, seed) for name in METRICS}}


def _mean(rows: list[ResultRow], name: str, seed: int) -> dict[str, float]:
    found = interval(
        [row.metrics[name] for row in rows],
        clusters=[row.document for row in rows],
        seed=seed,
    )
    return {
        "value": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }


def _retrieval(by_arm: dict[str, list[ResultRow]]) -> dict[str, float]:
    """Measure the ranking over the questions that have evidence; {} without open book."""
    rows = next((mine for mine in by_arm.values() if any(row.hits for row in mine)), [])
    return ranking_measures(
        [
            [bool(hit["relevant"]) for hit in row.hits]
            for row in rows
            if row.kind not in DECLINED_KINDS
        ]
    )


def _comparisons(by_arm: dict[str, list[ResultRow]], seed: int) -> list[dict[str, Any]]:
    """Every pair of arms on the main metrics; p adjusted by Holm over all of them."""
    found = []
    for metric, (a, b) in itertools.product(_COMPARED, itertools.combinations(by_arm, 2)):
        pair = paired_difference(
            [row.metrics[metric] for row in by_arm[a]],
            [row.metrics[metric] for row in by_arm[b]],
            clusters=[row.document for row in by_arm[a]],
            seed=seed,
        )
        found.append((metric, a, b, pair))
    adjusted = holm([pair.p for *_, pair in found])
    return [
        {
            "metric": metric,
            "a": a,
            "b": b,
            "difference": round(pair.difference, 4),
            "low": round(pair.low, 4),
            "high": round(pair.high, 4),
            "p": round(pair.p, 5),
            "p_adjusted": round(p_adjusted, 5),
            "test": "sign-flip permutation, clustered by document",
            "wins": pair.wins,
            "ties": pair.ties,
            "losses": pair.losses,
            "verdict": _verdict(pair.difference, p_adjusted),
        }
        for (metric, a, b, pair), p_adjusted in zip(found, adjusted, strict=True)
    ]


def _verdict(difference: float, p_adjusted: float) -> str:
    if p_adjusted >= _SIGNIFICANCE or difference == 0:
        return "no clear difference"
    return "better" if difference > 0 else "worse"
