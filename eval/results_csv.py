"""A run's answers as a table for spreadsheets: a row for each question and arm."""

import csv
import io
import re

from eval.report_data import Run
from eval.results import ResultRow, evidence_rank
from eval.scores import METRICS

#: A cell that begins so is a formula to a spreadsheet (OWASP, "CSV Injection"); the full-width
#: signs are formulas where the keyboard is Japanese. Spaces before them do not make it safe.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠|%]|[\t\r\n]")
#: Characters that no spreadsheet takes, and halves of characters that no file can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_COLUMNS = (
    "question_id", "arm", "question", "kind", "exposure", "known", "document", "prediction",
    "references", "abstained", "diagnosis", "evidence_rank", "seconds", "prompt_tokens",
    "completion_tokens",
)  # fmt: skip


def results_csv(run: Run) -> str:
    """The rows as CSV (RFC 4180) with a byte-order mark, which Excel needs to read UTF-8.

    Texts that a spreadsheet would run as a formula get an apostrophe before them; numbers are
    numbers. Several references stand in one cell, a line each.
    """
    columns = list(
        dict.fromkeys(name for one in run.questions.values() for name in (one.get("columns") or {}))
    )
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(name) for name in (*_COLUMNS, *METRICS, *columns)])
    for row in run.rows:
        asked = run.questions.get(row.question_id, {})
        own = asked.get("columns") or {}
        writer.writerow(
            [
                *_cells(run, row, str(asked.get("question", ""))),
                *(row.metrics.get(name, "") for name in METRICS),
                *(safe_cell(own.get(name, "")) for name in columns),
            ]
        )
    return "\ufeff" + buffer.getvalue()


def _cells(run: Run, row: ResultRow, question: str) -> list[str | int | float]:
    rank = evidence_rank(row)
    texts = (
        row.question_id, row.arm, question, row.kind, row.exposure or "", row.known or "",
        _document(run, row), row.prediction, "\n".join(row.references),
    )  # fmt: skip
    return [
        *(safe_cell(value) for value in texts),
        "yes" if row.abstained else "no",
        safe_cell(row.diagnosis),
        "" if rank is None else rank,
        row.seconds,
        row.prompt_tokens,
        row.completion_tokens,
    ]


def _document(run: Run, row: ResultRow) -> str:
    """The document that the question's evidence stands in; empty where it names none."""
    asked = run.questions.get(row.question_id, {})
    evidence = asked.get("evidence")
    if evidence is None:
        return run.document_of(row)
    return str(evidence[0].get("document", "")) if evidence else ""


def safe_cell(value: object) -> str:
    """A text that no spreadsheet runs."""
    shown = _FORBIDDEN.sub("\ufffd", str(value))
    return f"'{shown}" if _FORMULA.match(shown) else shown
