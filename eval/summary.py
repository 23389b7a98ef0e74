"""Folds scored rows into `summary.json`: means with 95 % intervals, slices, retrieval, pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.records import DECLINED_KINDS
from eval.abstention import SIGNATURE, abstention
from eval.bootstrap import interval
from eval.checked import checked
from eval.comparisons import cluster_of, compare_arms, compare_groups
from eval.diagnosis import count_causes
from eval.measured import as_record, bounded
from eval.ranking import ranking_measures
from eval.results import ResultRow, evidence_rank
from eval.scores import METRICS, length_signature, signatures
from eval.slices import Slicing, choose_slicing, mean_of
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
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Build the summary of an evaluation: the design's contract, and what is said beside it.

    Arms may have answered different questions: each is described by what it answered, and two are
    compared on the questions both answered. `coverage` tells the rest.

    :param coverage: how many questions were asked, and which failed: `{"asked", "arms": {ARM:
        {"answered", "failed"}}}`. Without it, taken from the rows: a question that any arm
        answered was asked.
    :param columns: the users' own columns, to slice by; see `eval.slices.choose_slicing`.
    :raises EvaluationError: for no rows, two of one question and arm, a score missing or not a
        number, or no reference at all.
    """
    by_arm, covered = checked(rows, coverage)
    slicing = choose_slicing(rows, columns)
    summary: dict[str, Any] = {
        "corpus": corpus,
        "split": split,
        "n": covered["asked"],
        "provenance": provenance,
        "signatures": {
            **signatures(),
            "length_ratio": length_signature(),
            "abstention": SIGNATURE,
        },
        "arms": {arm: _arm(mine, slicing, seed) for arm, mine in by_arm.items()},
        "retrieval": _retrieval(by_arm),
        "comparisons": compare_arms(by_arm, seed=seed),
        "group_comparisons": compare_groups(by_arm, declined_kinds=DECLINED_KINDS, seed=seed),
        "coverage": covered,
        **({"not_sliced": dict(slicing.left_out)} if slicing.left_out else {}),
    }
    return {**summary, "verdict": verdict(summary)}


def _arm(rows: list[ResultRow], slicing: Slicing, seed: int) -> dict[str, Any]:
    seconds = np.array([row.seconds for row in rows])
    causes = count_causes(rows)
    return {
        "metrics": mean_metrics(rows, seed=seed),
        "abstention": abstention(rows, seed=seed),
        **_extras(rows, seed),
        **slicing.slices(rows, seed=seed),
        **({"diagnosis": causes} if causes else {}),
        **_where_missed(rows),
        "seconds": {
            "p50": round(float(np.percentile(seconds, 50)), 3),
            "p95": round(float(np.percentile(seconds, 95)), 3),
        },
        "tokens": {
            "prompt": round(sum(row.prompt_tokens for row in rows) / len(rows), 1),
            "completion": round(sum(row.completion_tokens for row in rows) / len(rows), 1),
        },
    }


def _where_missed(rows: Sequence[ResultRow]) -> dict[str, Any]:
    """Of the answers that were not given their evidence, how many arms had found a part of it."""
    missed = [row for row in rows if row.diagnosis == "retrieval_missed"]
    if not missed:
        return {}
    found = sum(evidence_rank(row) is not None for row in missed)
    return {"retrieval_missed": {"found": found, "not_found": len(missed) - found}}


def mean_metrics(rows: Sequence[ResultRow], *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Give each metric's mean over the rows with its 95 % interval, clustered by document."""
    return {name: mean_of(rows, name, seed=seed) for name in METRICS}


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
            if row.kind not in DECLINED_KINDS and row.evidenced is not False
        ]
    )
