"""Folds scored rows into `summary.json`: means with 95 % intervals, slices, retrieval, pairs."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import EvaluationError
from core.records import DECLINED_KINDS
from eval.bootstrap import holm, paired_difference
from eval.diagnosis import count_causes
from eval.ranking import ranking_measures
from eval.results import ResultRow, rows_by_arm
from eval.scores import METRICS, signatures
from eval.slices import Slicing, choose_slicing, mean_of

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
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Build the summary of an evaluation, in the shape of the design's contract.

    :param columns: the users' own columns, to slice by; see `eval.slices.choose_slicing`.

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
    slicing = choose_slicing(rows, columns)
    return {
        "corpus": corpus,
        "split": split,
        "n": len(first),
        "provenance": provenance,
        "signatures": signatures(),
        "arms": {arm: _arm(mine, slicing, seed) for arm, mine in by_arm.items()},
        "retrieval": _retrieval(by_arm),
        "comparisons": _comparisons(by_arm, seed),
        **({"not_sliced": dict(slicing.left_out)} if slicing.left_out else {}),
    }


def _arm(rows: list[ResultRow], slicing: Slicing, seed: int) -> dict[str, Any]:
    seconds = np.array([row.seconds for row in rows])
    causes = count_causes(rows)
    return {
        "metrics": {name: mean_of(rows, name, seed=seed) for name in METRICS},
        **slicing.slices(rows, seed=seed),
        **({"diagnosis": causes} if causes else {}),
        "seconds": {
            "p50": round(float(np.percentile(seconds, 50)), 3),
            "p95": round(float(np.percentile(seconds, 95)), 3),
        },
        "tokens": {
            "prompt": round(sum(row.prompt_tokens for row in rows) / len(rows), 1),
            "completion": round(sum(row.completion_tokens for row in rows) / len(rows), 1),
        },
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
