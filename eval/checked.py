"""Checks that rows can be summed up: each once, every score a number, references to score by."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import EvaluationError
from core.records import DECLINED_KINDS
from eval.results import ResultRow, rows_by_arm
from eval.scores import METRICS


def checked(
    rows: Sequence[ResultRow], coverage: Mapping[str, Any] | None = None
) -> tuple[dict[str, list[ResultRow]], dict[str, Any]]:
    """Give the rows of each arm that can be scored, and how much of what was asked they cover.

    Questions that have no reference at all are left out of the scores, and named in the coverage
    as `without_reference`.

    :param coverage: what the run knows of it; None derives it from the rows.
    :raises EvaluationError: for no rows, two of one question and arm, a score missing or not a
        number in 0–1, or no reference at all.
    """
    covered = _coverage(rows, coverage)
    if not rows:
        failed = [one for arm in covered["arms"].values() for one in arm.get("failed", [])]
        if failed:
            raise EvaluationError(
                f"There is no answer to summarise: each of the {len(failed)} failed, the first "
                f"({failed[0]['question_id']}) with: {failed[0]['error']}"
            )
        raise EvaluationError("There is no answer to summarise: the split has no questions.")
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.question_id, row.arm) in seen:
            raise EvaluationError(
                f"The question {row.question_id} has two answers of the arm {row.arm}: remove one, "
                "since a question that counts twice is weighed twice."
            )
        seen.add((row.question_id, row.arm))
        _check_scores(row)
    bare = dict.fromkeys(row.question_id for row in rows if not _has_reference(row))
    kept = [row for row in rows if row.question_id not in bare]
    if not kept:
        raise EvaluationError(
            f"None of the {len(bare)} questions has a reference answer to score by: "
            "fill `answers` in qa.jsonl, or mark the questions as unanswerable."
        )
    if bare:
        covered["without_reference"] = list(bare)
    return rows_by_arm(kept), covered


def _check_scores(row: ResultRow) -> None:
    place = f"The score of {row.question_id} by the arm {row.arm}"
    for metric in METRICS:
        value = row.metrics.get(metric)
        if value is None:
            raise EvaluationError(f"{place} lacks {metric}: score the answers again.")
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise EvaluationError(
                f"{place} is {value} in {metric}, where a number from 0 to 1 belongs: "
                "score the answers again."
            )
    for measure in ("length_ratio", "similarity", "support"):
        value = getattr(row, measure)
        if value is not None and not math.isfinite(value):
            raise EvaluationError(f"{place} is {value} in {measure}: measure it again.")


def _has_reference(row: ResultRow) -> bool:
    """Say whether an answer can be right: declining needs no reference, answering does."""
    return row.kind in DECLINED_KINDS or any(reference.strip() for reference in row.references)


def _coverage(rows: Sequence[ResultRow], given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is not None:
        return dict(given)
    arms = {arm: len(mine) for arm, mine in rows_by_arm(rows).items()}
    return {
        "asked": len({row.question_id for row in rows}),
        "arms": {arm: {"answered": answered, "failed": []} for arm, answered in arms.items()},
    }
