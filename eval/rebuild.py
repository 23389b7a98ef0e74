"""Derives an evaluation's results from what was logged, without a model.

An evaluation ends with this too, so a rebuilt file has the same bytes. Nothing is passed over: who
was not answered, and every line of the log that counts for nothing, stands in the coverage.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UnansweredError
from core.records import ORACLE_NAMES, ArmName, AskedName, OracleName
from core.storage import write_json, write_text
from eval.diagnosed import diagnose_log
from eval.diagnosis import Diagnosis
from eval.examples import count_readable
from eval.results import UNWRITTEN, ResultRow, score_answer
from eval.run_files import (
    ANSWERS_FILE,
    AskedQuestion,
    LoggedAnswer,
    RunInfo,
    read_answers,
    read_asked,
    read_run,
)
from eval.summary import mean_metrics, summarise

RESULTS_FILE, SUMMARY_FILE = "results.jsonl", "summary.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """A run, scored: everything a report is made of."""

    info: RunInfo
    questions: tuple[AskedQuestion, ...]
    #: Rows of the contract's arms, question by question.
    rows: list[ResultRow]
    #: Rows of the oracles.
    oracle_rows: list[ResultRow]
    #: Who of the arms answered how many, and why not the others.
    coverage: dict[str, Any]
    #: Why each wrong answer is wrong, by arm.
    diagnoses: dict[ArmName, list[Diagnosis]]
    #: Why an oracle has not answered what it was asked.
    oracle_failures: dict[str, list[dict[str, str]]]


def rebuild(folder: Path) -> dict[str, Any]:
    """Write `results.jsonl` and `summary.json` of the run in `folder`, and return the summary.

    :raises EvaluationError: when the folder holds no run, its questions are cut, or nobody
        answered anything.
    :raises StorageError: when the disk refuses; neither file is left half-written.
    """
    scored = read_scored(folder)
    summary = summary_of(scored)
    write_text(folder / RESULTS_FILE, "".join(_line(row) + "\n" for row in scored.rows))
    write_json(folder / SUMMARY_FILE, summary)
    return summary


def read_scored(folder: Path) -> Scored:
    """Read a run and score its answers.

    :raises EvaluationError: see `rebuild`.
    """
    info = read_run(folder)
    questions = read_asked(folder, info)
    by_id = {question.id: question for question in questions}
    rows: dict[tuple[str, str], ResultRow] = {}
    errors: dict[tuple[str, str], str] = {}
    passed_over = []
    for number, line in read_answers(folder / ANSWERS_FILE):
        if isinstance(line, str):
            passed_over.append(f"{ANSWERS_FILE}:{number}: {line}.")
            continue
        key = (line.question_id, line.arm)
        place = f"{ANSWERS_FILE}:{number}: {line.arm} on {line.question_id!r}"
        if key in rows or key in errors:
            passed_over.append(f"{place} is there twice; the first counts.")
        elif line.question_id not in by_id or line.arm not in info.asked:
            passed_over.append(f"{place} was not asked in this run.")
        elif line.answer is None:
            errors[key] = line.error
        else:
            rows[key] = _row(by_id[line.question_id], line, info)
    for told in passed_over:
        _log.warning("%s: left out: %s", folder, told)
    failed = {arm: _failed(arm, questions, set(rows), errors) for arm in info.asked}
    coverage: dict[str, Any] = {
        "asked": info.n,
        "arms": {
            arm: {"answered": info.n - len(failed[arm]), "failed": failed[arm]} for arm in info.arms
        },
    }
    if passed_over:
        coverage["left_out"] = passed_over
    diagnoses = diagnose_log(folder, info, by_id, rows)
    causes = {(one.question_id, arm): one.cause for arm, some in diagnoses.items() for one in some}
    rows |= {key: rows[key].model_copy(update={"diagnosis": why}) for key, why in causes.items()}
    return Scored(
        info,
        tuple(questions),
        rows=_in_order(rows, questions, info.arms),
        diagnoses=diagnoses,
        oracle_rows=_in_order(rows, questions, info.oracles),
        coverage=coverage,
        oracle_failures={name: failed[name] for name in info.oracles},
    )


def summary_of(scored: Scored) -> dict[str, Any]:
    """Sum a scored run up.

    :raises UnansweredError: when nobody answered anything; says why.
    """
    info = scored.info
    if not scored.rows:
        reasons = [f"{arm}: {why}" for arm, why in silent_arms(scored.coverage).items()]
        raise UnansweredError(f"No question was answered by any arm. {' '.join(reasons)}")
    summary = summarise(
        scored.rows,
        corpus=info.corpus,
        split=info.split,
        provenance={arm: info.provenance[arm] for arm in info.arms},
        seed=info.seed,
        coverage=scored.coverage,
        columns={one.id: one.columns for one in scored.questions if one.columns},
    )
    summary["signatures"] |= info.signatures
    for arm in info.arms:
        readable = count_readable(scored.diagnoses[arm])
        if arm in summary["arms"] and readable:
            # Of the wrong answers, how many the same weights got right with the evidence given.
            summary["arms"][arm]["with_evidence"] = readable
    if info.oracles:
        summary["oracle"] = {name: _oracle(scored, name) for name in info.oracles}
    return summary


def _oracle(scored: Scored, name: OracleName) -> dict[str, Any]:
    """What an oracle did on the questions whose evidence stands in the documents."""
    rows = [row for row in scored.oracle_rows if row.arm == name]
    return {
        "n": len(rows),
        "failed": scored.oracle_failures[name],
        "provenance": scored.info.provenance[name],
        "metrics": mean_metrics(rows, seed=scored.info.seed) if rows else {},
    }


def silent_arms(coverage: Mapping[str, Any]) -> dict[str, str]:
    """Arms that answered no question at all, with the reason of their first failure."""
    return {
        arm: covered["failed"][0]["error"]
        for arm, covered in coverage["arms"].items()
        if covered["failed"] and not covered["answered"]
    }


def _row(question: AskedQuestion, line: LoggedAnswer, info: RunInfo) -> ResultRow:
    assert line.answer is not None
    row = score_answer(
        question.as_question(),
        line.answer,
        exposure=question.exposure,
        abstain_text=info.abstain_text,
        known=question.known,
    )
    return row.model_copy(
        update={
            "similarity": line.measures.get("similarity"),
            "support": line.measures.get("support"),
        }
    )


def _in_order(
    rows: dict[tuple[str, str], ResultRow],
    questions: Sequence[AskedQuestion],
    arms: Sequence[AskedName],
) -> list[ResultRow]:
    """Rows by question, then arm, whatever the order in which they were answered."""
    keys = ((question.id, arm) for question in questions for arm in arms)
    return [rows[key] for key in keys if key in rows]


def _failed(
    arm: AskedName,
    questions: Sequence[AskedQuestion],
    answered: set[tuple[str, str]],
    errors: Mapping[tuple[str, str], str],
) -> list[dict[str, str]]:
    """What an arm was asked and did not answer, and why."""
    missing = f"No answer is in {ANSWERS_FILE}: the run was broken off, or the file was cut."
    return [
        {"question_id": one.id, "error": errors.get((one.id, arm), missing)}
        for one in questions
        if (one.gold or arm not in ORACLE_NAMES) and (one.id, arm) not in answered
    ]


def _line(row: ResultRow) -> str:
    """Write a row with the contract's columns, and `known` where the base model was asked."""
    return row.model_dump_json(exclude=set(UNWRITTEN - {"known"} if row.known else UNWRITTEN))
