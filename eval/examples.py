"""Chooses wrong answers to show, and counts what the gold evidence would have changed."""

from collections import Counter
from collections.abc import Sequence

from eval.diagnosis import CAUSES, Cause, Diagnosis
from eval.results import ResultRow


def count_readable(diagnoses: Sequence[Diagnosis]) -> dict[str, dict[str, int]]:
    """Count for each cause how often the same weights were right with the gold evidence.

    Of answers that were read wrongly it says whether the model cannot read the passage at all
    (`wrong`), or only not among others (`right`); of passages that were missed, how much a better
    search would win. Answers whose oracle was not asked are left out.
    """
    counted = Counter(
        (one.cause, one.oracle_right) for one in diagnoses if one.oracle_right is not None
    )
    return {
        cause: {"right": counted[cause, True], "wrong": counted[cause, False]}
        for cause in CAUSES
        if counted[cause, True] or counted[cause, False]
    }


def choose_examples(
    rows: Sequence[ResultRow], *, most: int = 3
) -> dict[Cause, tuple[ResultRow, ...]]:
    """Choose telling wrong answers of each cause, the same on every call.

    An answer tells most where another arm was right on the same question; among those, ones of
    arms, then of documents, that are not shown yet, then the shortest texts.
    """
    solved = {row.question_id for row in rows if row.metrics["accuracy"] >= 1}
    chosen: dict[Cause, tuple[ResultRow, ...]] = {}
    for cause in CAUSES:
        left = [row for row in rows if row.diagnosis == cause]
        taken: list[ResultRow] = []
        while left and len(taken) < most:
            best = min(left, key=lambda row: _telling_order(row, taken, solved))
            taken.append(best)
            left.remove(best)
        if taken:
            chosen[cause] = tuple(taken)
    return chosen


def _telling_order(
    row: ResultRow, taken: Sequence[ResultRow], solved: set[str]
) -> tuple[int, int, int, int, int, str, str]:
    return (
        sum(row.question_id == other.question_id for other in taken),
        row.question_id not in solved,
        sum(row.arm == other.arm for other in taken),
        sum(row.document == other.document for other in taken),
        len(row.prediction),
        row.question_id,
        row.arm,
    )
