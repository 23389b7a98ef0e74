"""Scores any system's answers: a file of `{"prediction", "references"}` rows."""

import json
from pathlib import Path
from typing import Any

from core.errors import EvaluationError
from eval.measured import measured
from eval.scores import METRICS, score, signatures


def score_file(path: Path, *, seed: int = 0) -> dict[str, Any]:
    """Score each row and give the means with 95 % bootstrap intervals.

    :returns: `{"n", "metrics": {name: {"value", "low", "high"}}, "signatures"}`.
    :raises EvaluationError: names the file, the line and the field that is wrong.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read ({error}).") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            rows.append(score(*_row(line, f"{path}:{number}")))
    if not rows:
        raise EvaluationError(f"{path}: holds no row to score.")
    metrics = {}
    for name in METRICS:
        # Nothing says which rows belong together: each is alone.
        alone = [str(number) for number in range(len(rows))]
        metrics[name] = measured([row[name] for row in rows], clusters=alone, seed=seed)
    return {"n": len(rows), "metrics": metrics, "signatures": signatures()}


def _row(line: str, place: str) -> tuple[str, list[str]]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise EvaluationError(f"{place}: is not JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond Python's limits
        raise EvaluationError(f"{place}: is not JSON that can be read ({error}).") from error
    if not isinstance(row, dict) or not isinstance(row.get("prediction"), str):
        raise EvaluationError(f"{place}: prediction: must be a text.")
    references = row.get("references")
    texts = [references] if isinstance(references, str) else references
    if (
        not isinstance(texts, list)
        or not texts
        or not all(isinstance(text, str) and text.strip() for text in texts)
    ):
        raise EvaluationError(f"{place}: references: must be a list of texts that are not empty.")
    return row["prediction"], texts
