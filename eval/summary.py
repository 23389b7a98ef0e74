"""Folds scored rows into `summary.json`: means with 95 % intervals, slices, retrieval, pairs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.records import DECLINED_KINDS
from eval.abstention import SIGNATURE, abstention
from eval.bootstrap import interval
from eval.checked import checked
from eval.comparisons import cluster_of, compare_arms, compare_groups
from eval.measured import as_record, bounded, measured
from eval.ranking import ranking_measures
from eval.results import ResultRow
from eval.scores import METRICS, length_signature, signatures
from eval.verdict import verdict

#: A row's measures beside the contract's metrics, averaged over the rows that carry them.
_EXTRAS = ("length_ratio", "similarity", "support")


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
    """Build the summary of an evaluation: the design's contract, and what is said beside it.

    Arms may have answered different questions: each is described by what it answered, and two are
    compared on the questions both answered. `coverage` tells the rest.

    :param coverage: how many questions were asked, and which failed: `{"asked", "arms": {ARM:
        {"answered", "failed"}}}`. Without it, taken from the rows: a question that any arm
        answered was asked.
    :param more_signatures: how the rows' `similarity` and `support` were measured.
    :raises EvaluationError: for no rows, two of one question and arm, a score missing or not a
        number, or no reference at all.
    """
    by_arm, covered = checked(rows, coverage)
    summary: dict[str, Any] = {
        "corpus": corpus,
        "split": split,
        "n": covered["asked"],
        "provenance": provenance,
        "signatures": {
            **signatures(),
            "length_ratio": length_signature(),
            "abstention": SIGNATURE,
            **(more_signatures or {}),
        },
        "arms": {arm: _arm(mine, seed) for arm, mine in by_arm.items()},
        "retrieval": _retrieval(by_arm),
        "comparisons": compare_arms(by_arm, seed=seed),
        "group_comparisons": compare_groups(by_arm, declined_kinds=DECLINED_KINDS, seed=seed),
        "coverage": covered,
    }
    return {**summary, "verdict": verdict(summary)}


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
        "abstention": abstention(rows, seed=seed),
        **_extras(rows, seed),
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
    clusters = [cluster_of(row) for row in rows]
    return {
        name: measured([row.metrics[name] for row in rows], clusters=clusters, seed=seed)
        for name in METRICS
    }


def _extras(rows: Sequence[ResultRow], seed: int) -> dict[str, Any]:
    """Average the measures that rows may carry; one that no row carries is left out."""
    found = {}
    for name in _EXTRAS:
        carried = [(row, value) for row in rows if (value := getattr(row, name)) is not None]
        if carried:
            clusters = [cluster_of(row) for row, _ in carried]
            spread = interval([value for _, value in carried], clusters=clusters, seed=seed)
            # Only support is a share: that all lengths are equal says nothing of a bound at 1.
            found[name] = {
                **as_record(bounded(spread, clusters) if name == "support" else spread),
                "n": len(carried),
            }
    return found


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
