"""Folds scored rows into `summary.json`: means with 95 % intervals, slices, retrieval, pairs."""

import itertools
from collections.abc import Callable, Mapping, Sequence
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
    coverage: Mapping[str, Any] | None = None,
    more_signatures: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Build the summary of an evaluation, in the shape of the design's contract.

    :param coverage: how many questions were asked, and which failed.
    :raises EvaluationError: for no rows.
    """
    by_arm = rows_by_arm(rows)
    if not by_arm:
        raise EvaluationError("There is no answer to summarise: the split has no questions.")
    return {
        "corpus": corpus,
        "split": split,
        "n": coverage["asked"] if coverage else max(map(len, by_arm.values())),
        "provenance": provenance,
        "signatures": {**signatures(), **(more_signatures or {})},
        "arms": {arm: _arm(mine, seed) for arm, mine in by_arm.items()},
        "retrieval": _retrieval(by_arm),
        "comparisons": _comparisons(by_arm, seed),
        **({"coverage": coverage} if coverage else {}),
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
        "metrics": mean_metrics(rows, seed=seed),
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
    return {"n": len(rows), **mean_metrics(rows, seed=seed)}


def mean_metrics(rows: Sequence[ResultRow], *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Give each metric's mean over the rows with its 95 % interval, clustered by document."""
    return {name: _mean(rows, name, seed) for name in METRICS}


def _mean(rows: Sequence[ResultRow], name: str, seed: int) -> dict[str, float]:
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
        other = {row.question_id: row for row in by_arm[b]}
        both = [(row, other[row.question_id]) for row in by_arm[a] if row.question_id in other]
        if not both:
            continue
        pair = paired_difference(
            [row.metrics[metric] for row, _ in both],
            [row.metrics[metric] for _, row in both],
            clusters=[row.document for row, _ in both],
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
