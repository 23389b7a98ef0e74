"""Reads what a run left in its folder, as far as it is there, for a report or a comparison.

Nothing here runs a model. What is missing or damaged is told in `Run.problems`, so that a reader
of the report knows what it rests on.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import EvaluationError
from core.records import ARM_NAMES
from core.storage import read_lines
from eval.results import ResultRow
from eval.summary import summarise

_AGAIN = "Run `sft-vs-rag evaluate CORPUS --out {folder}` to make it."


@dataclass(frozen=True)
class Run:
    """One evaluation, as its folder tells it; mappings are empty where a file is not there."""

    folder: Path
    summary: Mapping[str, Any]
    rows: tuple[ResultRow, ...]
    #: `run.json`: what was asked, and when.
    info: Mapping[str, Any] = field(default_factory=dict)
    #: `questions.jsonl` by question id.
    questions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    forgetting: Mapping[str, Any] = field(default_factory=dict)
    #: Sentences on what was missing or damaged.
    problems: tuple[str, ...] = ()

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        """The summary's arms, in the order everything shows them."""
        found = self.summary["arms"]
        known = [name for name in ARM_NAMES if name in found]
        return {name: found[name] for name in [*known, *(set(found) - set(known))]}

    @property
    def title(self) -> str:
        """The corpus's title, or its name where no title was kept."""
        return str(self.info.get("corpus_title") or self.summary["corpus"])

    def document_of(self, row: ResultRow) -> str:
        """Name the document a question is about; its id where nothing tells: then it is alone."""
        asked = self.questions.get(row.question_id, {})
        return row.document or str(asked.get("document") or row.question_id)


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    `results.jsonl` and `summary.json` are enough; a missing summary is made from the results.

    :raises EvaluationError: when the folder holds no run, or nothing of it can be read.
    """
    if not folder.is_dir():
        raise EvaluationError(f"There is no folder {folder} to read a run from.")
    problems: list[str] = []
    info = _object(folder / "run.json", problems)
    questions = {str(one["id"]): one for one in _lines(folder / "questions.jsonl") if one.get("id")}
    rows = _rows(folder / "results.jsonl", problems)
    summary = _object(folder / "summary.json", problems)
    if not _is_summary(summary):
        summary = _made_anew(folder, rows, info, questions, problems)
    asked, arms = int(summary["n"]), summary["arms"]
    for arm in arms:
        had = sum(row.arm == arm for row in rows)
        failed = len(summary.get("coverage", {}).get("arms", {}).get(arm, {}).get("failed", []))
        if had + failed < asked:
            problems.append(
                f"results.jsonl holds {had} answers of {arm} where summary.json counts "
                f"{asked - failed}: the tables are of the whole, the examples of what is left."
            )
    return Run(
        folder=folder,
        summary=summary,
        rows=tuple(row for row in rows if row.arm in arms),
        info=info,
        questions=questions,
        change=_object(folder / "change.json", problems),
        cost=_object(folder / "cost.json", problems),
        forgetting=_object(folder / "forgetting.json", problems),
        problems=tuple(problems),
    )


def _is_summary(found: Mapping[str, Any]) -> bool:
    arms = found.get("arms")
    return (
        isinstance(arms, dict)
        and bool(arms)
        and all(
            isinstance(arm, dict) and isinstance(arm.get("metrics"), dict) for arm in arms.values()
        )
        and isinstance(found.get("n"), int)
        and isinstance(found.get("corpus"), str)
    )


def _made_anew(
    folder: Path,
    rows: list[ResultRow],
    info: Mapping[str, Any],
    questions: Mapping[str, Mapping[str, Any]],
    problems: list[str],
) -> dict[str, Any]:
    """Sum up the results where the folder has no summary that can be read."""
    if not rows:
        raise EvaluationError(
            f"{folder} holds neither a summary.json nor results that can be read: there is nothing "
            f"to report. {_AGAIN.format(folder=folder)}"
        )
    problems.append("summary.json was missing or damaged: it was made anew from results.jsonl.")
    named = []
    for row in rows:
        asked = questions.get(row.question_id, {})
        about = str(asked.get("document") or row.question_id)
        evidenced = bool(asked["evidence"]) if "evidence" in asked else None
        named.append(row.model_copy(update={"document": about, "evidenced": evidenced}))
    return summarise(
        named,
        corpus=str(info.get("corpus") or folder.name),
        split=str(info.get("split") or "unknown"),
        provenance=dict(info.get("provenance") or {}),
        seed=int(info.get("seed") or 0),
        coverage=_covered(rows, info, questions),
        columns={
            name: {key: str(value) for key, value in one["columns"].items()}
            for name, one in questions.items()
            if isinstance(one.get("columns"), dict) and one["columns"]
        },
    )


def _covered(
    rows: list[ResultRow],
    info: Mapping[str, Any],
    questions: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any] | None:
    """Who answered how many of what was asked; None where nothing tells what that was."""
    if not questions:
        return None
    missing = "No answer is in results.jsonl: the run was broken off, or the file was cut."
    arms = {}
    for arm in dict.fromkeys([*(info.get("arms") or ()), *(row.arm for row in rows)]):
        answered = {row.question_id for row in rows if row.arm == arm}
        failed = [
            {"question_id": name, "error": missing} for name in questions if name not in answered
        ]
        arms[str(arm)] = {"answered": len(answered), "failed": failed}
    return {"asked": len(questions), "arms": arms}


def _rows(path: Path, problems: list[str]) -> list[ResultRow]:
    """The rows of the results that can be read, each question and arm once."""
    rows: dict[tuple[str, str], ResultRow] = {}
    damaged = doubled = 0
    if path.is_file():
        with open(path, "rb") as file:
            written = sum(1 for line in file if line.strip())
        read = list(_lines(path))
        damaged = written - len(read)
        for one in read:
            row = _row(one)
            if row is None:
                damaged += 1
            elif (row.question_id, row.arm) in rows:
                doubled += 1
            else:
                rows[row.question_id, row.arm] = row
    if damaged:
        problems.append(f"results.jsonl has {damaged} line(s) that cannot be read; left out.")
    if doubled:
        problems.append(f"results.jsonl names {doubled} answer(s) twice; the first of each counts.")
    return list(rows.values())


def _row(found: Mapping[str, Any]) -> ResultRow | None:
    """A row of results, whatever other columns a later version gave it; None if damaged."""
    known = {name: value for name, value in found.items() if name in ResultRow.model_fields}
    try:
        row = ResultRow.model_validate(known)
    except ValidationError:
        return None
    finite = all(math.isfinite(value) for value in (*row.metrics.values(), row.seconds))
    return row if finite and row.metrics else None


def _lines(path: Path) -> list[dict[str, Any]]:
    return list(read_lines(path)) if path.is_file() else []


def _object(path: Path, problems: list[str]) -> dict[str, Any]:
    """A JSON object of the folder; {} where there is none, told where it cannot be read."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict):
        return found
    problems.append(f"{path.name} cannot be read and was left out.")
    return {}
